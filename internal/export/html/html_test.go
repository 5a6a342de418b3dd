package html

import (
	"bytes"
	"os"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func page(t testing.TB, s *exporttest.Sample, opt Options) string {
	t.Helper()
	opt.TempDir = t.TempDir()
	var buf bytes.Buffer
	if _, err := Write(t.Context(), &buf, s.Snapshot, opt); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(opt.TempDir); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
	return buf.String()
}

// TestSameBytes writes the same snapshot again and again.
// EXHIBIT_REPORT_OUT names a file to keep it in, to look at.
func TestSameBytes(t *testing.T) {
	first := page(t, sample(t), Options{})
	for range 3 {
		if page(t, sample(t), Options{}) != first {
			t.Fatal("the same snapshot gave another file")
		}
	}
	if out := os.Getenv("EXHIBIT_REPORT_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(first), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
