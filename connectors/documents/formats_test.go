package documents

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// fixture reads a file that another program wrote; testdata/make.py says how.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parsed(t *testing.T, name string, b []byte) *content {
	t.Helper()
	d, err := parseDocument(t.Context(), name, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFormats(t *testing.T) {
	want := []string{"Purpose", "Scope", "Human oversight"}
	for _, tt := range []struct {
		file, title, unreadable string
		pages                   int
		sections                []string
	}{
		{"policy.pdf", "AI policy", "", 1, want},
		{"policy.docx", "AI policy", "", 0, want},
		{"locked.pdf", "locked", "encrypted with a password", 0, nil},
		{"scan.pdf", "AI policy", "no text in it: its pages are images, or empty", 1, nil},
		{"training.xlsx", "Training register", "", 0, []string{}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			d := parsed(t, tt.file, fixture(t, tt.file))
			found, unreadable := d.sections(append(want, "Exceptions"))
			if diff := cmp.Diff(tt.sections, found); diff != "" {
				t.Errorf("sections:\n%s\nheadings %q", diff, d.headings)
			}
			if d.title(tt.file) != tt.title || unreadable != tt.unreadable || d.pages != tt.pages {
				t.Errorf("title %q, unreadable %q, pages %d", d.title(tt.file), unreadable, d.pages)
			}
		})
	}
	if d := parsed(t, "a.docx", fixture(t, "policy.docx")); d.fields["id"] != "ai-policy" || d.fields["version"] != "2.0" {
		t.Errorf("fields %v", d.fields)
	}
	if d := parsed(t, "a.xlsx", fixture(t, "training.xlsx")); !cmp.Equal(d.headings, []string{"2026", "old"}) {
		t.Errorf("sheets %q", d.headings)
	}
}

// A document whose text cannot be read is recorded with its digest, and never
// as one without the sections that were asked for.
func TestUnreadableIsNotEmpty(t *testing.T) {
	r := newTestRepo(t)
	files := map[string]string{
		"policies/locked.pdf": string(fixture(t, "locked.pdf")), "policies/scan.pdf": string(fixture(t, "scan.pdf")),
		"policies/broken.pdf": "%PDF-1.4\nnothing more\n", "policies/broken.docx": "PK\x03\x04 nothing more",
		"policies/old.docx":  "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 the format before 2007",
		"policies/notes.odt": "not read", "policies/good.pdf": string(fixture(t, "policy.pdf")),
	}
	r.commit(at(1, 1, 9), files)
	settings := map[string]any{"repository": r.dir, "documents": []any{map[string]any{"glob": "policies/*", "required_sections": []string{"Purpose"}}}}
	rec, cov := run(t, settings, nil)
	if len(rec.Records()) != len(files) {
		t.Fatalf("records %d, gaps %v", len(rec.Records()), rec.Gaps())
	}
	unreadable := 0
	for _, x := range rec.Records() {
		m := connectortest.Payload(t, x)
		if m["sha256"] != sum(files[m["source_path"].(string)]) {
			t.Errorf("%v: digest %v", m["source_path"], m["sha256"])
		}
		sections, told := m["required_sections_found"]
		if why := m["text_unreadable"]; (why == nil) != told {
			t.Errorf("%v: sections %v, unreadable %v", m["source_path"], sections, why)
		} else if why != nil {
			unreadable++
		}
	}
	if unreadable != len(files)-1 || len(rec.Gaps()) != unreadable || rec.Gaps()[0].Reason != connector.Malformed ||
		cov[records.KindDocumentRevision].Status != connector.Partial {
		t.Errorf("%d unreadable, gaps %v", unreadable, rec.Gaps())
	}
	delete(settings["documents"].([]any)[0].(map[string]any), "required_sections")
	if rec, _ := run(t, settings, nil); len(rec.Gaps()) != 0 || len(rec.Records()) != len(files) {
		t.Errorf("where no section is asked for nothing is missing: gaps %v", rec.Gaps())
	}
}

