package xlsx

import (
	"bytes"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/seal"
)

// Half a workbook is never sealed, whatever excelize does after an error.
func TestNothingIsWrittenAfterAnError(t *testing.T) {
	s := sample(t)
	var out bytes.Buffer
	p, err := newPacker(&out, t.TempDir(), seal.Seal{Of: "workbook", Key: s.Key.Public}, s.Key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.remove(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := p.Create("a.xml"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Create("../b.xml"); err == nil {
		t.Fatal("a bad name was taken")
	}
	if _, err := p.Create("c.xml"); err != nil {
		t.Fatal(err) // the caller did not look
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Error("Close wrote")
	}
	if err := p.commit(); err == nil || out.Len() > 0 {
		t.Errorf("commit: %v, %d bytes", err, out.Len())
	}
}
