package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
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
