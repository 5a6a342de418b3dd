package xlsx

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

func workbook(t testing.TB, s *exporttest.Sample) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := Write(t.Context(), &buf, s.Snapshot, s.Key.Signer, Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestDeterministic(t *testing.T) {
	first := workbook(t, sample(t))
	for range 3 {
		if again := workbook(t, sample(t)); !bytes.Equal(first, again) {
			t.Fatal("the same snapshot gave another file")
		}
	}
	if out := os.Getenv("EXHIBIT_WORKBOOK_OUT"); out != "" {
		if err := os.WriteFile(out, first, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
