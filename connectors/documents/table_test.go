package documents

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// tableRun collects one table with the settings of its glob.
func tableRun(t *testing.T, name, content string, glob map[string]any) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	r := newTestRepo(t)
	r.commit(at(3, 2, 16), map[string]string{"registers/" + name: content})
	glob["glob"] = "registers/*"
	return run(t, map[string]any{"repository": r.dir, "name": "gov", "records": []any{glob}}, nil)
}

// keys lists the keys of records and the details of gaps.
func outcome(rec *connectortest.Recorder) (keys, gaps []string) {
	for _, x := range rec.Records() {
		keys = append(keys, x.Key)
	}
	for _, g := range rec.Gaps() {
		gaps = append(gaps, g.Scope+": "+g.Detail)
	}
	return keys, gaps
}

func TestCSVDialects(t *testing.T) {
	plain := "person,course,completed_at,score\nann,\"AI, basics\",2026-01-07,0.9\nbo,\"AI\nbasics\",2026-01-08,\n"
	utf16 := []byte("\xff\xfe")
	for _, c := range plain {
		utf16 = append(utf16, byte(c), 0)
	}
	want := []string{"ann|AI, basics|2026-01-07T00:00:00Z", "bo|AI\nbasics|2026-01-08T00:00:00Z"}
	for name, content := range map[string]string{
		"commas":     plain,
		"mark, CRLF": "\xef\xbb\xbf" + strings.ReplaceAll(plain, "\n", "\r\n"),
		"old Mac":    strings.ReplaceAll(plain, "\n", "\r"),
		"UTF-16":     string(utf16),
		"semicolons": "Person;Course;Completed At;Score\nann;AI, basics;2026-01-07;0.9\n;;;\nbo;\"AI\nbasics\";2026-01-08;\n",
		"tabs":       "person\tcourse\tcompleted-at\nann\tAI, basics\t2026-01-07\nbo\t\"AI\nbasics\"\t2026-01-08\n",
	} {
		t.Run(name, func(t *testing.T) {
			rec, cov := tableRun(t, "a.csv", strings.ReplaceAll(content, "\"AI\nbasics\"", "\"AI\nbasics\""), map[string]any{"kinds": []string{"training.completion"}})
			keys, gaps := outcome(rec)
			// A key holds no control character: a name with a line break is one.
			if len(gaps) != 1 || !strings.Contains(gaps[0], "control characters") || !cmp.Equal(keys, want[:1]) {
				t.Errorf("keys %q, gaps %q", keys, gaps)
			}
			if cov["training.completion"].Status != connector.Partial {
				t.Errorf("coverage %+v", cov["training.completion"])
			}
		})
	}
}

