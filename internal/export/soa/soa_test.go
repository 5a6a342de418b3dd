package soa_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/soa"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

var approvedAt = time.Date(2026, 2, 1, 8, 30, 0, 0, time.UTC)

// statement is one with a row of every sort.
func statement() *export.SoA {
	yes, no := true, false
	return &export.SoA{Version: "2026-2", ApprovedBy: "ines", ApprovedAt: approvedAt, Evidence: evidence.Sum([]byte("soa")), Previous: "2026-1",
		Remarks: []string{"Version 2026-3 is on record, proposed by marek, and was not approved by the as-of."},
		Rows: []export.SoARow{
			{ID: "A.4.2", Title: "Resource documentation", Applicable: &yes, Reason: "Risk R-7", Source: "risk R-7", State: "stated: implemented; evidence: in part, 1 of 3 satisfied",
				Since: approvedAt.AddDate(-1, 0, 0), Evidence: 3, ApprovedBy: "ines", ApprovedAt: approvedAt},
			{ID: "A.5.2", Title: "Impact assessment process", Applicable: &yes, Evidence: 0, ApprovedBy: "ines", ApprovedAt: approvedAt},
			{ID: "A.7.4", Title: "Quality of data"},
			{ID: "A.10.3", Title: "Suppliers", Applicable: &no, Reason: "Nobody supplies any", State: "excluded", Evidence: 1, Contradiction: "2 of vendor.record",
				ApprovedBy: "ines", ApprovedAt: approvedAt, Changed: "was applicable"},
			{ID: "A.10.4", Title: "Customers", Applicable: &no, Reason: "No customer gets any", State: "excluded", Contradiction: "not established: stale, nobody reads it",
				ApprovedBy: "ines", ApprovedAt: approvedAt},
			{ID: "X.1", Applicable: &yes, Reason: "Ours", ApprovedBy: "ines", ApprovedAt: approvedAt},
		}}
}

func snapshot(t testing.TB) *export.Snapshot {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	s.Snapshot.SoA = statement()
	return s.Snapshot
}

func written(t testing.TB, s *export.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := soa.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parts are the files in the document.
func parts(t testing.TB, doc []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(b)
	}
	return out
}

// lines are the paragraphs of a part as text.
func lines(t testing.TB, part string) []string {
	t.Helper()
	var out []string
	var text strings.Builder
	d := xml.NewDecoder(strings.NewReader(part))
	in := ""
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if in = tok.Name.Local; in == "br" {
				text.WriteByte('\n')
			}
		case xml.EndElement:
			if in = ""; tok.Name.Local == "p" {
				out = append(out, text.String())
				text.Reset()
			}
		case xml.CharData:
			if in == "t" {
				text.Write(tok)
			}
		}
	}
}

func text(t testing.TB, s *export.Snapshot) string {
	t.Helper()
	return strings.Join(lines(t, parts(t, written(t, s))["word/document.xml"]), "\n")
}

func wants(t *testing.T, got string, want []string, not ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("it does not say %q", w)
		}
	}
	for _, w := range not {
		if strings.Contains(got, w) {
			t.Errorf("it says %q", w)
		}
	}
	if t.Failed() {
		t.Logf("%.6000s", got)
	}
}

func TestWhatItSays(t *testing.T) {
	s := snapshot(t)
	d, err := s.Digests()
	if err != nil {
		t.Fatal(err)
	}
	wants(t, text(t, s), []string{
		"Nordlicht Versicherung & Co, version 2026-2", "ines on 2026-02-01 08:30:00 UTC", "Development and operation of AI for claims handling.",
		"3 applicable, 2 excluded, 1 not decided", "1: A.10.3; not established for 1: A.10.4", "sha256:" + d.Snapshot.String(),
		"Version 2026-3 is on record", "Every decision was approved with the version: by ines",
		"A.4.2  Resource documentation\nYes\nRisk R-7\nrisk R-7\nstated: implemented; evidence: in part, 1 of 3 satisfied\n2025-02-01\n3\n–",
		"A.5.2  Impact assessment process\nYes\nnot established\nnot established\nnot established\nnot established\n0\n–",
		"A.7.4  Quality of data\nnot decided",
		"A.10.3  Suppliers\nNo\nNobody supplies any\nnot established\nexcluded\n–\n1\nExcluded, but seen: 2 of vendor.record",
		"A.10.4  Customers\nNo\nNo customer gets any\nnot established\nexcluded\n–\n0\nnot established: stale, nobody reads it",
		"Not in the catalog: the organisation's own\nX.1  not in the catalog\nYes\nOurs",
		"What changed since version 2026-1\n•  A.10.3  Suppliers: now excluded. was applicable", "Prepared by", "Signature",
	}, "NOT APPROVED", "certified", "compliant", "%")
	footer := strings.Join(lines(t, parts(t, written(t, s))["word/footer1.xml"]), "\n")
	wants(t, footer, []string{"Statement of applicability, Nordlicht Versicherung & Co, version 2026-2", "Snapshot " + d.Snapshot.String(), "Page 1 of 1"})
}

