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
		{"state", testState},
		{"entries", testEntries},
		{"runs", testRuns},
		{"bad batches leave nothing", testBadBatches},
		{"erasure", testErasure},
		{"reindex", testReindex},
		{"proofs", testProofs},
		{"clock going back", testClock},
		{"sequences stop", testStop},
		{"readers beside a writer", testReaders},
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

func testEmpty(t *testing.T, open Open) {
	f := newFixture(t, open)
	if _, err := f.s.Checkpoint(t.Context()); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("Checkpoint of an empty ledger: %v, want ErrNoStore", err)
	}
	if _, err := f.s.Payload(t.Context(), evidence.Sum([]byte("x"))); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Payload: %v, want ErrNotFound", err)
	}
	f.want("evidence", f.evidence(store.EvidenceQuery{}), []brief(nil))
	f.want("evidence of unknown names", f.evidence(store.EvidenceQuery{Kinds: []string{"no"}, Source: "no", Run: "no"}), []brief(nil))
	f.want("runs", collect(t, f.s.Runs(t.Context(), "")), []evidence.Run(nil))
	f.want("entries", collect(t, f.s.Entries(t.Context(), 0, math.MaxInt64)), []evidence.Entry(nil))
	st, err := f.s.State(t.Context(), "nobody")
	if err != nil {
		t.Fatal(err)
	}
	f.want("state", st, store.State{Cursors: map[string]string{}, Validators: map[string]json.RawMessage{}})
	if err := f.s.Reindex(t.Context(), nil); err != nil {
		t.Errorf("Reindex of an empty store: %v", err)
	}
	r := f.append(store.Batch{})
	f.want("receipt of an empty batch", []int64{r.First, r.Next}, []int64{0, 0})
}

func testLifecycle(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	r := f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{
		record("k", "one", "", "1"), record("k", "two", "", "2"), record("k", "three", "", "3"),
	}})
	f.wantCounts(r, 3, 0, 0, 0)
	f.want("positions", []int64{r.First, r.Next}, []int64{0, 4})
	c, err := ledger.UnverifiedCheckpoint(r.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	f.want("size of the checkpoint", c.Size, int64(4))
	r = f.append(store.Batch{Run: "r1", Close: closing("r1", evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, "one", "two", "three")})
	f.wantCounts(r, 0, 0, 0, 0)

	before := f.append(store.Batch{}).Next
	r = f.append(store.Batch{Open: open("r2", "a"), Records: []evidence.Record{record("k", "one", "", "1"), record("k", "two", "", "zwei")}})
	f.wantCounts(r, 0, 1, 1, 0)
	r = f.append(store.Batch{Close: closing("r2", evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, "one", "two")})
	f.wantCounts(r, 0, 0, 0, 1)
	f.want("latest", f.evidence(store.EvidenceQuery{Latest: true}), []brief{
		{"a", "one", "1", 1, false}, {"a", "three", "3", 1, true}, {"a", "two", "zwei", 2, false},
	})
	f.want("latest as of the first run", f.evidence(store.EvidenceQuery{Latest: true, Before: before}), []brief{
		{"a", "one", "1", 1, false}, {"a", "two", "2", 1, false}, {"a", "three", "3", 1, false},
	})

	// What was gone and is back is a new revision, though it is as it was.
	r = f.append(store.Batch{Open: open("r3", "a"), Records: []evidence.Record{record("k", "three", "", "3")}})
	f.wantCounts(r, 0, 1, 0, 0)
	f.append(store.Batch{Close: closing("r3", evidence.RunPartial, map[string]evidence.KindRead{"k": {Coverage: "partial", Enumerated: true}})})
	f.want("all", f.evidence(store.EvidenceQuery{}), []brief{
		{"a", "one", "1", 1, false}, {"a", "two", "2", 1, false}, {"a", "three", "3", 1, true},
		{"a", "two", "zwei", 2, false}, {"a", "three", "3", 2, false},
	})
	got := f.verify()
	f.want("verified", []int64{got.Entries, got.Evidence, got.Runs, got.Payloads}, []int64{12, 5, 3, 4})
}