func TestTableRow(t *testing.T) {
	rec, _ := tableRun(t, "vendors.csv", "Supplier;Services;Criticality;topics.security;topics.model_updates;assessed;by;Salary;kind\n"+
		"acme;hosting; critical ;good;\"{x\";2026-02-03;ann;1000;vendor.assessment\n", map[string]any{
		"kinds": []string{"vendor.assessment", "vendor.record"}, "values": map[string]string{"result": "accepted", "topics.continuity": "plan of 2026"},
		"columns": map[string]string{"supplier": "vendor_id", "Assessed": "approved_at", "By": "assessor", "Salary": ""},
	})
	if len(rec.Records()) != 1 || len(rec.Gaps()) != 0 {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	want := map[string]any{
		"vendor_id": "acme", "services": "hosting", "criticality": "critical", "result": "accepted", "assessor": "ann",
		"approved_at": "2026-02-03T00:00:00Z", "source_path": "registers/vendors.csv",
		"topics": map[string]any{"security": "good", "model_updates": "{x", "continuity": "plan of 2026"},
	}
	if diff := cmp.Diff(want, connectortest.Payload(t, rec.Records()[0])); diff != "" {
		t.Error(diff)
	}
	rec, _ = tableRun(t, "v.csv", "vendor_id,services,data_classes\nacme,a; b ;c,\"one\ntwo\"\n", map[string]any{"kinds": []string{"vendor.record"}})
	if diff := cmp.Diff([]any{"a", "b", "c"}, connectortest.Payload(t, rec.Records()[0])["services"]); diff != "" {
		t.Error(diff)
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	one := map[string]any{"kinds": []string{"training.completion"}}
	for name, tt := range map[string]struct {
		content, want string
		records       int
	}{
		"a word for a time":   {"person,course,completed_at\nann,x,2026-01-01\nbo,x,soon\n", "row 3: training.completion: column C (completed_at): ", 1},
		"a word for a number": {"person,course,completed_at,score\nbo,x,2026-01-01,high\n", "row 2: training.completion: column D (score): ", 0},
		"nobody":              {"person,course,completed_at\n,x,2026-01-01\n", "row 2: training.completion: field person: missing", 0},
		"too many cells":      {"person,course\nann,x,2026-01-01\n", "row 2: column C: a value without a heading", 0},
		"no header":           {"Training of 2026,,\nperson,course,completed_at\n", "row 1: no column is called like a field", 0},
		"header twice":        {"person,course,Person\nann,x,bo\n", "columns A and C are both called person", 0},
		"nothing":             {"\n\n", "no header in it", 0},
		"later than the file": {"person,course,completed_at\nann,x,2026-03-03\n", "later than the commit", 0},
		"forged source":       {"person,course,source_commit\nann,x,abc\n", "written by the connector", 0},
		"broken quotes":       {"person,course\nann,\"x\n", "row 2: extraneous or missing", 0},
		"twice":               {"person,course,completed_at\nann,x,2026-01-01\nann,x,2026-01-01\n", "more than one place (registers/a.csv: row 2, registers/a.csv: row 3)", 0},
		"latin-1":             {"person,course\nann\xe9,x\n", "neither UTF-8 nor UTF-16", 0},
		"a form":              {"person,course,completed_at\n<person>,<course>,<date>\n", "row 2: training.completion: field completed_at still holds the placeholder <date>", 0},
		"half an object":      {"person,course,topics\nann,x,{\n", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			rec, cov := tableRun(t, "a.csv", tt.content, one)
			_, gaps := outcome(rec)
			if tt.want == "" {
				if len(gaps) != 0 || len(rec.Records()) != tt.records {
					t.Errorf("records %d, gaps %q", len(rec.Records()), gaps)
				}
				return
			}
			if len(gaps) != 1 || !strings.HasPrefix(gaps[0], "registers/a.csv: ") || !strings.Contains(gaps[0], tt.want) || len(rec.Records()) != tt.records {
				t.Errorf("records %d, gaps %q, want %q", len(rec.Records()), gaps, tt.want)
			}
			if cov["training.completion"].Status != connector.Partial {
				t.Errorf("coverage %+v", cov["training.completion"])
			}
		})
	}
}

// A register with a header and no rows says that there are none.
func TestNoneIsSaid(t *testing.T) {
	for name, content := range map[string]string{"a.csv": "person,course,completed_at\n", "a.json": "[]", "a.yaml": "[]\n"} {
		rec, cov := tableRun(t, name, content, map[string]any{"kinds": []string{"training.completion"}})
		if c := cov["training.completion"]; len(rec.Gaps()) != 0 || c.Status != connector.Complete || !c.Enumerated {
			t.Errorf("%s: gaps %v, coverage %+v", name, rec.Gaps(), c)
		}
	}
}

func TestManyBadRowsAreCounted(t *testing.T) {
	rec, _ := tableRun(t, "a.csv", "person,course,completed_at\n"+strings.Repeat("ann,x,soon\n", 500), map[string]any{"kinds": []string{"training.completion"}})
	_, gaps := outcome(rec)
	if len(gaps) != maxGaps+1 || !strings.Contains(gaps[maxGaps], "450 problems more") {
		t.Errorf("%d gaps, the last %q", len(gaps), gaps[len(gaps)-1])
	}
}

// A row that was there before is the same record when rows are added.
func TestRowsAreStable(t *testing.T) {
	r := newTestRepo(t)
	s := map[string]any{"repository": r.dir, "web_url": "https://git.example.com/{commit}/{path}",
		"records": []any{map[string]any{"glob": "*.csv", "kinds": []string{"training.completion"}}}}
	head := "person,course,completed_at\nann,x,2026-01-01\n"
	r.commit(at(1, 5, 9), map[string]string{"a.csv": head})
	first, _ := run(t, s, nil)
	r.commit(at(2, 5, 9), map[string]string{"a.csv": head + "bo,x,2026-02-01\n"})
	second, _ := run(t, s, first)
	if len(second.Records()) != 2 {
		t.Fatalf("records %v, gaps %v", second.Records(), second.Gaps())
	}
	if diff := cmp.Diff(first.Records()[0], second.Records()[0]); diff != "" {
		t.Error(diff)
	}
}

func TestXLSXOfOpenpyxl(t *testing.T) {
	rec, _ := tableRun(t, "t.xlsx", string(fixture(t, "training.xlsx")), map[string]any{
		"kinds": []string{"training.completion"}, "columns": map[string]string{"Employee": "person"},
	})
	keys, gaps := outcome(rec)
	if diff := cmp.Diff([]string{
		"ann|AI basics|2026-01-07T00:00:00Z", "bo|AI basics|2026-01-08T14:30:00Z", "7|AI basics|2026-01-10T00:00:00Z", "eve|AI basics|2025-01-10T00:00:00Z",
	}, keys); diff != "" {
		t.Error(diff)
	}
	if len(gaps) != 2 || !strings.Contains(gaps[0], "sheet 2026, row 6: column A: a formula whose result was not saved") ||
		!strings.Contains(gaps[1], "sheet 2026, row 4: training.completion: column C (completed_at)") {
		t.Errorf("gaps %q", gaps)
	}
	m := connectortest.Payload(t, rec.Records()[0])
	if m["score"] != 0.95 || m["passed"] != "true" || m["source_sheet"] != "2026" {
		t.Errorf("payload %v", m)
	}
	rec, _ = tableRun(t, "t.xlsx", string(fixture(t, "training.xlsx")), map[string]any{
		"kinds": []string{"training.completion"}, "columns": map[string]string{"Employee": "person"}, "sheets": []string{"old"},
	})
	if keys, gaps := outcome(rec); len(keys) != 1 || len(gaps) != 0 {
		t.Errorf("one sheet: keys %q, gaps %q", keys, gaps)
	}
	rec, _ = tableRun(t, "t.xlsx", string(fixture(t, "training.xlsx")), map[string]any{"kinds": []string{"training.completion"}, "sheets": []string{"new"}})
	if _, gaps := outcome(rec); len(gaps) != 1 || !strings.Contains(gaps[0], "no sheet is called new") {
		t.Errorf("a sheet that is not there: gaps %q", gaps)
	}
}

// excelize writes what Excel can: dates from 1904, cached results, merged
// cells, errors.
func TestXLSXOfExcelize(t *testing.T) {
	x := excelize.NewFile()
	defer x.Close()
	set := func(ref string, v any) {
		t.Helper()
		if err := x.SetCellValue("Sheet1", ref, v); err != nil {
			t.Fatal(err)
		}
	}
	yes := true
	if err := x.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
		t.Fatal(err)
	}
	for i, h := range []string{"person", "course", "completed_at", "version"} {
		set(letters(i)+"1", h)
	}
	set("A2", "ann")
	set("B2", "x")
	set("C2", time.Date(2026, 1, 7, 0, 0, 0, 0, time.UTC))
	set("A3", "bo")
	set("B3", "x")
	set("C3", "2026-01-08")
	set("D3", "1")
	set("A4", "cy")
	set("B4", "x")
	set("C4", "2026-01-09")
	if err := x.MergeCell("Sheet1", "D3", "D4"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := x.Write(&b); err != nil {
		t.Fatal(err)
	}
	rec, _ := tableRun(t, "t.xlsx", b.String(), map[string]any{"kinds": []string{"training.completion"}})
	keys, gaps := outcome(rec)
	if diff := cmp.Diff([]string{"ann|x|2026-01-07T00:00:00Z", "bo|x|2026-01-08T00:00:00Z"}, keys); diff != "" {
		t.Error(diff)
	}
	if len(gaps) != 1 || !strings.Contains(gaps[0], "row 4: column D: part of a merged cell") {
		t.Errorf("gaps %q", gaps)
	}
}

func TestDOCXTable(t *testing.T) {
	rec, _ := tableRun(t, "t.docx", string(fixture(t, "policy.docx")), map[string]any{"kinds": []string{"training.completion"}})
	keys, gaps := outcome(rec)
	if diff := cmp.Diff([]string{"ann|AI basics|2026-01-07T00:00:00Z", "bo|AI basics|2026-01-08T00:00:00Z"}, keys); diff != "" || len(gaps) != 0 {
		t.Errorf("%s\ngaps %q", diff, gaps)
	}
}

func TestDates(t *testing.T) {
	for days, want := range map[float64]string{
		61: "1900-03-01", 46029: "2026-01-07", 46029.5: "2026-01-07T12:00:00Z", 46029.999999999: "2026-01-08", 60: "", 2958466: "",
	} {
		if got := dateCell(days); got.text != want || (got.bad == "") != (want != "") {
			t.Errorf("%v: %+v, want %q", days, got, want)
		}
	}
	for code, want := range map[string]bool{
		"yyyy-mm-dd": true, `[$-409]d\-mmm\-yy`: true, "0.00": false, `"day" 0`: false, "[Red]0": false, "h:mm": false, `0\d`: false,
	} {
		if got := isDateFormat("200", code); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a;b\r\n\"1\n\";2", "\xff\xfea\x00", "\xef\xbb\xbfa\tb", "kind,person\ntraining.completion,<x>\n", "\"", "sep=;\na;b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tb, err := decodeCSV(t.Context(), b, false)
		if err != nil {
			return
		}
		rows, problems, err := tableRecords([]table{tb}, recordGlob{Kinds: []string{"training.completion"}})
		filled := 0
		for _, r := range tb.rows {
			if !r.empty() {
				filled++
			}
		}
		if err == nil && len(rows)+len(problems) != max(filled-1, 0) && (len(rows) != 0 || len(problems) != 1) {
			t.Errorf("%d rows below the header, %d records and %d problems: some were lost", filled-1, len(rows), len(problems))
		}
	})
}
