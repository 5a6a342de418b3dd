package storetest

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

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