func testSources(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{record("k", "x", "g", "of a")}})
	r := f.append(store.Batch{Open: open("r2", "b"), Records: []evidence.Record{record("k", "x", "g", "of b"), record("l", "x", "g", "l")}})
	f.wantCounts(r, 2, 0, 0, 0)
	// Nothing of source a is seen by a complete run of source b.
	r = f.append(store.Batch{Close: closing("r2", evidence.RunComplete, map[string]evidence.KindRead{"k": whole})})
	f.wantCounts(r, 0, 0, 0, 1)
	f.want("latest", f.evidence(store.EvidenceQuery{Latest: true}), []brief{
		{"a", "x", "of a", 1, false}, {"b", "x", "of b", 1, true}, {"b", "x", "l", 1, false},
	})
	f.verify()
}

func testTwice(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	r := f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{
		record("k", "x", "", "1"), record("k", "x", "", "1"), record("k", "x", "", "2"), record("k", "x", "", "1"), record("k", "y", "", "1"),
	}})
	f.wantCounts(r, 2, 2, 1, 0)
	f.want("all", f.evidence(store.EvidenceQuery{}), []brief{
		{"a", "x", "1", 1, false}, {"a", "x", "2", 2, false}, {"a", "x", "1", 3, false}, {"a", "y", "1", 1, false},
	})
	f.want("latest", f.evidence(store.EvidenceQuery{Latest: true}), []brief{{"a", "x", "1", 3, false}, {"a", "y", "1", 1, false}})
	f.verify()
}

func testRevision(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{record("k", "x", "", "1")}})
	for _, c := range []struct {
		name    string
		change  func(r *evidence.Record)
		revised bool
	}{
		{"nothing", func(*evidence.Record) {}, false},
		{"spelling of the payload", func(r *evidence.Record) { r.Payload = json.RawMessage(` { "text" : "\u0031" } `) }, false},
		{"event time", func(r *evidence.Record) { r.EventTime = base.Add(time.Minute) }, false},
		{"collected at", func(r *evidence.Record) { r.CollectedAt = base.Add(48 * time.Hour) }, false},
		{"url", func(r *evidence.Record) { r.URL = "https://example.test/elsewhere" }, false},
		{"subject", func(r *evidence.Record) { r.Subject.ID = "another" }, true},
		{"major", func(r *evidence.Record) { r.Major = 2 }, true},
		{"period", func(r *evidence.Record) { r.Period = &evidence.Period{From: base, To: base.Add(time.Hour)} }, true},
		{"payload", func(r *evidence.Record) { r.Payload = json.RawMessage(`{"text":"2"}`) }, true},
	} {
		// Each change is followed by the way back, which is as much a change.
		for _, change := range []func(*evidence.Record){c.change, func(*evidence.Record) {}} {
			rec := record("k", "x", "", "1")
			change(&rec)
			r := f.append(store.Batch{Run: "r1", Records: []evidence.Record{rec}})
			if got := r.Revised["k"] == 1; got != c.revised {
				t.Errorf("%s: revised is %v, want %v", c.name, got, c.revised)
			}
			if grew := r.Next > r.First; grew != c.revised {
				t.Errorf("%s: the ledger grew: %v, want %v", c.name, grew, c.revised)
			}
		}
	}
	f.verify()
}

