package main

import (
	"strings"
	"testing"
	"time"
)

// TestWholeness: the list of systems is whole only while somebody looks, and
// nothing is open.
func TestWholeness(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for want, h := range map[string]wholeness{
		"":                                     {scanned: now.AddDate(0, 0, -1), at: now},
		"1 use of AI is open":                  {open: 1, scanned: now, at: now},
		"No scan for AI is on record":          {at: now},
		"AI was looked for last on 2026-11-01": {scanned: now.AddDate(0, 0, -28), at: now},
	} {
		if got := h.says(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
