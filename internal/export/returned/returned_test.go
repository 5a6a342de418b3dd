package returned_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/returned"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// exported is the sample's workbook.
func exported(t testing.TB) []byte {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := xlsx.Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, xlsx.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// edited is a workbook as a person saved it who changed something.
func edited(t testing.TB, b []byte, change func(*excelize.File)) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	change(f)
	var buf bytes.Buffer
	if err := f.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func open(t testing.TB, b []byte) *returned.File {
	t.Helper()
	f, err := returned.Open(bytes.NewReader(b), int64(len(b)), returned.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// place finds the cell of a column in the row that begins with a text.
func place(t testing.TB, f *excelize.File, sheet, first, title string) string {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for c, name := range rows[0] {
		for r, row := range rows {
			if name == title && len(row) > 0 && row[0] == first {
				ref, err := excelize.CoordinatesToCellName(c+1, r+1)
				if err != nil {
					t.Fatal(err)
				}
				return ref
			}
		}
	}
	t.Fatalf("%s has no %q of %q", sheet, title, first)
	return ""
}

func set(t testing.TB, f *excelize.File, sheet, ref string, v any) {
	t.Helper()
	if err := f.SetCellValue(sheet, ref, v); err != nil {
		t.Fatal(err)
	}
}

const control = sheets.ControlSheet

// fill writes what an auditor writes.
func fill(t testing.TB) func(*excelize.File) {
	return func(f *excelize.File) {
		set(t, f, control, place(t, f, control, "6.1.2", "auditor note"), "Seen RA-1;\nsecond line <&> Ærø")
		set(t, f, control, place(t, f, control, "6.1.2", "auditor conclusion"), "minor")
		set(t, f, control, place(t, f, control, "9.2.2", "auditor conclusion"), "NA")
		set(t, f, control, place(t, f, control, "A.6.2.5", "auditor note"), "=1+1 as text")
	}
}

var filled = []returned.Note{
	{Control: "6.1.2", Note: "Seen RA-1;\nsecond line <&> Ærø", Conclusion: "Minor", Place: "Control status, row 2"},
	{Control: "9.2.2", Conclusion: "NA", Place: "Control status, row 3"},
	{Control: "A.6.2.5", Note: "=1+1 as text", Place: "Control status, row 6"},
}

// TestNotes reads what was written, and finds nothing else changed.
func TestNotes(t *testing.T) {
	original := exported(t)
	back := open(t, edited(t, original, fill(t)))
	in, err := back.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(filled, in.Notes); diff != "" || len(in.Refused) > 0 {
		t.Errorf("notes (-want +got):\n%s\nrefused %v", diff, in.Refused)
	}
	same(t, original, back)
}

// same fails if anything but the columns left empty differs.
func same(t *testing.T, original []byte, back *returned.File) {
	t.Helper()
	c, err := returned.Compare(t.Context(), open(t, original), back, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if c.Total != 0 {
		t.Errorf("changed: %+v", c)
	}
	for _, f := range []*returned.File{open(t, original), back} {
		if id, err := f.Snapshot(t.Context()); err != nil || len(id) != 64 {
			t.Errorf("snapshot %q: %v", id, err)
		}
	}
}

// TestWhatItReads compares every cell with what excelize reads.
func TestWhatItReads(t *testing.T) {
	b := edited(t, exported(t), fill(t))
	x, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	f, n := open(t, b), 0
	for _, sheet := range x.GetSheetList() {
		rows, err := x.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		err = f.Rows(t.Context(), sheet, func(r returned.Row) error {
			for i, want := range rows[r.Number-1] {
				got := r.Text(i)
				if want != got && strings.ReplaceAll(want, "\r\n", "\n") != got && want != got+" 00:00:00" {
					t.Errorf("%s row %d column %d: %q, excelize reads %q", sheet, r.Number, i+1, got, want)
				}
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 500 {
		t.Errorf("%d cells", n)
	}
}

// TestRefusedWithTheOther: what stands beside a refused cell is not lost without
// a word.
func TestRefusedWithTheOther(t *testing.T) {
	b := edited(t, exported(t), func(f *excelize.File) {
		set(t, f, control, place(t, f, control, "6.1.2", "auditor conclusion"), "conform")
		set(t, f, control, place(t, f, control, "6.1.2", "auditor note"), "seen at the interview")
		if err := f.SetCellFormula(control, place(t, f, control, "9.2.2", "auditor note"), "1+1"); err != nil {
			t.Fatal(err)
		}
		set(t, f, control, place(t, f, control, "9.2.2", "auditor conclusion"), "Major")
	})
	in, err := open(t, b).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var beside []string
	for _, r := range in.Refused {
		if r.Why == "the other cell of the row is refused" {
			beside = append(beside, r.Text)
		}
	}
	if len(in.Notes) != 0 || !slices.Equal(beside, []string{"seen at the interview", "Major"}) {
		t.Errorf("notes %+v, refused %+v", in.Notes, in.Refused)
	}
}

// TestRefused: what is no note is named, with why, and not taken.
func TestRefused(t *testing.T) {
	b := edited(t, exported(t), func(f *excelize.File) {
		set(t, f, control, place(t, f, control, "6.1.2", "auditor conclusion"), "conform")
		if err := f.SetCellFormula(control, place(t, f, control, "9.2.2", "auditor note"), `HYPERLINK("http://evil.example","x")`); err != nil {
			t.Fatal(err)
		}
		set(t, f, control, place(t, f, control, "A.4.2", "auditor note"), "one row")
		set(t, f, control, place(t, f, control, "A.6.2.4", "id"), "A.4.2")
		set(t, f, control, place(t, f, control, "A.6.2.5", "auditor note"), "of another")
		set(t, f, control, place(t, f, control, "A.6.2.5", "id"), "A.99")
	})
	in, err := open(t, b).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in.Known(func(id string) bool { return id != "A.99" }, func(string, string) bool { return true })
	var why []string
	for _, r := range in.Refused {
		why = append(why, r.Why)
	}
	got := strings.Join(why, "\n")
	for _, want := range []string{"no conclusion: C, Minor, Major, OFI, NA", "a formula is not evaluated", "no such control"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not refused:\n%s", want, got)
		}
	}
	if len(in.Notes) != 1 || in.Notes[0].Control != "A.4.2" {
		t.Errorf("notes %+v", in.Notes)
	}
}

func TestTwoRowsOfOneControl(t *testing.T) {
	b := edited(t, exported(t), func(f *excelize.File) {
		set(t, f, control, place(t, f, control, "9.2.2", "auditor note"), "two")
		set(t, f, control, place(t, f, control, "6.1.2", "auditor note"), "one")
		set(t, f, control, place(t, f, control, "9.2.2", "id"), "6.1.2")
	})
	in, err := open(t, b).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Notes) != 0 || len(in.Refused) != 2 {
		t.Errorf("%+v", in)
	}
}

// TestChanged finds a cell that a reader changed, wherever its row stands.
func TestChanged(t *testing.T) {
	original := exported(t)
	b := edited(t, original, func(f *excelize.File) {
		fill(t)(f)
		set(t, f, control, place(t, f, control, "A.6.2.5", "status"), "satisfied")
		if err := f.RemoveRow(sheets.ResultSheet, 4); err != nil {
			t.Fatal(err)
		}
		if _, err := f.NewSheet("My sheet"); err != nil {
			t.Fatal(err)
		}
	})
	c, err := returned.Compare(t.Context(), open(t, original), open(t, b), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	want := []returned.Change{
		{Place: "Control status, row 6, column 7", What: "another value", Was: "failing", Is: "satisfied"},
		{Place: "Results", What: "1 rows are not there any more"},
		{Place: "My sheet", What: "a sheet that was not exported"},
	}
	if diff := cmp.Diff(want, c.List); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// rebuilt is a workbook whose parts were changed byte by byte.
func rebuilt(t testing.TB, b []byte, change func(name string, content []byte) []byte, add map[string]string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	put := func(name string, content []byte) {
		p, err := w.Create(name)
		if err == nil {
			_, err = p.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range r.File {
		p, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		put(f.Name, change(f.Name, content))
	}
	for name, content := range add {
		put(name, []byte(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestHostile: what could do harm is refused with a reason, in bounded time.
func TestHostile(t *testing.T) {
	same := func(_ string, b []byte) []byte { return b }
	doctype := func(name string, b []byte) []byte {
		if name != "xl/workbook.xml" {
			return b
		}
		return bytes.Replace(b, []byte("<workbook"), []byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><workbook`), 1)
	}
	entity := func(name string, b []byte) []byte {
		if strings.HasPrefix(name, "xl/worksheets/sheet") {
			return bytes.Replace(b, []byte("6.1.2"), []byte("&e;"), 1)
		}
		return b
	}
	bomb := func(name string, b []byte) []byte {
		if name == "xl/workbook.xml" {
			return append([]byte("<?xml version=\"1.0\"?><workbook>"), append(bytes.Repeat([]byte(" "), 64<<20), "</workbook>"...)...)
		}
		return b
	}
	original := exported(t)
	small := returned.DefaultLimits()
	small.Unpacked = 32 << 20
	few := returned.DefaultLimits()
	few.Rows = 5
	for _, tt := range []struct {
		name   string
		b      []byte
		limits returned.Limits
		why    string
	}{
		{"no zip", []byte("hello"), small, "no .xlsx workbook"},
		{"empty", nil, small, "no .xlsx workbook"},
		{"macros", rebuilt(t, original, same, map[string]string{"xl/vbaProject.bin": "x"}), small, "macros"},
		{"old macros", rebuilt(t, original, same, map[string]string{"xl/macrosheets/sheet1.xml": "x"}), small, "macros"},
		{"document type", rebuilt(t, original, doctype, nil), small, "document type"},
		{"entity", rebuilt(t, original, entity, nil), small, "cannot be read"},
		{"bomb", rebuilt(t, original, bomb, nil), small, "unpacks to more than 32 MiB"},
		{"a part twice", rebuilt(t, original, same, map[string]string{"XL/Workbook.xml": "x"}), small, "two parts"},
		{"many rows", original, few, "more than 5 rows"},
		{"no sheet", edited(t, original, func(f *excelize.File) {
			if err := f.DeleteSheet(control); err != nil {
				t.Fatal(err)
			}
		}), small, "no sheet \"Control status\""},
		{"renamed column", edited(t, original, func(f *excelize.File) {
			set(t, f, control, place(t, f, control, "id", "auditor note"), "my note")
		}), small, "no column \"auditor note\""},
	} {
		start := time.Now()
		f, err := returned.Open(bytes.NewReader(tt.b), int64(len(tt.b)), tt.limits)
		if err == nil {
			_, err = f.Read(t.Context())
		}
		var r *returned.Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Why, tt.why) || r.Hint() == "" {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.why)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %s", tt.name, took)
		}
	}
}

// tiny is a workbook of one sheet, with these bytes.
func tiny(t testing.TB, sheet []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, content := range map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` +
			`<sheet name="Control status" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/styles.xml":              `<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml":       `<sst><si><t>id</t></si><si><r><t>auditor </t></r><r><t>note</t></r><rPh><t>x</t></rPh></si></sst>`,
		"xl/worksheets/sheet1.xml":   string(sheet),
	} {
		p, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(p, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestForms reads the forms of cells that programs write.
func TestForms(t *testing.T) {
	f := open(t, tiny(t, []byte(`<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="inlineStr"><is><t>auditor conclusion</t></is></c></row>`+
		`<row r="9"><c r="A9" t="str"><v>A.1_x000a_</v></c><c r="B9" s="0"><v>46000</v></c><c r="C9" t="b"><v>1</v></c></row></sheetData></worksheet>`)))
	in, err := f.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Notes) != 0 || len(in.Refused) != 2 || in.Refused[0].Place != "Control status, row 9, auditor conclusion" {
		t.Errorf("%+v", in)
	}
	err = f.Rows(t.Context(), control, func(r returned.Row) error {
		if r.Number == 9 && (r.Text(0) != "A.1\n" || r.Text(1) != "2025-12-09" || r.Text(2) != "TRUE") {
			t.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzOpen: a sheet of any bytes is read or refused.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row></sheetData></worksheet>`))
	f.Add([]byte(`<worksheet><sheetData><row><c t="s"><v>99999</v></c><c><f/><v>1</v></c></row></sheetData></worksheet>`))
	f.Fuzz(func(t *testing.T, sheet []byte) {
		b := tiny(t, sheet)
		file, err := returned.Open(bytes.NewReader(b), int64(len(b)), returned.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		var r *returned.Refusal
		if _, err := file.Read(t.Context()); err != nil && !errors.As(err, &r) {
			t.Errorf("%v is no refusal", err)
		}
	})
}
