package gather_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
)

var day = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func at(n int) time.Time { return day.AddDate(0, 0, n) }

// world is a store with two runs: a system and a waiver are declared on day 0,
// the system is renamed and the waiver withdrawn on day 10.
func world(t *testing.T) (store.Store, *ledger.Key) {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.TempDir()+"/exhibit.db", sqlite.Options{Signer: key.Signer(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	waiver := record("waiver.record", "record", "W-1", `{"waiver_id":"W-1","expectation_slug":"x","requested_by":"a","approved_by":"b"}`)
	read(t, st, "one", 0, record("inventory.ai_system", "ai_system", "s", `{"system_id":"s","name":"Old name","owner":"a","repositories":[{"name":"acme/s"}]}`), waiver)
	read(t, st, "two", 10, record("inventory.ai_system", "ai_system", "s", `{"system_id":"s","name":"New name","owner":"a"}`))
	return st, key
}

func record(kind, subject, id, payload string) evidence.Record {
	return evidence.Record{Kind: kind, Major: 1, Subject: evidence.Subject{Type: subject, ID: id}, Key: id, Payload: []byte(payload)}
}

// read makes a complete run on a day.
func read(t *testing.T, st store.Store, id string, n int, records ...evidence.Record) {
	t.Helper()
	run := evidence.Run{ID: id, Provenance: evidence.Provenance{Source: "register", Connector: "register"}, StartedAt: at(n)}
	for i := range records {
		records[i].CollectedAt = at(n)
	}
	closed := run
	closed.FinishedAt, closed.Status = at(n).Add(time.Hour), evidence.RunComplete
	closed.Kinds = map[string]evidence.KindRead{}
	seen := map[string]bool{}
	for _, r := range records {
		seen[r.Kind+r.Key] = true
	}
	for _, kind := range []string{"inventory.ai_system", "waiver.record"} {
		closed.Kinds[kind] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	}
	for _, b := range []store.Batch{{Open: &run}, {Run: id, Records: records},
		{Run: id, Close: &store.RunClose{Run: closed, Seen: func(kind, key, _ string) bool { return seen[kind+key] }}}} {
		if _, err := st.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func snapshot(t *testing.T, st store.Store, key *ledger.Key, asOf time.Time) *export.Snapshot {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(cat, assess.Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	note, err := st.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		t.Fatal(err)
	}
	a, err := eng.NewState().At(asOf, assess.Checkpoint{Size: cp.Size, Root: cp.Root.String()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := gather.Snapshot(t.Context(), st, eng, a, gather.Request{Organisation: "Acme", PublicKey: key.Public(), Checkpoint: note})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// seen is what a snapshot shows of the world.
type seen struct {
	Systems []string
	Repos   []string
	Waivers int
	Runs    []evidence.RunStatus
	Used    int
}

func TestSnapshotIsOfItsInstant(t *testing.T) {
	st, key := world(t)
	for name, c := range map[string]struct {
		asOf time.Time
		want seen
	}{
		"before anything":        {at(-1), seen{}},
		"while the first run is": {at(0).Add(time.Minute), seen{[]string{"Old name"}, []string{"acme/s"}, 1, []evidence.RunStatus{evidence.RunOpen}, 2}},
		"between the runs":       {at(5), seen{[]string{"Old name"}, []string{"acme/s"}, 1, []evidence.RunStatus{evidence.RunComplete}, 2}},
		"after both":             {at(11), seen{[]string{"New name"}, nil, 0, []evidence.RunStatus{evidence.RunComplete, evidence.RunComplete}, 1}},
	} {
		s := snapshot(t, st, key, c.asOf)
		got := seen{Waivers: len(s.Waivers)}
		for _, sys := range s.Systems {
			got.Systems = append(got.Systems, sys.Name)
			got.Repos = append(got.Repos, sys.Repositories...)
		}
		for _, r := range s.Runs {
			got.Runs = append(got.Runs, r.Status)
		}
		for _, err := range s.Ledger.Used(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got.Used++
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
