package agent

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func newCollector(tb testing.TB) *Collector {
	tb.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	st, err := sqlite.Open(filepath.Join(tb.TempDir(), "exhibit.db"), sqlite.Options{Signer: key.Signer(), Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	cat, err := catalog.Load(config.FS)
	if err != nil {
		tb.Fatal(err)
	}
	return &Collector{Host: hostOf(tb), Store: st, Catalog: cat, Clock: time.Now, Version: "test", Logger: slog.New(slog.DiscardHandler)}
}

func source(tb testing.TB, s fakeSettings) Source {
	tb.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		tb.Fatal(err)
	}
	return Source{Name: "code", Connector: "fake", Config: connector.Config{Settings: raw, Secrets: map[string]string{"token": "tok-0123456789abcdef"}}}
}

func collect(t *testing.T, c *Collector, s fakeSettings) evidence.Run {
	t.Helper()
	run, err := c.Collect(t.Context(), source(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// counts are what a run says of the fake's only kind.
type counts struct {
	Status                              evidence.RunStatus
	Seen, New, Revised, Unchanged, Gone int64
	Gaps                                int
	Coverage                            string
}

func countsOf(r evidence.Run) counts {
	k := r.Kinds[fakeKind]
	return counts{r.Status, k.Seen, k.New, k.Revised, k.Unchanged, k.Gone, len(r.Gaps), k.Coverage}
}

func TestRunsGrowWithChange(t *testing.T) {
	c := newCollector(t)
	for _, step := range []struct {
		what string
		s    fakeSettings
		want counts
	}{
		{"first", fakeSettings{Records: 250}, counts{evidence.RunComplete, 250, 250, 0, 0, 0, 0, "complete"}},
		{"unchanged", fakeSettings{Records: 250}, counts{evidence.RunComplete, 250, 0, 0, 250, 0, 0, "complete"}},
		{"changed", fakeSettings{Records: 250, Changed: "x"}, counts{evidence.RunComplete, 250, 0, 250, 0, 0, 0, "complete"}},
		{"fifty are gone", fakeSettings{Records: 200, Changed: "x"}, counts{evidence.RunComplete, 200, 0, 0, 200, 50, 0, "complete"}},
		{"they come back", fakeSettings{Records: 250, Changed: "x"}, counts{evidence.RunComplete, 250, 0, 50, 200, 0, 0, "complete"}},
		{"a gap is no absence", fakeSettings{Records: 100, Changed: "x", Gap: "acme/repo-99"}, counts{evidence.RunPartial, 100, 0, 0, 100, 0, 1, "partial"}},
	} {
		if diff := cmp.Diff(step.want, countsOf(collect(t, c, step.s))); diff != "" {
			t.Errorf("%s: %s", step.what, diff)
		}
	}
}

func TestUnchangedPagesStoreNothing(t *testing.T) {
	c := newCollector(t)
	collect(t, c, fakeSettings{Records: 250, Pages: true})
	before := size(t, c)
	run := collect(t, c, fakeSettings{Records: 250, Pages: true})
	if diff := cmp.Diff(counts{evidence.RunComplete, 250, 0, 0, 250, 0, 0, "complete"}, countsOf(run)); diff != "" {
		t.Error(diff)
	}
	if grown := size(t, c) - before; grown != 2 {
		t.Errorf("the ledger grew by %d entries, want 2: the run's opening and closing", grown)
	}
}

// TestLostGroup holds that an attestation of what is not stored is not
// believed: the source is read in full instead.
func TestLostGroup(t *testing.T) {
	c := newCollector(t)
	collect(t, c, fakeSettings{Records: 250, Pages: true})
	run := collect(t, c, fakeSettings{Records: 250, Pages: true, Lost: true})
	got := countsOf(run)
	if got.Status != evidence.RunComplete || got.New != 0 || got.Gone != 0 || got.Unchanged < 250 {
		t.Errorf("run %+v, want complete with nothing new and nothing gone", got)
	}
}

// What a source does not keep itself outlives a full run, asked for or forced
// by an attestation that does not hold; positions do not.
func TestMemoryOutlivesAFullRun(t *testing.T) {
	c := newCollector(t)
	told := func(s fakeSettings, full bool) string {
		t.Helper()
		src := source(t, s)
		src.Full = full
		run, err := c.Collect(t.Context(), src, nil)
		if err != nil || len(run.Gaps) == 0 {
			t.Fatalf("%v, gaps %v", err, run.Gaps)
		}
		return run.Gaps[len(run.Gaps)-1].Scope
	}
	for i, step := range []struct {
		s    fakeSettings
		full bool
		want string
	}{
		{fakeSettings{Records: 100, Pages: true, Memory: true, Changed: "a"}, false, `memory "", position ""`},
		{fakeSettings{Records: 100, Pages: true, Memory: true, Changed: "b"}, false, `memory "a", position "a"`},
		{fakeSettings{Records: 100, Pages: true, Memory: true, Changed: "c"}, true, `memory "a", position ""`},
		{fakeSettings{Records: 100, Pages: true, Memory: true, Changed: "c", Lost: true}, false, `memory "a", position ""`},
	} {
		if got := told(step.s, step.full); got != step.want {
			t.Errorf("run %d: %s, want %s", i+1, got, step.want)
		}
	}
}

func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	c := newCollector(t)
	run := collect(t, c, fakeSettings{Records: 2000, Crash: 1500})
	got := countsOf(run)
	if got.Status != evidence.RunFailed || !strings.Contains(run.Error, "crashed") {
		t.Errorf("run %+v, error %q, want failed because it crashed", got, run.Error)
	}
	kept := 0
	for ev, err := range c.Store.Evidence(t.Context(), store.EvidenceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == fakeKind {
			kept++
		}
	}
	if kept < 1000 || kept > 1500 {
		t.Errorf("%d records kept, want those of the batches before the crash", kept)
	}
	again := countsOf(collect(t, c, fakeSettings{Records: 2000}))
	if again.Status != evidence.RunComplete || again.New != int64(2000-kept) {
		t.Errorf("next run %+v, want the %d that were missing", again, 2000-kept)
	}
}

func TestWhatIsNotRightIsAGap(t *testing.T) {
	c := newCollector(t)
	for name, step := range map[string]struct {
		s      fakeSettings
		status evidence.RunStatus
		want   string // in the first gap, or in the error
	}{
		"payload of another shape": {fakeSettings{Records: 3, Bad: true}, evidence.RunPartial, "archived"},
		"independent count":        {fakeSettings{Records: 3, Count: 5}, evidence.RunPartial, "3 were listed, but the source counts 5"},
		"check finds a problem":    {fakeSettings{Problem: "token expired"}, evidence.RunFailed, "token expired"},
	} {
		run := collect(t, c, step.s)
		text := run.Error
		for _, g := range run.Gaps {
			text += " " + g.Detail
		}
		if run.Status != step.status || !strings.Contains(text, step.want) {
			t.Errorf("%s: status %s, said %q, want %s with %q", name, run.Status, text, step.status, step.want)
		}
		if k := run.Kinds[fakeKind]; k.Coverage == "complete" {
			t.Errorf("%s: coverage is complete", name)
		}
	}
}

// TestRefusedConnectorIsARun holds that a connector that may not start leaves
// a failed run that says why.
func TestRefusedConnectorIsARun(t *testing.T) {
	c := newCollector(t)
	src := source(t, fakeSettings{Records: 1})
	src.Connector = "absent"
	if _, err := c.Collect(t.Context(), src, nil); err == nil {
		t.Error("no error")
	}
	var got []string
	for run, err := range c.Store.Runs(t.Context(), "code") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(run.Status)+" "+run.Error)
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "failed ") || !strings.Contains(got[0], "not installed") {
		t.Errorf("runs %q, want one, failed because the connector is not installed", got)
	}
}

// TestDanglingRunIsClosed holds that a run whose process died is failed by the
// next one, once.
func TestDanglingRunIsClosed(t *testing.T) {
	c := newCollector(t)
	dead := newRecorder(c, evidence.Provenance{Source: "code", Connector: "fake"}, nil)
	if err := dead.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	collect(t, c, fakeSettings{Records: 1})
	var got []evidence.RunStatus
	for run, err := range c.Store.Runs(t.Context(), "code") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, run.Status)
	}
	if diff := cmp.Diff([]evidence.RunStatus{evidence.RunFailed, evidence.RunComplete}, got); diff != "" {
		t.Error(diff)
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	c := newCollector(t)
	o := importfile.Options{Catalog: c.Catalog, Source: "grc", Now: time.Now()}
	good := `{"kind":"risk.acceptance","subject":{"type":"ai_system","id":"a"},"key":"1","payload":{"risk_id":"1"}}` + "\n"
	_, err := c.Import(t.Context(), strings.NewReader(good+"{}\n"), o, nil)
	if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "nothing was imported") {
		t.Errorf("error %v, want line 2 refused", err)
	}
	if _, err := c.Store.(store.Ledger).Checkpoint(t.Context()); err == nil {
		t.Error("a refused file left entries behind")
	}
	runs, err := c.Import(t.Context(), strings.NewReader(`{"run":{"source":"grc","scope":{"risk.acceptance":"complete"}}}`+"\n"+good), o, nil)
	if err != nil || len(runs) != 1 || runs[0].Status != evidence.RunComplete || runs[0].Kinds["risk.acceptance"].New != 1 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	runs, err = c.Import(t.Context(), strings.NewReader(good), o, nil)
	if err != nil || len(runs) != 1 || runs[0].Status != evidence.RunPartial || runs[0].Kinds["risk.acceptance"].Unchanged != 1 {
		t.Errorf("without a header: runs %+v, %v", runs, err)
	}
}

func size(t *testing.T, c *Collector) int64 {
	t.Helper()
	note, err := c.Store.(store.Ledger).Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		t.Fatal(err)
	}
	return cp.Size
}
