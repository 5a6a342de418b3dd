package xlsx

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := exporttest.Tell(s.Snapshot); err != nil {
		t.Fatal(err)
	}
	return s
}

func workbook(t testing.TB, s *exporttest.Sample) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func open(t testing.TB, b []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestDeterministic writes the same snapshot again and again.
// EXHIBIT_WORKBOOK_OUT names a file to keep it in, to look at.
func TestDeterministic(t *testing.T) {
	dir := t.TempDir()
	first := workbook(t, sample(t))
	for range 3 {
		if again := workbook(t, sample(t)); !bytes.Equal(first, again) {
			t.Fatal("the same snapshot gave another file")
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
	if out := os.Getenv("EXHIBIT_WORKBOOK_OUT"); out != "" {
		if err := os.WriteFile(out, first, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := sample(t)
	if _, err := Write(t.Context(), io.Discard, s.Snapshot, s.Key.Signer, Options{TempDir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), full{}, s.Snapshot, s.Key.Signer, Options{TempDir: dir}); err == nil {
		t.Error("a full disk was not noticed")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// full is a disk on which nothing fits.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

// wantSheets are the sheets in the order that auditors are told.
var wantSheets = []string{"Cover", "Summary", "Control status", "SoA", "Results", "Evidence", "Populations", "Population items", "AI systems",
	"Vendors and models", "Changes", "Risks and impacts", "Incidents", "NC and actions", "Gaps", "Waivers", "Shadow AI", "Audit and review",
	"People", "Collector runs", "Coverage gaps", "Since last audit", "Crosswalk", "Method"}

// told are the tables of which the sample has rows.
var told = []string{"Control status", "Results", "Evidence", "Populations", "Population items", "AI systems", "Gaps", "Waivers", "Collector runs",
	"Coverage gaps", "Since last audit", "Crosswalk"}

func bookOf(t testing.TB, snap *export.Snapshot) *sheets.Book {
	t.Helper()
	b, err := sheets.New(snap)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// layoutOf is the layout of a sheet.
func layoutOf(snap *export.Snapshot, name string) sheets.Layout {
	b, err := sheets.New(snap)
	if err != nil {
		panic(err)
	}
	for _, s := range b.Sheets() {
		if s.Name == name {
			return s.Layout
		}
	}
	panic("no sheet " + name)
}

func TestSheets(t *testing.T) {
	s := sample(t)
	f := open(t, workbook(t, s))
	want := wantSheets
	if d := cmp.Diff(want, f.GetSheetList()); d != "" {
		t.Fatal(d)
	}
	tables, flat := 0, 0
	for _, l := range bookOf(t, s.Snapshot).Sheets() {
		if l.Page != nil {
			continue
		}
		tables++
		if l.Flat {
			flat++
		}
		rows, err := f.GetRows(l.Name)
		if err != nil || len(rows) < 1 || len(rows) < 2 && slices.Contains(told, l.Name) {
			t.Fatalf("%s: %d rows, %v", l.Name, len(rows), err)
		}
		var titles []string
		for _, c := range l.Columns {
			titles = append(titles, c.Title)
		}
		if d := cmp.Diff(titles, rows[0]); d != "" {
			t.Errorf("%s: %s", l.Name, d)
		}
		panes, err := f.GetPanes(l.Name)
		if err != nil || !panes.Freeze || panes.YSplit != 1 {
			t.Errorf("%s: header not frozen: %+v %v", l.Name, panes, err)
		}
		of, err := f.GetTables(l.Name)
		if err != nil || len(of) != 1 || of[0].Range != "A1:"+cellName(len(l.Columns)-1, max(2, len(rows))) {
			t.Errorf("%s: table %+v %v", l.Name, of, err)
		}
		page, err := f.GetPageLayout(l.Name)
		if err != nil || *page.Orientation != "landscape" || *page.FitToWidth != pagesWide(l.Layout) || *page.FitToHeight != 0 {
			t.Errorf("%s: page %+v %v", l.Name, page, err)
		}
	}
	names := make(map[string]int)
	for _, d := range f.GetDefinedName() {
		names[d.Name]++
	}
	if names["_xlnm.Print_Area"] != flat || flat < 2 {
		t.Errorf("rows of one line run beyond the page: %d print areas of %d sheets", names["_xlnm.Print_Area"], flat)
	}
	if page, err := f.GetPageLayout("Summary"); err != nil || *page.Orientation != "portrait" || page.AdjustTo == nil || *page.AdjustTo != uprightScale {
		t.Errorf("summary: page %+v %v", page, err)
	}
	if names["_xlnm.Print_Titles"] != tables {
		t.Errorf("print titles of %d tables: %v", tables, names)
	}
	for _, name := range []string{"AsOf", "SnapshotId", "ChainHead", "Organisation"} {
		if names[name] != 1 {
			t.Errorf("no value is named %s: %v", name, names)
		}
	}
	dv, err := f.GetDataValidations("Control status")
	if err != nil || len(dv) != 1 || dv[0].Formula1 != `"C,Minor,Major,OFI,NA"` {
		t.Errorf("conclusions: %+v %v", dv, err)
	}
}

// Nothing that a source says may do more than be read.
// TestMethodSaysWhatARowShows: whoever reads the workbook on paper is told that
// a deep cell goes on where it seems to end.
func TestMethodSaysWhatARowShows(t *testing.T) {
	rows, err := open(t, workbook(t, sample(t))).GetRows("Method")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if len(r) > 1 && r[0] == "Long texts" && strings.Contains(r[1], "A row shows 14 lines at most, on paper too") {
			return
		}
	}
	t.Error("nothing says that a row shows no more than so many lines")
}

func TestNothingActive(t *testing.T) {
	b := workbook(t, sample(t))
	f := open(t, b)
	cells := 0
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for y, row := range rows {
			for x, v := range row {
				cells++
				if why := harmless(v); why != "" {
					t.Errorf("%s!%s: %q %s", sheet, cellName(x, y+1), v, why)
				}
				if formula, err := f.GetCellFormula(sheet, cellName(x, y+1)); err != nil || formula != "" {
					t.Errorf("%s!%s holds the formula %q %v", sheet, cellName(x, y+1), formula, err)
				}
				if ok, target, err := f.GetCellHyperLink(sheet, cellName(x, y+1)); err != nil || ok && !allowed(target) {
					t.Errorf("%s!%s leads to %q %v", sheet, cellName(x, y+1), target, err)
				}
			}
		}
	}
	if cells < 1000 {
		t.Errorf("only %d cells seen", cells)
	}
	for name := range parts(t, b) {
		for _, bad := range []string{"vba", "external", "connection", "query", "embed", "activex", "oleobject", "media", "chartex", "vml"} {
			if strings.Contains(strings.ToLower(name), bad) {
				t.Errorf("part %s", name)
			}
		}
	}
}

func allowed(target string) bool {
	return strings.HasPrefix(target, "https://github.example/") || strings.HasPrefix(target, "evidence/") || strings.HasPrefix(target, "'")
}

// parts unpacks a workbook.
func parts(t *testing.T, b []byte) map[string]string {
	t.Helper()
	zr, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]string)
	for it, err := range zr.Items() {
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(it)
		if err != nil {
			t.Fatal(err)
		}
		m[it.Name] = string(c)
	}
	return m
}

// A hostile text must be readable as what it was.
func TestHostileTextIsKept(t *testing.T) {
	f := open(t, workbook(t, sample(t)))
	rows, err := f.GetRows("Results")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows[1:] {
		if r[0] == "A.6.2.6" {
			got = append(got, r[5])
		}
	}
	var want []string
	for _, h := range exporttest.Hostile {
		want = append(want, clean(exporttest.ValidText(h)))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// From a control to its results, from a result to its evidence, from there to
// the file and to the source.
func TestLinks(t *testing.T) {
	s := sample(t)
	f := open(t, workbook(t, s))
	follow := func(sheet, cell string) (string, string) {
		t.Helper()
		ok, target, err := f.GetCellHyperLink(sheet, cell)
		if err != nil || !ok {
			t.Fatalf("%s!%s leads nowhere: %v", sheet, cell, err)
		}
		name, ref, _ := strings.Cut(target, "!")
		return strings.Trim(name, "'"), ref
	}
	row := find(t, f, "Control status", 0, "A.6.2.5")
	sheet, ref := follow("Control status", cellName(0, row))
	if v, err := f.GetCellValue(sheet, ref); sheet != "Results" || v != "A.6.2.5" || err != nil {
		t.Fatalf("the control leads to %s!%s: %q %v", sheet, ref, v, err)
	}
	row = find(t, f, "Results", 5, "nordlicht/claims-model#104")
	sheet, ref = follow("Results", cellName(columnOf(s.Snapshot, "Results", "evidence"), row))
	id, err := f.GetCellValue(sheet, ref)
	if want := s.Snapshot.Assessment.Results[len(s.Snapshot.Assessment.Results)-1]; err != nil || sheet != "Evidence" || len(id) != 64 || want == nil {
		t.Fatalf("the result leads to %s!%s: %q %v", sheet, ref, id, err)
	}
	row = find(t, f, "Evidence", 0, id)
	if v, err := f.GetCellValue("Evidence", cellName(4, row)); v != "change nordlicht/claims-model#104" || err != nil {
		t.Errorf("the evidence is about %q %v", v, err)
	}
	column := sheets.EvidenceColumn
	payload, err := f.GetCellValue("Evidence", cellName(column("payload sha256"), row))
	if err != nil {
		t.Fatal(err)
	}
	if file, _ := follow("Evidence", cellName(column("file"), row)); file != "evidence/"+payload+".json" {
		t.Errorf("the file link leads to %q", file)
	}
	if web, _ := follow("Evidence", cellName(column("source URL"), row)); web != "https://github.example/nordlicht/claims-model/pull/104" {
		t.Errorf("the source link leads to %q", web)
	}
}

// columnOf is the number of a column, from 0.
func columnOf(snap *export.Snapshot, sheet, title string) int {
	return slices.IndexFunc(layoutOf(snap, sheet).Columns, func(c sheets.Column) bool { return c.Title == title })
}

// find returns the row in which a column has a value.
func find(t *testing.T, f *excelize.File, sheet string, col int, value string) int {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if col < len(r) && r[col] == value {
			return i + 1
		}
	}
	t.Fatalf("%s has no %q", sheet, value)
	return 0
}

func TestDates(t *testing.T) {
	f := open(t, workbook(t, sample(t)))
	row := find(t, f, "Evidence", 4, "change nordlicht/claims-model#104")
	shown, err := f.GetCellValue("Evidence", cellName(5, row))
	want := exporttest.AsOf.Add(-(4*9 + 3) * 24 * time.Hour)
	if err != nil || shown != want.Format("2006-01-02 15:04:05") {
		t.Errorf("shown as %q, want %v (%v)", shown, want, err)
	}
	raw, err := f.GetCellValue("Evidence", cellName(5, row), excelize.Options{RawCellValue: true})
	if err != nil || CellDateText(raw) != DateText(want) {
		t.Errorf("kept as %q, want %v (%v)", raw, want, err)
	}
	for _, tt := range []struct {
		t    time.Time
		want string
	}{
		{time.Time{}, ""},
		{time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC), "1899-01-01T00:00:00Z"},
		{time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC), "-2203891200"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "253402300799"},
	} {
		if got := DateText(tt.t); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.t, got, tt.want)
		}
	}
}

// A sheet that is full goes on in another, behind it.
func TestContinuation(t *testing.T) {
	s := sample(t)
	var buf bytes.Buffer
	sum, err := write(t.Context(), &buf, s.Snapshot, s.Key.Signer, Options{TempDir: t.TempDir()}, 20)
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, buf.Bytes())
	var want []string
	for _, name := range f.GetSheetList() {
		if base := SheetBase(name); base != name {
			if i := slices.Index(want, base); i < 0 {
				t.Errorf("%s does not follow %s", name, base)
			}
			continue
		}
		want = append(want, name)
	}
	if d := cmp.Diff(wantSheets, want); d != "" {
		t.Fatal(d)
	}
	ids := make(map[string]bool)
	for _, name := range []string{"Evidence", "Evidence (2)", "Evidence (3)"} {
		rows, err := f.GetRows(name)
		if err != nil || rows[0][0] != "evidence id" || len(rows) > 20 {
			t.Fatalf("%s: %d rows %v", name, len(rows), err)
		}
		for _, r := range rows[1:] {
			ids[r[0]] = true
		}
	}
	if len(ids) != sum.Evidence {
		t.Errorf("%d evidence ids, want %d", len(ids), sum.Evidence)
	}
	rows, err := f.GetRows("Results (3)")
	if err != nil {
		t.Fatal(err)
	}
	ok, target, err := f.GetCellHyperLink("Results (3)", cellName(17, len(rows)))
	if err != nil || !ok {
		t.Fatalf("no link: %v", err)
	}
	sheet, ref, _ := strings.Cut(target, "!")
	id, err := f.GetCellValue(strings.Trim(sheet, "'"), ref)
	if err != nil || !strings.HasPrefix(id, rows[len(rows)-1][17][:16]) {
		t.Errorf("%s leads to %q, want %q %v", target, id, rows[len(rows)-1][17], err)
	}
	tables := map[string]bool{}
	for _, sheet := range f.GetSheetList() {
		of, err := f.GetTables(sheet)
		if err != nil || len(of) > 1 {
			t.Errorf("%s: tables %v %v", sheet, of, err)
		}
		for _, one := range of {
			tables[one.Name] = true
		}
	}
	if !tables["Evidence_3"] || !tables["Results_2"] {
		t.Errorf("continuations have no table of their own: %v", tables)
	}
}

// The workbook never claims what only an auditor can say.
func TestWords(t *testing.T) {
	f := open(t, workbook(t, sample(t)))
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, v := range row {
				for _, bad := range []string{"certified", "compliant", "compliance", "%", "nonconformity raised"} {
					if strings.Contains(strings.ToLower(v), bad) {
						t.Errorf("%s says %q", sheet, v)
					}
				}
			}
		}
	}
	if row := find(t, f, "Cover", 0, "What this workbook does not say"); row == 0 {
		t.Error("the cover does not state its limits")
	}
}
