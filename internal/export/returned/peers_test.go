//go:build peers

package returned_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPeerLibreOffice has the program that many people use open the filled-in
// workbook and save it anew, and reads the same from what it made of it.
func TestPeerLibreOffice(t *testing.T) {
	dir := t.TempDir()
	original := exported(t)
	in := filepath.Join(dir, "filled.xlsx")
	if err := os.WriteFile(in, edited(t, original, fill(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "saved")
	cmd := exec.CommandContext(t.Context(), "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", out, in)
	cmd.WaitDelay = 3 * time.Minute
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, text)
	}
	b, err := os.ReadFile(filepath.Join(out, "filled.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	back := open(t, b)
	got, err := back.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(filled, got.Notes); diff != "" || len(got.Refused) > 0 {
		t.Errorf("notes (-want +got):\n%s\nrefused %v", diff, got.Refused)
	}
	if back.Program == "" || back.Program == "Exhibit" {
		t.Errorf("it says that %q saved it", back.Program)
	}
	same(t, original, back)
}