// The settings give a PDF its id, under whatever name it is kept.
func TestIDFromTheSettings(t *testing.T) {
	r := newTestRepo(t)
	pdf := string(fixture(t, "policy.pdf"))
	r.commit(at(1, 1, 9), map[string]string{"policies/AI Policy v1.pdf": pdf})
	r.commit(at(2, 1, 9), map[string]string{"policies/AI Policy v2.pdf": pdf + "% changed\n"}, "policies/AI Policy v1.pdf")
	s := map[string]any{"repository": r.dir, "documents": []any{map[string]any{"glob": "policies/AI Policy*.pdf", "id": "AIP-01"}}}
	rec, _ := run(t, s, nil)
	var got []string
	for _, x := range rec.Records() {
		got = append(got, x.Subject.ID+" "+x.EventTime.Format(time.DateOnly))
	}
	if diff := cmp.Diff([]string{"AIP-01 2026-01-01", "AIP-01 2026-02-01"}, got); diff != "" {
		t.Errorf("%s\ngaps %v", diff, rec.Gaps())
	}
	r.commit(at(3, 1, 9), map[string]string{"policies/AI Policy copy.pdf": pdf + "% other\n"})
	if rec, _ := run(t, s, nil); len(rec.Records()) != 0 || len(rec.Gaps()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "AIP-01") {
		t.Errorf("two files are not one document: records %d, gaps %v", len(rec.Records()), rec.Gaps())
	}
}

