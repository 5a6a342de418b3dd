package storetest

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

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
	page := func(q store.RunQuery) store.RunPage {
		p, err := f.s.RunPage(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f.want("a page", page(store.RunQuery{}), store.RunPage{Runs: []evidence.Run{second, first}})
	f.want("a page of one", page(store.RunQuery{Limit: 1}), store.RunPage{Runs: []evidence.Run{second}, More: true})
	f.want("the next page", page(store.RunQuery{Limit: 1, Before: "r2"}), store.RunPage{Runs: []evidence.Run{first}})
	f.want("a page of a source", page(store.RunQuery{Source: "a", Limit: 1}), store.RunPage{Runs: []evidence.Run{first}})
	f.want("a page of another source's", page(store.RunQuery{Source: "b", Before: "r2"}).Runs, []evidence.Run(nil))
	f.want("a page of no source", len(page(store.RunQuery{Source: "c"}).Runs), 0)
	if _, err := f.s.RunPage(t.Context(), store.RunQuery{Before: "r3"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before a run that is not there: %v", err)
	}
	if _, err := f.s.RunPage(t.Context(), store.RunQuery{Limit: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
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
