package agent

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// A connector that starts a program is ended. Its run fails and says why and
// what confined it; what it had sent is kept.
func TestConnectorThatForks(t *testing.T) {
	c := newCollector(t)
	c.Host = confinedHostOf(t, pluginhost.ConfineRequired)
	run := collect(t, c, fakeSettings{Records: 2000, Fork: true})
	if run.Status != evidence.RunFailed || !strings.Contains(run.Error, "starting a program") {
		t.Errorf("run %s, error %q, want failed because it started a program", run.Status, run.Error)
	}
	if k := run.Kinds[fakeKind]; k.New != 2000 || k.Coverage == "complete" {
		t.Errorf("kind %+v, want all 2000 kept and nothing claimed", k)
	}
	var stored evidence.Run
	for r, err := range c.Store.Runs(t.Context(), run.Provenance.Source) {
		if err != nil {
			t.Fatal(err)
		}
		stored = r
	}
	if !strings.HasPrefix(stored.Confinement, "confined by Landlock ") || stored.Confinement != run.Confinement {
		t.Errorf("the ledger says of the confinement %q, the run %q", stored.Confinement, run.Confinement)
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
	if kept != 2000 {
		t.Errorf("%d records kept, want 2000", kept)
	}
	// Unconfined, the same connector does it and says nothing: the run tells that too.
	c.Host = hostOf(t)
	if free := collect(t, c, fakeSettings{Records: 2000, Fork: true}); free.Status != evidence.RunComplete || free.Confinement != "not confined: it is switched off" {
		t.Errorf("unconfined: %s, %q", free.Status, free.Confinement)
	}
}
