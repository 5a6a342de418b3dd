package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// A section of the register's profile that was never there claims nothing;
// one that was withdrawn leaves a claim that it is gone.
func TestRegisterClaimsWhatItDeclares(t *testing.T) {
	c := newCollector(t)
	path := filepath.Join(t.TempDir(), "register.yaml")
	read := func(text string) evidence.Run {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run, err := c.CollectRegister(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	live := func() (n int) {
		for ev, err := range c.Store.Evidence(t.Context(), store.EvidenceQuery{Kinds: []string{"scope.statement"}, Latest: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.GoneAt.IsZero() {
				n++
			}
		}
		return n
	}
	const bare = "organization: {id: o, name: O}\n"
	if run := read(bare); run.Kinds["scope.statement"].Coverage != "" || run.Kinds["inventory.ai_system"].Coverage != "complete" {
		t.Errorf("without a scope the run claims %+v", run.Kinds)
	}
	if run := read(bare + "scope: {statement: All AI.}\n"); run.Kinds["scope.statement"].Coverage != "complete" || live() != 1 {
		t.Errorf("with a scope the run claims %+v, %d live", run.Kinds, live())
	}
	for range 2 { // the second time the file is the one kept
		if run := read(bare); run.Kinds["scope.statement"].Coverage != "complete" || run.Kinds["context.register"].Coverage != "" || live() != 0 {
			t.Errorf("after the scope was withdrawn the run claims %+v, %d live", run.Kinds, live())
		}
	}
}