// TestNotApproved: nothing in a draft looks like an approval.
func TestNotApproved(t *testing.T) {
	for name, spoil := range map[string]func(*export.SoA){
		"by nobody":  func(o *export.SoA) { o.ApprovedBy = "" },
		"at no time": func(o *export.SoA) { o.ApprovedAt = time.Time{} },
		"neither":    func(o *export.SoA) { o.ApprovedBy, o.ApprovedAt = "", time.Time{} },
	} {
		s := snapshot(t)
		spoil(s.SoA)
		for i := range s.SoA.Rows {
			s.SoA.Rows[i].ApprovedBy, s.SoA.Rows[i].ApprovedAt = s.SoA.ApprovedBy, s.SoA.ApprovedAt
		}
		t.Run(name, func(t *testing.T) {
			wants(t, text(t, s), []string{"NOT APPROVED. This version is a draft", "nobody has approved this version", "No decision below is approved",
				"not approved on record"}, "Every decision was approved", "ines on ")
			wants(t, strings.Join(lines(t, parts(t, written(t, s))["word/footer1.xml"]), "\n"), []string{"(NOT APPROVED)"})
		})
	}
}

// TestOwnApprovals: a decision that was approved otherwise than the version
// shows its own approval.
func TestOwnApprovals(t *testing.T) {
	s := snapshot(t)
	s.SoA.Rows[0].ApprovedBy, s.SoA.Rows[0].ApprovedAt = "sade", approvedAt.AddDate(0, 0, 3)
	s.SoA.Rows[1].ApprovedBy, s.SoA.Rows[1].ApprovedAt = "", time.Time{}
	wants(t, text(t, s), []string{"Contradiction\nApproved\n", "–\nsade 2026-02-04\n", "–\nno\n", "ines 2026-02-01"}, "Every decision was approved")
}

func TestNone(t *testing.T) {
	s := snapshot(t)
	s.SoA = nil
	var b bytes.Buffer
	if err := soa.Write(&b, s); !errors.Is(err, soa.ErrNone) || b.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, b.Len())
	}
}

func TestSameBytes(t *testing.T) {
	first := written(t, snapshot(t))
	s := snapshot(t)
	s.GeneratedBy = "somebody else" // is not part of a snapshot's id
	if !bytes.Equal(first, written(t, s)) {
		t.Error("the same snapshot gives other bytes")
	}
	s.AsOf = s.AsOf.Add(time.Second)
	if bytes.Equal(first, written(t, s)) {
		t.Error("another as-of gives the same bytes")
	}
}

// TestWordsFit: no word of the table's titles, nor what stands in most rows, is
// broken by its column, also in the wide letters that stand in where Arial is missing.
func TestWordsFit(t *testing.T) {
	const letter, margins = 112, 170 // twentieths of a point
	doc := parts(t, written(t, snapshot(t)))["word/document.xml"]
	_, doc, _ = strings.Cut(doc, "Decision on each control")
	grid := regexp.MustCompile(`<w:gridCol w:w="(\d+)"/>`).FindAllStringSubmatch(doc[:strings.Index(doc, "</w:tblGrid>")], -1)
	longest := []string{"Control", "Applies", "exclusion", "established", "Implementation", "established", "Evidence", "Contradiction"}
	if len(grid) != len(longest) {
		t.Fatalf("%d columns", len(grid))
	}
	total := 0
	for i, word := range longest {
		width, err := strconv.Atoi(grid[i][1])
		if err != nil || width < len(word)*letter+margins {
			t.Errorf("column %d is %d wide, %q wants %d", i+1, width, word, len(word)*letter+margins)
		}
		total += width
	}
	if total != 16838-2*850 {
		t.Errorf("the table is %d wide", total)
	}
}

// TestForm: the file is what word processors read: every part well formed and
// declared, every style and relation there, and nothing that runs or loads.
func TestForm(t *testing.T) {
	doc := written(t, snapshot(t))
	if _, err := zipform.Open(bytes.NewReader(doc), int64(len(doc))); err != nil {
		t.Error(err)
	}
	checkForm(t, parts(t, doc))
}

var (
	styleUsed  = regexp.MustCompile(`<w:(?:pStyle|tblStyle|basedOn) w:val="([^"]*)"`)
	styleKnown = regexp.MustCompile(`w:styleId="([^"]*)"`)
	target     = regexp.MustCompile(`Target="([^"]*)"`)
	partName   = regexp.MustCompile(`PartName="/([^"]*)"`)
	fieldCode  = regexp.MustCompile(`<w:instrText[^>]*>([^<]*)<`)
)

