package plain_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/plain"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder writes the sample and returns the files.
func folder(t testing.TB, s *exporttest.Sample, opt plain.Options) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	sum, err := plain.Write(t.Context(), plain.Dir(dir), s.Snapshot, opt)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	total := uint64(0)
	for _, e := range list {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
		total += uint64(len(out[e.Name()]))
	}
	if total != sum.Bytes {
		t.Errorf("%d bytes written, %d counted", total, sum.Bytes)
	}
	if evidence.Sum(out[plain.ManifestFile]) != evidence.Digest(sum.Manifest.SHA256) {
		t.Error("the manifest's digest is another")
	}
	return out
}

func manifest(t testing.TB, files map[string][]byte) plain.Manifest {
	t.Helper()
	var m plain.Manifest
	if err := json.Unmarshal(files[plain.ManifestFile], &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// table reads a CSV file as a program would.
func table(t testing.TB, content []byte) [][]string {
	t.Helper()
	body, ok := bytes.CutPrefix(content, []byte("\uFEFF"))
	if !ok {
		t.Error("no byte order mark")
	}
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestManifestNamesEveryFile holds the files against their manifest.
func TestManifestNamesEveryFile(t *testing.T) {
	for _, format := range []plain.Format{plain.CSV, plain.JSONL} {
		s := sample(t)
		files := folder(t, s, plain.Options{Format: format})
		m := manifest(t, files)
		names, err := plain.Names(s.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, f := range m.Files {
			content, ok := files[f.Name]
			if !ok || evidence.Sum(content).String() != f.SHA256 || uint64(len(content)) != f.Bytes {
				t.Errorf("%s %s: not as the manifest says", format, f.Name)
			}
			if f.Sheet == "" {
				continue
			}
			listed = append(listed, f.Sheet)
			rows := bytes.Count(content, []byte("\n"))
			if format == plain.CSV {
				rows = len(table(t, content)) - 1
			}
			if rows != f.Rows {
				t.Errorf("%s %s: %d rows, the manifest says %d", format, f.Name, rows, f.Rows)
			}
		}
		if len(files) != len(m.Files)+1 {
			t.Errorf("%s: %d files, %d named", format, len(files), len(m.Files))
		}
		if !slices.Equal(listed, names) {
			t.Errorf("%s: sheets %v, want %v", format, listed, names)
		}
		d, err := s.Snapshot.Digests()
		if err != nil {
			t.Fatal(err)
		}
		if m.Snapshot != d.Snapshot || m.Ledger.Size == 0 || m.Key != s.Snapshot.PublicKey {
			t.Errorf("%s: manifest %+v", format, m)
		}
	}
}

func TestSameBytes(t *testing.T) {
	for _, format := range []plain.Format{plain.CSV, plain.JSONL} {
		zip := func() []byte {
			var buf bytes.Buffer
			z := zipform.NewWriter(&buf, t.TempDir())
			if _, err := plain.Write(t.Context(), plain.Zip{Writer: z}, sample(t).Snapshot, plain.Options{Format: format}); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			return buf.Bytes()
		}
		if one := zip(); !bytes.Equal(one, zip()) {
			t.Errorf("%s: the same snapshot gave another archive", format)
		}
		one, two := folder(t, sample(t), plain.Options{Format: format}), folder(t, sample(t), plain.Options{Format: format})
		for name := range one {
			if !bytes.Equal(one[name], two[name]) {
				t.Errorf("%s: the same snapshot gave another %s", format, name)
			}
		}
	}
}

// TestSheetsAgree compares the rows of both formats, field by field.
func TestSheetsAgree(t *testing.T) {
	asCSV, asJSON := folder(t, sample(t), plain.Options{Format: plain.CSV}), folder(t, sample(t), plain.Options{Format: plain.JSONL})
	for _, f := range manifest(t, asJSON).Files {
		if f.Sheet == "" {
			continue
		}
		rows := table(t, asCSV[plain.FileName(f.Sheet, plain.CSV)])
		lines := bytes.Split(bytes.TrimSuffix(asJSON[f.Name], []byte("\n")), []byte("\n"))
		if len(rows) != len(lines)+1 && f.Rows > 0 {
			t.Fatalf("%s: %d rows and %d lines", f.Sheet, len(rows)-1, len(lines))
		}
		for i, row := range rows[1:] {
			var fields map[string]any
			if err := json.Unmarshal(lines[i], &fields); err != nil {
				t.Fatalf("%s line %d: %v", f.Sheet, i+1, err)
			}
			for c, title := range rows[0] {
				got, ok := fields[plain.Field(title)]
				if !ok {
					t.Fatalf("%s line %d has no %s", f.Sheet, i+1, plain.Field(title))
				}
				if text := asText(got); row[c] != text {
					t.Errorf("%s row %d, %s: %q as CSV, %q as JSON", f.Sheet, i+1, title, row[c], text)
				}
			}
		}
	}
}

// asText is how a value of JSON lines stands in a CSV field.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "Y"
		}
		return "N"
	case float64:
		raw, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		return string(raw)
	case []any:
		var parts []string
		for _, p := range v {
			parts = append(parts, p.(string))
		}
		return cell.Field(strings.Join(parts, "\n"))
	case string:
		return cell.Field(v)
	}
	return "?"
}

// TestHostile looks for what a source sent to harm a reader: as it was read in
// JSON lines, harmless in CSV.
func TestHostile(t *testing.T) {
	files := folder(t, sample(t), plain.Options{Format: plain.JSONL, Sheets: []string{"evidence"}})
	var got []string
	for line := range bytes.Lines(files["evidence.jsonl"]) {
		var row struct{ Kind, Locator string }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind == "jira.issue" {
			got = append(got, row.Locator)
		}
	}
	for i, h := range exporttest.Hostile {
		if i >= len(got) || !strings.HasSuffix(got[i], exporttest.ValidText(h)) {
			t.Errorf("%q is not as it was read", h)
		}
	}
	for _, row := range table(t, folder(t, sample(t), plain.Options{Format: plain.CSV})["evidence.csv"])[1:] {
		for _, v := range row {
			for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == '\n' }) {
				if s := strings.TrimLeft(part, " \"\u00a0"); s != "" && strings.ContainsAny(s[:1], "=+-@") && strings.Trim(s, "-") != "" {
					t.Errorf("%q could start a formula", v)
				}
			}
		}
	}
}

