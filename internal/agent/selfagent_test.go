package agent

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// TestAgentsAreOnRecord holds that missed times and the agents themselves are
// stated once, again when something changed or a day passed, and never twice.
func TestAgentsAreOnRecord(t *testing.T) {
	ctx := t.Context()
	col := newCollector(t)
	c := &clock{t: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)}
	col.Clock = c.now
	db, err := opsdb.OpenFile(ctx, filepath.Join(t.TempDir(), "ops.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := testSchedule(t, db, c)
	o := Options{DB: db, Node: "n1", Version: "1.2.3", ConfigDigest: "c0ffee", Connectors: map[string]string{"github": "abcd"}, Logger: nothing, Clock: c.now}
	o.setDefaults()
	d := &daemon{o: o, s: s}
	self := Self{Schedule: s,
		Verify:      func(context.Context) (Verification, error) { return Verification{Started: c.now()}, nil },
		Populations: func(context.Context) ([]PopulationFact, error) { return nil, nil }}
	observe := func(what string, missed, agents int) {
		t.Helper()
		if err := errors.Join(d.beat(ctx), s.judge(ctx, time.Minute), col.CollectSelf(ctx, self)); err != nil {
			t.Fatal(err)
		}
		if m, a := said(t, col, KindMissed), said(t, col, KindAgent); len(m) != missed || len(a) != agents {
			t.Errorf("%s: %d missed and %d agents on record, want %d and %d", what, len(m), len(a), missed, agents)
		}
	}
	if err := s.load(ctx, []Scheduled{{Source: "github", Spec: "@hourly"}}, "n1"); err != nil {
		t.Fatal(err)
	}
	observe("at first", 0, 1)
	observe("nothing happened", 0, 1)
	c.add(3*time.Hour + 2*time.Minute)
	observe("nobody read the source", 1, 1)
	for _, m := range said(t, col, KindMissed) {
		if m["source"] != "github" || m["count"] != float64(4) || m["last_due"] != "2026-11-20T09:00:00Z" {
			t.Errorf("missed: %v", m)
		}
	}
	observe("told once", 1, 1)
	c.add(time.Second)
	if err := s.Pause(ctx, "github", "ann", "maintenance"); err != nil {
		t.Fatal(err)
	}
	observe("a pause is a change", 1, 2)
	c.add(25 * time.Hour)
	observe("a day later", 1, 3)
	found := false
	for _, a := range said(t, col, KindAgent) {
		if a["version"] != "1.2.3" || a["config_sha256"] != "c0ffee" || a["connectors"].(map[string]any)["github"] != "abcd" {
			t.Errorf("agent: %v", a)
		}
		for _, p := range a["paused"].([]any) {
			found = found || strings.Contains(p.(string), "by ann: maintenance")
		}
	}
	if !found {
		t.Error("who paused the source, and why, is not on record")
	}
}