func testAttest(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{
		record("k", "1", "g", "1"), record("k", "2", "g", "2"), record("l", "3", "g", "3"), record("k", "4", "h", "4"),
	}})
	r := f.append(store.Batch{Run: "r1", Attest: []store.Attestation{{Group: "g", Count: 3}, {Group: "h", Count: 1}, {Group: "never", Count: 0}}})
	f.want("unchanged", r.Unchanged, counts{"k": 3, "l": 1})
	f.want("positions", []int64{r.First, r.Next}, []int64{5, 5})
	for _, bad := range []store.Attestation{{Group: "g", Count: 2}, {Group: "g", Count: 4}, {Group: "no", Count: 1}, {Group: "h", Count: 0}} {
		_, err := f.s.Append(t.Context(), store.Batch{
			Run: "r1", Records: []evidence.Record{record("k", "new", "", "new")},
			Attest: []store.Attestation{{Group: "h", Count: 1}, bad},
			State:  []store.StateChange{{Cursor: true, Key: "c", Value: json.RawMessage(`"x"`)}},
		})
		if !errors.Is(err, store.ErrUnknownGroup) {
			t.Errorf("attest %+v: %v, want ErrUnknownGroup", bad, err)
		}
	}
	st, err := f.s.State(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	f.want("cursors after refused batches", st.Cursors, map[string]string{})
	f.want("evidence after refused batches", len(f.evidence(store.EvidenceQuery{})), 4)

	// A group of another source is not this source's.
	_, err = f.s.Append(t.Context(), store.Batch{Open: open("r2", "b"), Attest: []store.Attestation{{Group: "h", Count: 1}}})
	if !errors.Is(err, store.ErrUnknownGroup) {
		t.Errorf("attest another source's group: %v, want ErrUnknownGroup", err)
	}

	// Records of the same batch count, and gone keys do not.
	r = f.append(store.Batch{Run: "r1", Records: []evidence.Record{record("k", "5", "h", "5")}, Attest: []store.Attestation{{Group: "h", Count: 2}}})
	f.wantCounts(r, 1, 0, 2, 0)
	f.append(store.Batch{Close: closing("r1", evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, "1", "2", "5")})
	r = f.append(store.Batch{Open: open("r3", "a"), Attest: []store.Attestation{{Group: "h", Count: 1}, {Group: "g", Count: 3}}})
	f.wantCounts(r, 0, 0, 4, 0)

	// The closing entry has the counts of the whole run.
	runs := collect(t, f.s.Runs(t.Context(), "a"))
	f.want("counts of the run", runs[0].Kinds, map[string]evidence.KindRead{
		"k": {Coverage: "complete", Enumerated: true, IndependentCount: -1, New: 4, Unchanged: 5, Gone: 1},
		"l": {IndependentCount: -1, New: 1, Unchanged: 1},
	})
	f.verify()
}

func testGroups(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{record("k", "1", "g", "1"), record("k", "2", "g", "2")}})
	r := f.append(store.Batch{Run: "r1", Records: []evidence.Record{record("k", "1", "h", "1"), record("k", "2", "", "2")}})
	f.wantCounts(r, 0, 0, 2, 0)
	f.want("entries appended", r.Next-r.First, int64(0))
	r = f.append(store.Batch{Run: "r1", Attest: []store.Attestation{{Group: "g", Count: 0}, {Group: "h", Count: 1}}})
	f.wantCounts(r, 0, 0, 1, 0)
	// A key that moves and changes within one batch.
	f.append(store.Batch{Run: "r1", Records: []evidence.Record{
		record("k", "3", "g", "3"), record("k", "3", "h", "3"), record("k", "1", "h", "eins"), record("k", "1", "g", "eins"),
	}})
	f.append(store.Batch{Run: "r1", Attest: []store.Attestation{{Group: "g", Count: 1}, {Group: "h", Count: 1}}})
	asked := map[string]string{}
	c := closing("r1", evidence.RunComplete, map[string]evidence.KindRead{"k": whole})
	c.Seen = func(_, key, group string) bool {
		asked[key] = group
		return true
	}
	f.append(store.Batch{Close: c})
	f.want("groups that Seen is asked with", asked, map[string]string{"1": "g", "2": "", "3": "h"})
	f.verify()
}

