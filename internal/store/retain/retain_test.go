package retain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
	"github.com/exhibit-aims/exhibit/internal/store/retain"
)

const day = 24 * time.Hour

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type world struct {
	t   *testing.T
	s   *memory.Store
	now time.Time
	n   int
}

func newWorld(t *testing.T) *world {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: begin}
	w.s = memory.New(key.Signer(), func() time.Time { return w.now })
	return w
}

// read makes a run that sees what is given, and nothing else.
func (w *world) read(recs ...evidence.Record) {
	w.t.Helper()
	w.n++
	id := fmt.Sprintf("run %d", w.n)
	for i := range recs {
		recs[i].CollectedAt = w.now
	}
	whole := evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
	_, err := w.s.Append(w.t.Context(), store.Batch{
		Open:    &evidence.Run{ID: id, StartedAt: w.now, Provenance: evidence.Provenance{Source: "s"}},
		Records: recs,
		Close: &store.RunClose{Run: evidence.Run{ID: id, FinishedAt: w.now, Status: evidence.RunComplete, Kinds: map[string]evidence.KindRead{"state": whole, "event": whole}},
			Seen: func(_, key, _ string) bool {
				return slices.ContainsFunc(recs, func(r evidence.Record) bool { return r.Key == key })
			}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func record(kind, key, text string) evidence.Record {
	return evidence.Record{Kind: kind, Key: key, Subject: evidence.Subject{Type: "thing", ID: key}, Payload: json.RawMessage(fmt.Sprintf(`{"text":%q}`, text))}
}

func event(key, text string, at time.Time) evidence.Record {
	r := record("event", key, text)
	r.EventTime = at
	return r
}

// due gives the keys that are due after so many days.
func (w *world) due(p retain.Policy, days int) (keys []string, kept retain.Kept) {
	w.t.Helper()
	plan, err := retain.Make(w.t.Context(), w.s, p, begin.Add(time.Duration(days)*day))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range plan.Due {
		keys = append(keys, d.Key)
	}
	slices.Sort(keys)
	return keys, plan.Kept
}

func policy() retain.Policy {
	return retain.Policy{Of: func(kind string) time.Duration {
		return map[string]time.Duration{"state": 100 * day, "event": 200 * day}[kind]
	}}
}

// TestPlan follows payloads through their lives.
func TestPlan(t *testing.T) {
	w := newWorld(t)
	w.read(record("state", "live", "1"), record("state", "revised", "2"), record("state", "leaves", "3"), event("once", "4", begin.Add(-50*day)), record("forever", "f", "5"))
	w.now = begin.Add(10 * day)
	w.read(record("state", "live", "1"), record("state", "revised", "2b"), event("once", "4", begin.Add(-50*day)))
	for _, c := range []struct {
		days int
		want []string
		kept retain.Kept
	}{
		{109, nil, retain.Kept{InUse: 1}},
		{110, []string{"leaves", "revised"}, retain.Kept{InUse: 2}},
		{199, []string{"leaves", "revised"}, retain.Kept{InUse: 2}},
		{200, []string{"leaves", "once", "revised"}, retain.Kept{InUse: 2}},
		{5000, []string{"leaves", "once", "revised"}, retain.Kept{InUse: 2}},
	} {
		got, kept := w.due(policy(), c.days)
		if !slices.Equal(got, c.want) || kept != c.kept {
			t.Errorf("after %d days: %v, kept %+v; want %v, %+v", c.days, got, kept, c.want, c.kept)
		}
	}
}

// TestKept keeps what is held, what something rests on, and what shares a
// payload with either.
func TestKept(t *testing.T) {
	w := newWorld(t)
	w.read(event("a", "a", begin), event("b", "b", begin), event("c", "c", begin), event("d", "same", begin), record("state", "e", "same"), event("f", "f", begin))
	var b evidence.Digest
	for ev, err := range w.s.Evidence(t.Context(), store.EvidenceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Key == "b" {
			b = ev.Digest
		}
	}
	p := policy()
	p.HoldSubjects = []evidence.Subject{{Type: "thing", ID: "a"}}
	p.Uses = func(d evidence.Digest) string {
		if d == b {
			return "a result"
		}
		return ""
	}
	got, kept := w.due(p, 1000)
	if !slices.Equal(got, []string{"c", "f"}) || kept != (retain.Kept{Held: 1, RestedOn: 1, InUse: 1}) {
		t.Errorf("due: %v, kept %+v", got, kept)
	}
	p.HoldKinds = []string{"event"}
	if got, _ := w.due(p, 1000); got != nil {
		t.Errorf("a held kind: %v are due", got)
	}
}

// TestErase erases what is due, once, with who and why.
func TestErase(t *testing.T) {
	w := newWorld(t)
	var recs []evidence.Record
	for i := range 1203 {
		recs = append(recs, event(fmt.Sprint(i), fmt.Sprint(i), begin))
	}
	w.read(recs...)
	w.now = begin.Add(300 * day)
	plan, err := retain.Make(t.Context(), w.s, policy(), w.now)
	if err != nil {
		t.Fatal(err)
	}
	n, err := retain.Erase(t.Context(), w.s, plan, "maria", nil)
	if err != nil || n != 1203 {
		t.Fatalf("erased %d: %v", n, err)
	}
	if got, _ := w.due(policy(), 400); got != nil {
		t.Errorf("%d are due again", len(got))
	}
	for e, err := range w.s.Entries(t.Context(), 0, 1<<40, evidence.EntryErasure) {
		if err != nil {
			t.Fatal(err)
		}
		er, err := evidence.ParseErasure(e)
		if err != nil || er.By != "maria" || er.Reason != "retention: last in use 2026-01-01, kept until 2026-07-20" {
			t.Fatalf("%+v, %v", er, err)
		}
	}
}
