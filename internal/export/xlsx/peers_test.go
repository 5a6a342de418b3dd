//go:build peers

package xlsx

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLibreOffice opens the workbook with a program that nobody here wrote, has
// it calculate and save every sheet as CSV, and compares the texts: nothing was
// taken for a formula, lost or repaired.
func TestLibreOffice(t *testing.T) {
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