func testQueries(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	mid := f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{
		record("k", "1", "", "1"), record("l", "2", "", "2"), record("m", "3", "", "3"),
	}}).Next
	f.append(store.Batch{Open: open("r2", "b"), Records: []evidence.Record{record("k", "1", "", "b1"), record("m", "4", "", "b4")}})
	f.append(store.Batch{Run: "r1", Records: []evidence.Record{record("k", "1", "", "1b"), record("l", "5", "", "5")}})
	texts := func(q store.EvidenceQuery) (out []string) {
		for _, e := range f.evidence(q) {
			out = append(out, e.Text)
		}
		return out
	}
	for _, c := range []struct {
		name string
		q    store.EvidenceQuery
		want []string
	}{
		{"all", store.EvidenceQuery{}, []string{"1", "2", "3", "b1", "b4", "1b", "5"}},
		{"kind", store.EvidenceQuery{Kinds: []string{"k"}}, []string{"1", "b1", "1b"}},
		{"kinds, in ledger order", store.EvidenceQuery{Kinds: []string{"m", "l", "no such"}}, []string{"2", "3", "b4", "5"}},
		{"kind twice", store.EvidenceQuery{Kinds: []string{"l", "l"}}, []string{"2", "5"}},
		{"unknown kind", store.EvidenceQuery{Kinds: []string{"no such"}}, nil},
		{"source", store.EvidenceQuery{Source: "b"}, []string{"b1", "b4"}},
		{"subject", store.EvidenceQuery{Subject: &evidence.Subject{Type: "thing", ID: "thing of 1"}}, []string{"1", "b1", "1b"}},
		{"subject of another type", store.EvidenceQuery{Subject: &evidence.Subject{Type: "other", ID: "thing of 1"}}, nil},
		{"subject and kind", store.EvidenceQuery{Subject: &evidence.Subject{Type: "thing", ID: "thing of 1"}, Kinds: []string{"l"}}, nil},
		{"run", store.EvidenceQuery{Run: "r1"}, []string{"1", "2", "3", "1b", "5"}},
		{"run and source that do not fit", store.EvidenceQuery{Run: "r1", Source: "b"}, nil},
		{"before", store.EvidenceQuery{Before: mid}, []string{"1", "2", "3"}},
		{"after", store.EvidenceQuery{After: mid}, []string{"b1", "b4", "1b", "5"}},
		{"between", store.EvidenceQuery{After: 2, Before: mid}, []string{"2", "3"}},
		{"latest", store.EvidenceQuery{Latest: true}, []string{"2", "3", "b1", "b4", "1b", "5"}},
		{"latest of kinds", store.EvidenceQuery{Latest: true, Kinds: []string{"m", "k"}}, []string{"3", "b1", "b4", "1b"}},
		{"latest before", store.EvidenceQuery{Latest: true, Before: mid + 2}, []string{"1", "2", "3", "b1"}},
		{"latest of a subject before", store.EvidenceQuery{
			Latest: true, Before: mid, Subject: &evidence.Subject{Type: "thing", ID: "thing of 1"},
		}, []string{"1"}},
		{"latest of a source", store.EvidenceQuery{Latest: true, Source: "a", Kinds: []string{"k"}}, []string{"1b"}},
	} {
		if d := cmp.Diff(c.want, texts(c.q)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	one := collect(t, f.s.Evidence(t.Context(), store.EvidenceQuery{Before: 2}))[0]
	line := collect(t, f.s.Entries(t.Context(), 1, 2))[0].Line
	f.want("everything that a reader gets", one, evidence.Evidence{
		Seq: 1, Digest: evidence.Sum(line), Run: "r1", Source: "a", Kind: "k", Major: 1,
		Subject: evidence.Subject{Type: "thing", ID: "thing of 1"}, Key: "1", Revision: 1, URL: "https://example.test/1",
		CollectedAt: base.Add(time.Hour), PayloadSum: evidence.Sum([]byte(`{"text":"1"}`)), PayloadSize: 12,
	})
}

func testState(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	set := func(cursor bool, key, value string) store.StateChange {
		return store.StateChange{Cursor: cursor, Key: key, Value: json.RawMessage(value)}
	}
	f.append(store.Batch{Open: open("r1", "a"), State: []store.StateChange{
		set(true, "since", `"2026-01-01"`), set(false, "/x", `{"etag":"1"}`), set(true, "x", `"gone soon"`), set(false, "x", `{"etag":"2"}`),
	}})
	f.append(store.Batch{Run: "r1", State: []store.StateChange{set(true, "since", `"2026-02-02"`), set(true, "x", "")}})
	f.append(store.Batch{Open: open("r2", "b"), State: []store.StateChange{set(true, "since", `"of b"`)}})
	got, err := f.s.State(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	f.want("state", got, store.State{
		Cursors:    map[string]string{"since": "2026-02-02"},
		Validators: map[string]json.RawMessage{"/x": json.RawMessage(`{"etag":"1"}`), "x": json.RawMessage(`{"etag":"2"}`)},
	})
}

func testEntries(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{record("k", "1", "", "1")}, Entries: []store.NewEntry{
		{Type: evidence.EntryRegister, Body: json.RawMessage(`{"b":1, "a":[2.50]}`)},
	}})
	f.append(store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, Body: json.RawMessage(`{}`)}, {Type: evidence.EntryWaiver, Body: json.RawMessage(`{"w":true}`)}}})
	types := func(from, to int64, types ...evidence.EntryType) (out []evidence.EntryType) {
		for _, e := range collect(t, f.s.Entries(t.Context(), from, to, types...)) {
			out = append(out, e.Type)
		}
		return out
	}
	all := []evidence.EntryType{"run_opened", "evidence", "register", "export", "waiver"}
	f.want("all", types(0, math.MaxInt64), all)
	f.want("from before the beginning", types(-5, 99), all)
	f.want("a range", types(1, 4), all[1:4])
	f.want("an empty range", types(3, 3), []evidence.EntryType(nil))
	f.want("of two types", types(0, 99, "waiver", "run_opened"), []evidence.EntryType{"run_opened", "waiver"})
	f.want("of types with evidence", types(0, 99, "waiver", "evidence"), []evidence.EntryType{"evidence", "waiver"})
	e := collect(t, f.s.Entries(t.Context(), 2, 3))[0]
	f.want("an entry", e, evidence.Entry{
		Seq: 2, Type: evidence.EntryRegister, At: base.Add(time.Second), Body: json.RawMessage(`{"a":[2.5],"b":1}`),
		Line: []byte(`{"at":"2026-02-03T04:05:07.789012Z","body":{"a":[2.5],"b":1},"type":"register","v":1}`),
	})
	f.verify()
}

