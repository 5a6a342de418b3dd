package sheets

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// fact is the text beside a key on the cover.
func fact(t *testing.T, b *Book, key string) string {
	t.Helper()
	blocks, err := b.cover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		if block.Kind == BlockFact && block.Key == key {
			return block.Text
		}
	}
	return ""
}

// A snapshot of an instant before anything was read says so, on the cover and
// where its sheets are empty.
func TestBeforeTheFirstReading(t *testing.T) {
	b, s := smallBook(t, nil, rec{"op", "organization", "o", `{"merged_at":"` + ago(40) + `"}`})
	show(t, b, "Evidence")
	if got := fact(t, b, "Read after the as-of"); got != "" {
		t.Errorf("nothing was read later: %q", got)
	}
	s.snap.AsOf, s.snap.Assessment.AsOf = today.AddDate(0, 0, -30), today.AddDate(0, 0, -30)
	s.snap.Runs, s.snap.Period = nil, &evidence.Period{From: today.AddDate(0, 0, -60), To: today}
	b, err := New(s.snap)
	if err != nil {
		t.Fatal(err)
	}
	show(t, b, "Evidence")
	if got := fact(t, b, "Read after the as-of"); !strings.HasPrefix(got, "1 of 1 evidence items") {
		t.Errorf("read after the as-of: %q", got)
	}
	if got := fact(t, b, "Period"); !strings.Contains(got, "it ends after the as-of") {
		t.Errorf("period: %q", got)
	}
	for sheet, want := range map[string]string{"Collector runs": "no collection", "Coverage gaps": "no collection", "Gaps": "none open"} {
		g := show(t, b, sheet)
		if len(g.rows) != 1 || g.rows[0][g.layout.Columns[0].Title] != want {
			t.Errorf("%s: %v", sheet, g.rows)
		}
	}
	s.snap.Period = &evidence.Period{From: today.AddDate(0, 0, 1), To: today.AddDate(0, 0, 2)}
	if got := fact(t, b, "Period"); !strings.Contains(got, "it begins after the as-of") {
		t.Errorf("period: %q", got)
	}
}