func checkForm(t *testing.T, all map[string]string) {
	t.Helper()
	for name, part := range all {
		if !utf8.ValidString(part) {
			t.Errorf("%s is no UTF-8", name)
		}
		lines(t, part) // well formed
		for _, r := range part {
			if r != '\n' && (r < ' ' || cell.Hidden(r)) {
				t.Errorf("%s holds U+%04X", name, r)
			}
		}
		for _, m := range fieldCode.FindAllStringSubmatch(part, -1) {
			if !slices.Contains([]string{" PAGE ", " NUMPAGES "}, m[1]) {
				t.Errorf("%s has the field %q", name, m[1])
			}
		}
		for _, bad := range []string{"TargetMode", "w:object", "w:pict", "vbaProject", "attachedTemplate", "<!DOCTYPE", "w:hyperlink", "fldSimple"} {
			if strings.Contains(part, bad) && !strings.Contains(part, "&#34;"+bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
	}
	known := map[string]bool{}
	for _, m := range styleKnown.FindAllStringSubmatch(all["word/styles.xml"], -1) {
		known[m[1]] = true
	}
	for _, name := range []string{"word/document.xml", "word/styles.xml", "word/footer1.xml"} {
		for _, m := range styleUsed.FindAllStringSubmatch(all[name], -1) {
			if !known[m[1]] {
				t.Errorf("%s uses the style %q, which is none", name, m[1])
			}
		}
	}
	for rels, dir := range map[string]string{"_rels/.rels": "", "word/_rels/document.xml.rels": "word"} {
		for _, m := range target.FindAllStringSubmatch(all[rels], -1) {
			if _, ok := all[path.Join(dir, m[1])]; !ok {
				t.Errorf("%s leads to %q, which is no part", rels, m[1])
			}
		}
	}
	declared := 0
	for _, m := range partName.FindAllStringSubmatch(all["[Content_Types].xml"], -1) {
		declared++
		if _, ok := all[m[1]]; !ok {
			t.Errorf("%q is declared and is no part", m[1])
		}
	}
	if want := len(all) - 3; declared != want { // the declaration itself and relations
		t.Errorf("%d parts are declared, want %d", declared, want)
	}
}

// TestHostile: texts from records are text, all of it, wherever they stand.
func TestHostile(t *testing.T) {
	hostile := append(slices.Clone(exporttest.Hostile), "</w:t></w:r><w:instrText> DDEAUTO cmd </w:instrText>", "]]>", "\u202eenil", "=1+1", "&amp;&#x0;",
		strings.Repeat("long ", 20_000), strings.Repeat("W", 100_000), "Ωμέγα Жанна 名前 اسم 🧾", "a\tb\nc\r\nd\re", "\ufffe\x00\x1b[31m")
	for _, h := range hostile {
		h = exporttest.ValidText(h)
		s := snapshot(t)
		s.Organisation, s.Scope = h, h
		o := s.SoA
		o.Version, o.ApprovedBy, o.Previous, o.Remarks = h, h, h, []string{h}
		for i := range o.Rows {
			r := &o.Rows[i]
			r.ID, r.Title, r.Reason, r.Source, r.State, r.Changed, r.ApprovedBy = h, h, h, h, h, h, h
			if r.Applicable != nil && !*r.Applicable {
				r.Contradiction = h
			}
		}
		all := parts(t, written(t, s))
		checkForm(t, all)
		got := strings.Join(lines(t, all["word/document.xml"]), "\n")
		want := cell.Show(h)
		if strings.TrimSpace(h) == "" {
			continue // said to be not established
		}
		if n := strings.Count(got, want); n < 4*len(o.Rows) {
			t.Errorf("%.40q is there %d times, and is to be in four cells of each of %d rows", h, n, len(o.Rows))
		}
	}
}

// TestLongRow: a row that does not fit on a page may be broken, others not.
func TestLongRow(t *testing.T) {
	s := snapshot(t)
	whole := strings.Count(parts(t, written(t, s))["word/document.xml"], "<w:cantSplit/>")
	s.SoA.Rows[0].Reason = strings.Repeat("because ", 12_000)
	if got := strings.Count(parts(t, written(t, s))["word/document.xml"], "<w:cantSplit/>"); got != whole-1 {
		t.Errorf("%d rows are kept whole, want %d", got, whole-1)
	}
}

func TestFailedWrite(t *testing.T) {
	s := snapshot(t)
	n := len(written(t, s))
	for _, room := range []int{0, 10, n / 2, n - 1} {
		if err := soa.Write(&full{room}, s); err == nil {
			t.Errorf("with room for %d of %d bytes there is no error", room, n)
		}
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errors.New("no space left")
	}
	f.room -= len(p)
	return len(p), nil
}
