package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// put imports lines as a source would have read them.
func put(t *testing.T, c *Collector, lines ...string) {
	t.Helper()
	in := strings.NewReader(strings.Join(lines, "\n") + "\n")
	if _, err := c.Import(t.Context(), in, importfile.Options{Catalog: c.Catalog, Now: c.Now()}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
}

// shadowRuns counts the runs of ShadowSource, and the records they made.
func shadowRuns(t *testing.T, c *Collector) (runs int, cases, scans int64) {
	t.Helper()
	for run, err := range c.Store.Runs(t.Context(), ShadowSource) {
		if err != nil {
			t.Fatal(err)
		}
		if run.Status != evidence.RunComplete {
			t.Errorf("run %s is %q", run.ID, run.Status)
		}
		runs++
		cases += run.Kinds[KindShadowCase].New + run.Kinds[KindShadowCase].Revised
		scans += run.Kinds[KindShadowScan].New
	}
	return runs, cases, scans
}

const (
	keyRun  = `{"run":{"source":"vendors","scope":{"vendor.api_key_inventory":"complete"}}}`
	keyLine = `{"kind":"vendor.api_key_inventory","subject":{"type":"vendor","id":"openai"},"key":"openai|k1","payload":{"vendor":"openai","key_id":"k1","status":"active"}}`
)

// TestCollectShadow: nothing is invented where nobody looked; what is unchanged
// costs nothing; once a day it is said what was searched; what is gone is gone.
func TestCollectShadow(t *testing.T) {
	c := newCollector(t)
	now := time.Now().UTC().Truncate(time.Second)
	c.Clock = func() time.Time { return now }
	told := ""
	step := func(what string, after time.Duration, runs int, cases, scans int64) {
		t.Helper()
		now = now.Add(after)
		opened, err := c.CollectShadow(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range opened {
			told += what + ": " + one.Title + " " + one.Reopened + "\n"
		}
		if r, k, s := shadowRuns(t, c); r != runs || k != cases || s != scans {
			t.Errorf("%s: %d runs, %d states of cases, %d scans; want %d, %d, %d", what, r, k, s, runs, cases, scans)
		}
	}
	step("an empty store", 0, 0, 0, 0)
	put(t, c, `{"run":{"source":"grc","scope":{"risk.assessment":"complete"}}}`)
	step("a source that shows no AI", time.Minute, 0, 0, 0)
	put(t, c, keyRun, keyLine)
	step("a key", time.Minute, 1, 1, 1)
	step("again", time.Minute, 1, 1, 1)
	put(t, c, keyRun, keyLine)
	step("the same, read again", time.Minute, 1, 1, 1)
	step("a day later", selfInterval, 2, 1, 2)
	put(t, c, keyRun)
	step("the key is gone", time.Minute, 3, 2, 3)
	put(t, c, keyRun, keyLine)
	step("and there again", time.Minute, 4, 3, 4)

	step("and still", time.Minute, 4, 3, 4)
	if want := "a key: key k1 at OpenAI \nand there again: key k1 at OpenAI it was gone, and is there again\n"; told != want {
		t.Errorf("told:\n%swant:\n%s", told, want)
	}

	onRecord, err := readShadow(t.Context(), c.Store, now)
	if err != nil || len(onRecord.cases) != 1 {
		t.Fatalf("%d cases, %v", len(onRecord.cases), err)
	}
	if got := onRecord.cases[0]; got.Status != shadow.New || got.Reopened == "" {
		t.Errorf("it is %s, %q", got.Status, got.Reopened)
	}
	if s := onRecord.scan; s.Denominator != 1 || s.Percent != 100 || !strings.Contains(s.Scope, "1 of 1 vendor organisations; reporting: vendor; never configured: code") {
		t.Errorf("searched: %+v", s)
	}
}

// TestShadowClockAhead: what was put on record by a clock that was ahead does
// not keep what comes after it from being seen.
func TestShadowClockAhead(t *testing.T) {
	c := newCollector(t)
	now := time.Now().UTC().Truncate(time.Second).AddDate(3, 0, 0)
	c.Clock = func() time.Time { return now }
	put(t, c, keyRun, keyLine)
	if opened, err := c.CollectShadow(t.Context()); err != nil || len(opened) != 1 {
		t.Fatalf("%d opened, %v", len(opened), err)
	}
	now = now.AddDate(-3, 0, 0)
	put(t, c, keyRun, keyLine, strings.ReplaceAll(keyLine, "k1", "k2"))
	if opened, err := c.CollectShadow(t.Context()); err != nil || len(opened) != 1 || opened[0].Ref != "k2" {
		t.Fatalf("%d opened, %v", len(opened), err)
	}
	onRecord, err := readShadow(t.Context(), c.Store, now)
	if err != nil || !onRecord.scan.Finished.Equal(now) {
		t.Errorf("searched last at %s, %v", onRecord.scan.Finished, err)
	}
	if runs, _, _ := shadowRuns(t, c); runs != 2 {
		t.Errorf("%d runs", runs)
	}
	if _, err := c.CollectShadow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs, _, _ := shadowRuns(t, c); runs != 2 {
		t.Errorf("%d runs, and nothing changed", runs)
	}
}

// TestShadowForgedRun: a file that claims to hold all of what a connector reads
// makes nothing gone.
func TestShadowForgedRun(t *testing.T) {
	c := newCollector(t)
	rec := newRecorder(c, evidence.Provenance{Source: "vendors", Connector: "openai"}, nil)
	if err := rec.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := evidence.Record{Kind: "vendor.api_key_inventory", Major: 1, Subject: evidence.Subject{Type: "vendor", ID: "openai"}, Key: "openai|k1",
		CollectedAt: c.Now(), Payload: []byte(`{"key_id":"k1","status":"active","vendor":"openai"}`)}
	if err := rec.append(t.Context(), store.Batch{Run: rec.run.ID, Records: []evidence.Record{key}}); err != nil {
		t.Fatal(err)
	}
	rec.run.Kinds[key.Kind] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	rec.run.FinishedAt, rec.run.Status = c.Now(), evidence.RunComplete
	if _, err := rec.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, c, keyRun)
	res, err := ReconcileShadow(t.Context(), c.Store, c.Now())
	if err != nil || len(res.Cases) != 1 || res.Cases[0].Status != shadow.New {
		t.Fatalf("%+v, %v", res.Cases, err)
	}
	if s := res.Coverage.Sources[0]; s.State != shadow.Partial {
		t.Errorf("the source is %s", s.State)
	}
}

// TestShadowAuthors: who committed last is asked for open cases only, and bots
// own nothing.
func TestShadowAuthors(t *testing.T) {
	c := newCollector(t)
	push := func(sha, author, at string) string {
		return `{"kind":"github.push","subject":{"type":"change","id":"o/r@` + sha + `"},"key":"o/r|` + sha + `","event_time":"` + at + `","payload":{"repo":"o/r","sha":"` + sha + `","author":"` + author + `","committed_at":"` + at + `"}}`
	}
	put(t, c, `{"run":{"source":"github","scope":{"code.ai_usage":"complete","github.push":"complete"}}}`,
		`{"kind":"code.ai_usage","subject":{"type":"repository","id":"o/r"},"key":"o/r|a|b","payload":{"repo":"O/r","path":"a.py","rule_id":"openai/imports","provider":"openai","scope":"product"}}`,
		push("1", "ann", "2026-01-01T00:00:00Z"), push("3", "renovate[bot]", "2026-03-01T00:00:00Z"), push("2", "bob", "2026-02-01T00:00:00Z"))
	res, err := ReconcileShadow(t.Context(), c.Store, c.Now())
	if err != nil || len(res.Cases) != 1 {
		t.Fatalf("%d cases, %v", len(res.Cases), err)
	}
	if got := res.Cases[0]; got.Hint != "bob" || got.HintFrom != shadow.FromCommits {
		t.Errorf("owner %s from %s", got.Hint, got.HintFrom)
	}
}
