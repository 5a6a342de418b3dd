package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Options are what a store under test is opened with.
type Options struct {
	Key *ledger.Key
	Now func() time.Time
}

// Open makes a new empty store, closed when the test ends.
type Open func(tb testing.TB, o Options) store.Store

// Run runs the conformance suite.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, open Open)
	}{
		{"empty", testEmpty},
		{"lifecycle", testLifecycle},
		{"sources do not overwrite each other", testSources},
		{"same key twice in a batch", testTwice},
		{"what makes a revision", testRevision},
		{"attestation", testAttest},
		{"groups move", testGroups},
		{"queries", testQueries},
		{"kinds", testKinds},
		{"pages", testPages},
		{"digests", testDigests},
		{"state", testState},
		{"state is in the closing", testStateSealed},
		{"entries", testEntries},
		{"runs", testRuns},
		{"bad batches leave nothing", testBadBatches},
		{"erasure", testErasure},
		{"backup", testBackup},
		{"rotation", testRotation},
		{"reindex", testReindex},
		{"proofs", testProofs},
		{"clock going back", testClock},
		{"sequences stop", testStop},
		{"readers beside a writer", testReaders},
		{"writers beside each other", testWriters},
		{"verification beside a writer", testVerifyBeside},
		{"verification of pages that are used again", testVerifyPages},
		{"large things", testLarge},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// base is when every test begins.
var base = time.Date(2026, 2, 3, 4, 5, 6, 789_012_000, time.UTC)

// clock gives a clock that moves a second each time it is read.
func clock() func() time.Time {
	now := base
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// fixture is a store under test and its key.
type fixture struct {
	t   testing.TB
	s   store.Store
	key *ledger.Key
}

func newFixture(t testing.TB, open Open) *fixture {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, s: open(t, Options{Key: key, Now: clock()}), key: key}
}

func (f *fixture) append(b store.Batch) store.Receipt {
	f.t.Helper()
	r, err := f.s.Append(f.t.Context(), b)
	if err != nil {
		f.t.Fatalf("Append: %v", err)
	}
	return r
}

// verify holds the whole store against its key.
func (f *fixture) verify() store.Verified {
	f.t.Helper()
	return VerifyStore(f.t, f.s, f.key)
}

// VerifyStore fails the test if s does not verify.
func VerifyStore(t testing.TB, s store.Store, key *ledger.Key) store.Verified {
	t.Helper()
	got, err := verify(t.Context(), s, key)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return got
}

func verify(ctx context.Context, s store.Store, key *ledger.Key) (store.Verified, error) {
	v, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		return store.Verified{}, err
	}
	raw, ok := s.(store.Verifiable)
	if !ok {
		return store.Verified{}, errors.New("the store cannot be verified")
	}
	return store.Verify(ctx, raw, store.VerifyOptions{Verifier: v})
}

func open(id, source string) *evidence.Run {
	return &evidence.Run{
		ID: id, StartedAt: base,
		Provenance: evidence.Provenance{
			Agent: "exhibit/1", Source: source, Connector: "test", ConnectorVersion: "1.0.0",
			Identity: "somebody", Method: "api", Reliability: "direct_api",
		},
	}
}

// record makes a record; payload is the text of its only field.
func record(kind, key, group, payload string) evidence.Record {
	return evidence.Record{
		Kind: kind, Major: 1, Subject: evidence.Subject{Type: "thing", ID: "thing of " + key}, Key: key, Group: group,
		URL: "https://example.test/" + key, CollectedAt: base.Add(time.Hour),
		Payload: json.RawMessage(fmt.Sprintf(`{"text":%q}`, payload)),
	}
}

func closing(id string, status evidence.RunStatus, kinds map[string]evidence.KindRead, seen ...string) *store.RunClose {
	return &store.RunClose{
		Run:  evidence.Run{ID: id, FinishedAt: base.Add(2 * time.Hour), Status: status, Kinds: kinds},
		Seen: func(_, key, _ string) bool { return slices.Contains(seen, key) },
	}
}

var whole = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}

// collect reads a sequence to its end.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// brief is evidence as tests compare it.
type brief struct {
	Source, Key, Text string
	Revision          int
	Gone              bool
}