func testRuns(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a")})
	f.append(store.Batch{Open: open("r2", "b")})
	c := closing("r1", evidence.RunFailed, map[string]evidence.KindRead{"k": {Coverage: "denied", Since: base, Query: "q", IndependentCount: 7, Seen: 3}})
	c.Run.Error = "token expired"
	c.Run.Gaps = []evidence.Gap{{Kinds: []string{"k"}, Scope: "all", Reason: "denied", Permission: "read", Detail: "ask <somebody>"}}
	c.Run.Calls = evidence.CallCounts{Requests: 3, NotModified: 1, Bytes: 99}
	f.append(store.Batch{Close: c})
	first, second := *open("r1", "a"), *open("r2", "b")
	first.FinishedAt, first.Status, first.Error, first.Gaps, first.Calls = c.Run.FinishedAt, c.Run.Status, c.Run.Error, c.Run.Gaps, c.Run.Calls
	first.Kinds = c.Run.Kinds
	f.want("all", collect(t, f.s.Runs(t.Context(), "")), []evidence.Run{first, second})
	f.want("of a source", collect(t, f.s.Runs(t.Context(), "b")), []evidence.Run{second})
	f.want("of no source", collect(t, f.s.Runs(t.Context(), "c")), []evidence.Run(nil))
	f.verify()
}

