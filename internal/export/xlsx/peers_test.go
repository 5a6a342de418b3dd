//go:build peers

package xlsx

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPeerLibreOffice opens the workbook with a program that nobody here wrote, has
// it calculate and save every sheet as CSV, and compares the texts: nothing was
// taken for a formula, lost or repaired.
func TestPeerLibreOffice(t *testing.T) {
	dir := t.TempDir()
	b := workbook(t, sample(t))
	file := filepath.Join(dir, "wb.xlsx")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to",
		"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", "--outdir", dir, file)
	cmd.WaitDelay = 3 * time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	f := open(t, b)
	for _, sheet := range f.GetSheetList() {
		c, err := os.Open(filepath.Join(dir, "wb-"+sheet+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(c)
		r.FieldsPerRecord, r.LazyQuotes = -1, true
		got, err := r.ReadAll()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Fatalf("%s: %v", sheet, err)
		}
		want, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(trim(want), trim(got)); d != "" {
			t.Errorf("%s (-written +LibreOffice):\n%s", sheet, d)
		}
	}
}

// readAll has openpyxl read a workbook, and prints what it found of each sheet.
const readAll = `
import json, sys, warnings, openpyxl
warnings.simplefilter("error")
book = openpyxl.load_workbook(sys.argv[1])
out = []
for sheet in book:
    rows, formulas = [], 0
    for row in sheet.iter_rows():
        formulas += sum(1 for c in row if c.data_type == "f")
        rows.append([c.value if isinstance(c.value, str) else "" for c in row])
    out.append({"name": sheet.title, "texts": rows, "formulas": formulas, "dates": sum(1 for r in sheet.iter_rows() for c in r if getattr(c, "is_date", False) and c.value),
        "tables": [t.ref for t in sheet.tables.values()], "choices": len(sheet.data_validations.dataValidation), "charts": len(sheet._charts),
        "links": sum(1 for r in sheet.iter_rows() for c in r if getattr(c, "hyperlink", None)), "frozen": sheet.freeze_panes or ""})
json.dump(out, sys.stdout)
`

// TestPeerOpenpyxl reads the workbook with a library of another language, which
// fails on what breaks the format's schema, and compares the texts.
func TestPeerOpenpyxl(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wb.xlsx")
	b := workbook(t, sample(t))
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(os.Getenv("EXHIBIT_PEERS"), "openpyxl", "bin", "python3"), "-c", readAll, file)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openpyxl: %v\n%s", err, stderr.String())
	}
	var got []struct {
		Name                                    string
		Texts                                   [][]string
		Formulas, Dates, Choices, Charts, Links int
		Tables                                  []string
		Frozen                                  string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	f := open(t, b)
	var names []string
	sum := map[string]int{}
	for _, s := range got {
		names = append(names, s.Name)
		sum["formulas"] += s.Formulas
		sum["dates"] += s.Dates
		sum["choices"] += s.Choices
		sum["charts"] += s.Charts
		sum["links"] += s.Links
		sum["tables"] += len(s.Tables)
		rows, err := f.GetRows(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for y, row := range s.Texts {
			for x, v := range row {
				v = strings.ReplaceAll(v, "_x005F_", "_") // it leaves what the format escapes in inline strings as it is
				if v != "" && (y >= len(rows) || x >= len(rows[y]) || rows[y][x] != v) {
					t.Errorf("%s!%s: openpyxl reads %q", s.Name, cellName(x, y+1), v)
				}
			}
		}
		if len(s.Tables) > 0 && s.Frozen == "" {
			t.Errorf("%s: the header is not frozen", s.Name)
		}
	}
	if d := cmp.Diff(f.GetSheetList(), names); d != "" {
		t.Error(d)
	}
	if sum["formulas"] != 0 || sum["dates"] < 100 || sum["choices"] < 2 || sum["charts"] != 5 || sum["links"] < 50 || sum["tables"] < 12 {
		t.Errorf("found %v", sum)
	}
}

// trim drops what CSV cannot tell: empty cells at the end, how a line breaks.
func trim(rows [][]string) [][]string {
	var out [][]string
	for _, r := range rows {
		for len(r) > 0 && r[len(r)-1] == "" {
			r = r[:len(r)-1]
		}
		c := make([]string, len(r))
		for i, v := range r {
			c[i] = strings.ReplaceAll(v, "\r\n", "\n")
		}
		out = append(out, c)
	}
	for len(out) > 0 && len(out[len(out)-1]) == 0 {
		out = out[:len(out)-1]
	}
	return out
}