func (f *fixture) evidence(q store.EvidenceQuery) []brief {
	f.t.Helper()
	q.Payloads = true
	var out []brief
	last := int64(-1)
	for _, ev := range collect(f.t, f.s.Evidence(f.t.Context(), q)) {
		if ev.Seq <= last {
			f.t.Errorf("evidence at %d comes after %d", ev.Seq, last)
		}
		last = ev.Seq
		var p struct{ Text string }
		if ev.Payload != nil {
			if err := json.Unmarshal(ev.Payload, &p); err != nil {
				f.t.Fatal(err)
			}
		}
		out = append(out, brief{ev.Source, ev.Key, p.Text, ev.Revision, !ev.GoneAt.IsZero()})
	}
	return out
}

func (f *fixture) want(what string, got, want any) {
	f.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		f.t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

type counts = map[string]int64

func (f *fixture) wantCounts(r store.Receipt, added, revised, unchanged, gone int64) {
	f.t.Helper()
	sum := func(m counts) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	f.want("new, revised, unchanged, gone",
		[]int64{sum(r.New), sum(r.Revised), sum(r.Unchanged), sum(r.Gone)}, []int64{added, revised, unchanged, gone})
}

// fill appends a little of everything, and leaves run "open" open with group
// g0 of three live keys. Source c is at rest, with cursors and validators.
func fill(f *fixture) {
	f.t.Helper()
	var recs []evidence.Record
	for i := range 40 {
		recs = append(recs, record([]string{"k", "l"}[i%2], fmt.Sprintf("key %d", i), fmt.Sprintf("g%d", i/3), fmt.Sprint(i%7)))
	}
	recs[5].EventTime, recs[6].Period = base.Add(-time.Hour), &evidence.Period{From: base, To: base.Add(time.Hour)}
	f.append(store.Batch{Open: open("r1", "a"), Records: recs[:30], State: []store.StateChange{{Key: "v", Value: json.RawMessage(`{"etag":"x"}`)}}})
	f.append(store.Batch{Run: "r1", Records: recs[10:], Close: closing("r1", evidence.RunComplete, map[string]evidence.KindRead{"k": whole, "l": {Coverage: "partial"}},
		"key 0", "key 2", "key 4", "key 6")})
	f.append(store.Batch{Open: open("open", "a"), Entries: []store.NewEntry{{Type: evidence.EntryAssessment, Body: json.RawMessage(`{"n":1}`)}}, Records: []evidence.Record{
		record("k", "key 4", "", "4 again"), record("k", "key 8", "gx", "8 back"), record("l", "key 1", "g0", "1b"),
	}})
	imported := open("imp", "b")
	imported.Provenance.Imported = true
	f.append(store.Batch{Open: imported, Records: []evidence.Record{record("k", "key 0", "g0", "0")}})
	if _, err := f.s.Erase(f.t.Context(), store.Erasure{Payload: evidence.Sum([]byte(`{"text":"5"}`)), By: "x", Reason: "y"}); err != nil {
		f.t.Fatal(err)
	}
	f.append(store.Batch{Open: open("st", "c"), State: []store.StateChange{
		{Cursor: true, Key: "since", Value: json.RawMessage(`"2026-02-02"`)}, {Key: "/b", Value: json.RawMessage(`{"etag":"b"}`)},
		{Key: "/a", Value: json.RawMessage(`{"etag": "a"}`)},
	}, Close: closing("st", evidence.RunComplete, nil)})
}

// content is everything that can be read from a store, but for signatures.
type content struct {
	Evidence []evidence.Evidence
	AsOf     [][]evidence.Evidence
	Runs     []evidence.Run
	Entries  []evidence.Entry
	State    map[string]store.State
	Size     int64
	Root     tlog.Hash
}

func dump(t testing.TB, s store.Store) content {
	t.Helper()
	c := content{
		Evidence: collect(t, s.Evidence(t.Context(), store.EvidenceQuery{Payloads: true})),
		Runs:     collect(t, s.Runs(t.Context(), "")),
		Entries:  collect(t, s.Entries(t.Context(), 0, math.MaxInt64)),
		State:    map[string]store.State{},
	}
	n := int64(len(c.Entries))
	for _, before := range []int64{0, n / 4, n / 2, n - 1} {
		c.AsOf = append(c.AsOf, collect(t, s.Evidence(t.Context(), store.EvidenceQuery{Latest: true, Before: before})))
	}
	for _, source := range []string{"a", "b", "c"} {
		st, err := s.State(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		c.State[source] = st
	}
	msg, err := s.Checkpoint(t.Context())
	if errors.Is(err, store.ErrNoStore) {
		return c
	}
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.UnverifiedCheckpoint(msg)
	if err != nil {
		t.Fatal(err)
	}
	c.Size, c.Root = cp.Size, cp.Root
	return c
}
