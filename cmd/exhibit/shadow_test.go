package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// TestTell: the log of an agent names a case that opened by fields that others
// can rely on, as a warning.
func TestTell(t *testing.T) {
	var log bytes.Buffer
	w := &workplace{unattended: true, logger: slog.New(slog.NewJSONHandler(&log, nil))}
	c := shadow.Case{ID: "SC-1", Title: "OpenAI in repository o/r", Hint: "ann", HintFrom: "commits", Unexplained: "no registered system has the repository"}
	c.FirstSeen.Time = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w.tell(&c)
	got := map[string]string{}
	if err := json.Unmarshal(log.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"level": "WARN", "msg": "AI that nobody registered", "id": "SC-1", "title": c.Title,
		"first_seen": "2026-11-01T00:00:00Z", "owner_hint": "ann", "owner_hint_from": "commits", "unexplained": c.Unexplained} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if _, there := got["reopened_because"]; there {
		t.Error("it did not open again")
	}
}

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