// TestLinksLead checks that every link of JSON lines leads to a row.
func TestLinksLead(t *testing.T) {
	files := folder(t, sample(t), plain.Options{Format: plain.JSONL})
	type ref struct{ Sheet, Key string }
	rows, links := map[ref]bool{}, map[ref]bool{}
	for _, f := range manifest(t, files).Files {
		for line := range bytes.Lines(files[f.Name]) {
			if f.Sheet == "" {
				break
			}
			var row struct {
				Key   string         `json:"_key"`
				Links map[string]ref `json:"_links"`
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatal(err)
			}
			if row.Key != "" {
				rows[ref{f.Sheet, row.Key}] = true
			}
			for _, to := range row.Links {
				links[to] = true
			}
		}
	}
	if len(links) < 10 {
		t.Errorf("%d links", len(links))
	}
	for to := range links {
		if !rows[to] {
			t.Errorf("a link leads to %v, which is not there", to)
		}
	}
}

func TestChosenSheets(t *testing.T) {
	whole := folder(t, sample(t), plain.Options{Format: plain.CSV})
	files := folder(t, sample(t), plain.Options{Format: plain.CSV, Sheets: []string{"COVER", "Results"}})
	if len(files) != 4 {
		t.Errorf("%d files", len(files))
	}
	for _, name := range []string{"cover.csv", "results.csv"} {
		if !bytes.Equal(files[name], whole[name]) {
			t.Errorf("%s is another when others are left out", name)
		}
	}
	var e *plain.NoSheetError
	_, err := plain.Write(t.Context(), plain.Dir(t.TempDir()), sample(t).Snapshot, plain.Options{Format: plain.CSV, Sheets: []string{"Resluts"}})
	if !errors.As(err, &e) || e.Name != "Resluts" {
		t.Errorf("error %v", err)
	}
	if _, err := plain.Write(t.Context(), plain.Dir(t.TempDir()), sample(t).Snapshot, plain.Options{}); err == nil {
		t.Error("a format that is none was taken")
	}
}

// TestFieldsAreDistinct: no two columns of a sheet have one name.
func TestFieldsAreDistinct(t *testing.T) {
	b, err := sheets.New(sample(t).Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, s := range b.Sheets() {
		seen := map[string]string{}
		for _, c := range s.Columns {
			f := plain.Field(c.Title)
			if f == "" || seen[f] != "" {
				t.Errorf("%s: %q and %q are both %s", s.Name, seen[f], c.Title, f)
			}
			seen[f] = c.Title
		}
		name := plain.FileName(s.Name, plain.CSV)
		if err := zipform.CheckName(name); err != nil || files[name] != "" || name == plain.ManifestFile {
			t.Errorf("%s is the file of %q and %q: %v", name, files[name], s.Name, err)
		}
		files[name] = s.Name
	}
	for title, want := range map[string]string{"event time (UTC)": "event_time_utc", "age, days": "age_days", "id": "id", "source URL": "source_url",
		" x  y ": "x_y"} {
		if got := plain.Field(title); got != want {
			t.Errorf("%q is %q, want %q", title, got, want)
		}
	}
}

// TestFilesAreNotOverwritten: a folder that holds a file keeps it.
func TestFilesAreNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cover.csv"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Write(t.Context(), plain.Dir(dir), sample(t).Snapshot, plain.Options{Format: plain.CSV}); err == nil {
		t.Error("cover.csv was overwritten")
	}
}
