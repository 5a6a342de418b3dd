//go:build peers

package soa_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPeerLibreOffice has a program that nobody here wrote read the document: the
// same words come out, and every page is numbered and names the snapshot.
func TestPeerLibreOffice(t *testing.T) {
	dir := t.TempDir()
	s := snapshot(t)
	s.SoA.Rows[0].Reason = strings.Repeat("because of the risk 名前 ", 1_200) // over pages
	file := filepath.Join(dir, "soa.docx")
	if err := os.WriteFile(file, written(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"txt:Text (encoded):UTF8", "pdf"} {
		cmd := exec.Command("soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", form, "--outdir", dir, file)
		cmd.WaitDelay = 3 * time.Minute
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("soffice: %v\n%s", err, out)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "soa.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want, read := words(text(t, s)), words(string(got)); want != read {
		t.Errorf("written and read differ:\n%.3000s\n\n%.3000s", want, read)
	}
	pages, err := exec.Command("pdftotext", "-layout", filepath.Join(dir, "soa.pdf"), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimRight(string(pages), "\f"), "\f")
	d, err := s.Digests()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range list {
		if !strings.Contains(p, "Snapshot "+d.Snapshot.String()) || !strings.Contains(words(p), words("Page "+strconv.Itoa(i+1)+" of "+strconv.Itoa(len(list)))) {
			t.Errorf("page %d of %d has no footer:\n%s", i+1, len(list), p)
		}
	}
	if len(list) < 4 {
		t.Errorf("a reason of %d characters is on %d pages", len(s.SoA.Rows[0].Reason), len(list))
	}
}

// words are the texts without what a program may lay out otherwise.
func words(s string) string {
	return strings.Join(strings.Fields(strings.TrimPrefix(s, "\ufeff")), " ")
}
