package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"
)

// TestWholeness: the list of systems is whole only while somebody looks, and
// nothing is open.
func TestWholeness(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for want, h := range map[string]service.Wholeness{
		"":                                     {Scanned: now.AddDate(0, 0, -1), At: now},
		"1 use of AI is open":                  {Open: 1, Scanned: now, At: now},
		"No scan for AI is on record":          {At: now},
		"AI was looked for last on 2026-11-01": {Scanned: now.AddDate(0, 0, -28), At: now},
	} {
		if got := h.Says(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