func testBadBatches(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{record("k", "1", "", "1")}})
	f.append(store.Batch{Open: open("done", "a"), Close: closing("done", evidence.RunComplete, nil)})
	before := f.append(store.Batch{}).Checkpoint
	rec := func(change func(*evidence.Record)) store.Batch {
		r := record("k", "bad", "", "x")
		change(&r)
		return store.Batch{Run: "r1", Records: []evidence.Record{record("k", "good", "", "good"), r}}
	}
	payload := func(p string) store.Batch {
		return rec(func(r *evidence.Record) { r.Payload = json.RawMessage(p) })
	}
	deep := ""
	for range evidence.MaxDepth + 1 {
		deep += `{"a":`
	}
	for name, b := range map[string]store.Batch{
		"run never opened":            {Run: "no", Records: []evidence.Record{record("k", "x", "", "x")}},
		"records without a run":       {Records: []evidence.Record{record("k", "x", "", "x")}},
		"state without a run":         {State: []store.StateChange{{Key: "x"}}},
		"run opened twice":            {Open: open("r1", "a")},
		"run closed before":           {Run: "done", Records: []evidence.Record{record("k", "x", "", "x")}},
		"run closed again":            {Close: closing("done", evidence.RunComplete, nil)},
		"run of an old id":            {Open: open("done", "a")},
		"two runs":                    {Run: "r1", Open: open("r9", "a")},
		"closes another run":          {Run: "r1", Close: closing("r2", evidence.RunComplete, nil)},
		"close without a status":      {Close: closing("r1", "", nil)},
		"close with a made-up status": {Close: closing("r1", "splendid", nil)},
		"close without a finish":      {Close: &store.RunClose{Run: evidence.Run{ID: "r1", Status: evidence.RunComplete}}},
		"enumerated, nothing seen":    {Close: &store.RunClose{Run: evidence.Run{ID: "r1", Status: evidence.RunComplete, FinishedAt: base, Kinds: map[string]evidence.KindRead{"k": whole}}}},
		"evidence by hand":            {Entries: []store.NewEntry{{Type: evidence.EntryEvidence, Body: json.RawMessage(`{}`)}}},
		"run closed by hand":          {Entries: []store.NewEntry{{Type: evidence.EntryRunClosed, Body: json.RawMessage(`{}`)}}},
		"entry of an unknown type":    {Entries: []store.NewEntry{{Type: "poem", Body: json.RawMessage(`{}`)}}},
		"entry that is no object":     {Entries: []store.NewEntry{{Type: evidence.EntryExport, Body: json.RawMessage(`[1]`)}}},
		"entry of tomorrow":           {Entries: []store.NewEntry{{Type: evidence.EntryExport, At: base.Add(24 * time.Hour), Body: json.RawMessage(`{}`)}}},
		"no key":                      rec(func(r *evidence.Record) { r.Key = "" }),
		"no kind":                     rec(func(r *evidence.Record) { r.Kind = "" }),
		"no subject":                  rec(func(r *evidence.Record) { r.Subject = evidence.Subject{} }),
		"no time":                     rec(func(r *evidence.Record) { r.CollectedAt = time.Time{} }),
		"key with a NUL":              rec(func(r *evidence.Record) { r.Key = "a\x00b" }),
		"key that is not UTF-8":       rec(func(r *evidence.Record) { r.Key = "a\xffb" }),
		"endless key":                 rec(func(r *evidence.Record) { r.Key = string(make([]byte, store.MaxKey+1)) }),
		"period the wrong way round":  rec(func(r *evidence.Record) { r.Period = &evidence.Period{From: base.Add(1e9), To: base} }),
		"payload is no JSON":          payload(`{"a":`),
		"payload is no object":        payload(`"a"`),
		"payload is two":              payload(`{}{}`),
		"payload with a name twice":   payload(`{"a":1,"a":2}`),
		"payload not UTF-8":           payload("{\"a\":\"\xff\"}"),
		"payload with half a pair":    payload(`{"a":"\ud800"}`),
		"payload number too large":    payload(`{"a":9007199254740993}`),
		"payload number too fine":     payload(`{"a":0.12345678901234567890123}`),
		"payload too deep":            payload(deep),
	} {
		if _, err := f.s.Append(t.Context(), b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	after, err := f.s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("checkpoint after refused batches", string(after), string(before))
	f.want("evidence after refused batches", f.evidence(store.EvidenceQuery{}), []brief{{"a", "1", "1", 1, false}})
	f.verify()
}

func testErasure(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r1", "a"), Records: []evidence.Record{
		record("k", "1", "", "secret"), record("k", "2", "", "plain"), record("k", "3", "", "secret"),
	}})
	sum := evidence.Sum([]byte(`{"text":"secret"}`))
	r, err := f.s.Erase(t.Context(), store.Erasure{Payload: sum, By: "dpo@example.test", Reason: "request 7"})
	if err != nil {
		t.Fatal(err)
	}
	f.want("entries appended", r.Next-r.First, int64(1))
	if _, err := f.s.Payload(t.Context(), sum); !errors.Is(err, store.ErrErased) {
		t.Errorf("Payload: %v, want ErrErased", err)
	}
	body, err := f.s.Payload(t.Context(), evidence.Sum([]byte(`{"text":"plain"}`)))
	if err != nil {
		t.Fatal(err)
	}
	f.want("its neighbour", string(body), `{"text":"plain"}`)
	f.want("evidence", f.evidence(store.EvidenceQuery{}), []brief{{"a", "1", "", 1, false}, {"a", "2", "plain", 1, false}, {"a", "3", "", 1, false}})
	for name, e := range map[string]store.Erasure{
		"again":           {Payload: sum, By: "x", Reason: "y"},
		"unknown":         {Payload: evidence.Sum([]byte("z")), By: "x", Reason: "y"},
		"without a name":  {Payload: evidence.Sum([]byte(`{"text":"plain"}`)), Reason: "y"},
		"without a cause": {Payload: evidence.Sum([]byte(`{"text":"plain"}`)), By: "x"},
	} {
		if _, err := f.s.Erase(t.Context(), e); err == nil {
			t.Errorf("erase %s: accepted", name)
		}
	}
	// Read again, it stays erased: as before, and under a new key.
	r = f.append(store.Batch{Run: "r1", Records: []evidence.Record{record("k", "1", "", "secret"), record("k", "4", "", "secret")}})
	f.wantCounts(r, 1, 0, 1, 0)
	if _, err := f.s.Payload(t.Context(), sum); !errors.Is(err, store.ErrErased) {
		t.Errorf("Payload after it was read again: %v, want ErrErased", err)
	}
	if err := f.s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.want("erased, verified", f.verify().Erased, int64(1))
}

func testReindex(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	fill(f)
	before := dump(t, f.s)
	var done, total int64
	if err := f.s.Reindex(t.Context(), func(d, n int64) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	f.want("progress at the end", done, total)
	f.want("everything that can be read", dump(t, f.s), before)
	f.verify()
	r := f.append(store.Batch{Run: "open", Attest: []store.Attestation{{Group: "g0", Count: 3}}})
	f.wantCounts(r, 0, 0, 3, 0)
	f.append(store.Batch{Run: "open", Records: []evidence.Record{record("k", "key 1", "g1", "again")},
		Close: closing("open", evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, "key 1")})
	f.verify()
}

// fill appends a little of everything, and leaves run "open" open with group
// g0 of three live keys.
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
	for _, source := range []string{"a", "b"} {
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