// archive makes an office file of parts.
func archive(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	relsOf = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a"
		Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`
	wordOf = `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>`
)

func TestHostileOfficeFiles(t *testing.T) {
	body := fmt.Sprintf(wordOf, `<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Purpose</w:t></w:r></w:p>`)
	if d := parsed(t, "a.docx", archive(t, "_rels/.rels", relsOf, "word/document.xml", body)); !cmp.Equal(d.headings, []string{"Purpose"}) {
		t.Fatalf("headings %q, unreadable %q", d.headings, d.unreadable)
	}
	bomb := strings.Repeat("\x00", maxPartBytes+1)
	many := make([]string, 0, 2*(maxParts+1))
	for i := range maxParts + 1 {
		many = append(many, fmt.Sprint(i), "")
	}
	for name, tt := range map[string]struct {
		b    []byte
		want string
	}{
		"bomb":      {archive(t, "_rels/.rels", relsOf, "word/document.xml", bomb), "larger than the limit"},
		"many":      {archive(t, many...), "larger than the limit"},
		"traversal": {archive(t, "../../etc/passwd", "x", "_rels/.rels", relsOf), "leads out"},
		"twice":     {archive(t, "_rels/.rels", relsOf, "_RELS/.rels", relsOf, "word/document.xml", body), "twice"},
		"entity": {archive(t, "_rels/.rels", relsOf, "word/document.xml",
			`<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>`+strings.Replace(body, "Purpose", "&x;", 1)), "document type"},
		"laughs":  {archive(t, "_rels/.rels", relsOf, "word/document.xml", strings.Replace(body, "Purpose", "&lol;", 1)), "damaged"},
		"deep":    {archive(t, "_rels/.rels", relsOf, "word/document.xml", strings.Repeat("<a>", 100_000)), "deeper"},
		"no main": {archive(t, "_rels/.rels", "<a/>"), "which part"},
		"cut":     {archive(t, "_rels/.rels", relsOf, "word/document.xml", body)[:200], "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if d := parsed(t, "a.docx", tt.b); !strings.Contains(d.unreadable, tt.want) {
				t.Errorf("unreadable %q, want it to say %q", d.unreadable, tt.want)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// What tracked changes deleted and drawings show is not the document's text.
func TestWordsThatCount(t *testing.T) {
	body := fmt.Sprintf(wordOf, `
		<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:del><w:r><w:delText>Old </w:delText></w:r></w:del><w:ins><w:r><w:t>New</w:t></w:r></w:ins></w:p>
		<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Human</w:t><w:tab/><w:t>over</w:t></w:r><w:r><w:t>sight</w:t></w:r></w:p>
		<w:moveFrom><w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Moved</w:t></w:r></w:p></w:moveFrom>
		<w:p><w:r><w:t>Signed by &lt;who signs&gt;</w:t></w:r></w:p>`)
	d := parsed(t, "a.docx", archive(t, "_rels/.rels", relsOf, "word/document.xml", body))
	if diff := cmp.Diff([]string{"New", "Human over" + "sight"}, d.headings); diff != "" {
		t.Error(diff)
	}
	if !isForm(d.err) {
		t.Errorf("a form that nobody filled in: %v", d.err)
	}
}

// A parser that panics, or does not end, costs one document, not the run.
func TestGuarded(t *testing.T) {
	err := guarded(t.Context(), time.Second, func(context.Context) error { panic("out of bounds") })
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("panic: %v", err)
	}
	err = guarded(t.Context(), 10*time.Millisecond, func(ctx context.Context) error { <-t.Context().Done(); return nil })
	if err == nil || !strings.Contains(err.Error(), "not read in time") {
		t.Errorf("endless: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parseDocument(ctx, "a.md", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// What was damaged on its way ends in an answer, soon.
func TestDamagedFiles(t *testing.T) {
	began := time.Now()
	for _, name := range []string{"policy.pdf", "locked.pdf", "scan.pdf", "policy.docx", "training.xlsx"} {
		whole := fixture(t, name)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 150 {
			b := bytes.Clone(whole)
			for range 1 + i%8 {
				at := random.IntN(len(b))
				switch i % 3 {
				case 0:
					b[at] ^= 1 << random.IntN(8)
				case 1:
					b = b[:max(at, 16)]
				case 2:
					b = append(b[:at:at], whole[random.IntN(len(whole)):]...)
				}
			}
			parsed(t, name, b)
			_, _ = decodeTables(t.Context(), name, b, nil) // must only not panic
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func FuzzOffice(f *testing.F) {
	for _, name := range []string{"policy.docx", "training.xlsx"} {
		f.Add(fixture(f, name))
	}
	f.Add(archive(f, "_rels/.rels", relsOf, "word/document.xml", fmt.Sprintf(wordOf, "<w:tbl><w:tr><w:tc/></w:tr></w:tbl>")))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range []string{"a.docx", "a.xlsx"} {
			d := parsed(t, name, b)
			if strings.Contains(d.unreadable, "in a way that cannot be read") {
				t.Error("panicked")
			}
			_, _ = decodeTables(t.Context(), name, b, nil) // must only not panic
		}
	})
}

// FuzzWordXML skips the archive, which fuzzing seldom gets past.
func FuzzWordXML(f *testing.F) {
	f.Add(fmt.Sprintf(wordOf, `<w:p><w:pPr><w:pStyle w:val="x"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:gridSpan w:val="3"/><w:p/></w:tc></w:tr></w:tbl>`))
	f.Add(`<worksheet><row r="3"><c r="B3" t="s"><f/><v>0</v></c></row><mergeCell ref="A1:C9"/></worksheet>`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, rel := range []string{relsOf, strings.Replace(relsOf, "word/", "xl/", 1)} {
			b := archive(t, "_rels/.rels", rel, "word/document.xml", s, "xl/document.xml", `<workbook><sheet name="x" id="a"/></workbook>`,
				"xl/_rels/document.xml.rels", `<r><Relationship Id="a" Type="/worksheet" Target="../word/document.xml"/></r>`)
			_, _ = docxTables(t.Context(), b)
			_, _ = decodeXLSX(t.Context(), b, nil)
		}
	})
}

func FuzzPDF(f *testing.F) {
	for _, name := range []string{"policy.pdf", "locked.pdf", "scan.pdf"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		d := parsed(t, "a.pdf", b)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		if d.unreadable == "" && d.pages == 0 {
			t.Error("neither pages nor a reason")
		}
	})
}

// FuzzPDFContent runs what draws a page, and a font's map, without the file
// around them.
func FuzzPDFContent(f *testing.F) {
	f.Add([]byte("BT /F1 12 Tf (a\\(b\\051) Tj [<00>-300(x)] TJ T* ET q 1 0 0 1 0 0 cm BI /W 1 ID xx EI Q"))
	f.Add([]byte("1 begincodespacerange <00> <ffff> endcodespacerange 1 beginbfrange <00> <05> <0041> <00> <01> [<0041>] endbfrange"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		font := &pdfFont{codes: map[string]string{}, widths: map[int]bool{}, wide: true}
		font.readMap(b)
		font.decode(string(b))
		t := &pdfText{}
		p := &pdfPage{file: &pdfFile{fonts: map[int]*pdfFont{}}, text: t}
		r := &runner{page: p, state: pdfState{font: font}}
		lex := &pdfLexer{b: b}
		for {
			tok, ok := lex.next()
			if !ok {
				break
			}
			if tok.kind != opToken {
				r.args = append(r.args, tok)
				continue
			}
			if tok.text != "Do" && tok.text != "Tf" {
				r.operator(tok.text)
			}
			r.args = nil
		}
		t.endLine()
		t.headings()
	})
}
