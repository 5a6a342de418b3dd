package agent

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// said returns the payloads of a kind that the agent stated, by key.
func said(t *testing.T, c *Collector, kind string) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for ev, err := range c.Store.Evidence(t.Context(), store.EvidenceQuery{Kinds: []string{kind}, Source: SelfSource, Latest: true, Payloads: true}) {
		if err != nil {
			t.Fatal(err)
		}
		var p map[string]any
		if err := json.Unmarshal(ev.Payload, &p); err != nil {
			t.Fatal(err)
		}
		out[ev.Key] = p
	}
	return out
}

func TestCollectSelf(t *testing.T) {
	c := newCollector(t)
	now := time.Now().UTC()
	c.Clock = func() time.Time { return now }
	verified, listed := 0, 0
	self := Self{
		Verify: func(context.Context) (Verification, error) {
			verified++
			return Verification{Started: now, Entries: 7, Kinds: map[string]int64{fakeKind: 2}, Early: []string{}}, nil
		},
		Populations: func(context.Context) ([]PopulationFact, error) {
			listed++
			return []PopulationFact{{Expectation: "a", SubjectType: "x", AsOf: now.Truncate(time.Second), Count: 1, IDs: "00"}}, nil
		},
	}
	observe := func() {
		t.Helper()
		if err := c.CollectSelf(t.Context(), self); err != nil {
			t.Fatal(err)
		}
	}
	run := collect(t, c, fakeSettings{Records: 2})
	observe()
	runs := said(t, c, KindRun)
	if len(runs) != 2 || runs[run.ID]["status"] != "complete" || runs[run.ID]["identity"] != "robot" {
		t.Errorf("runs on record: %v", runs)
	}
	if got := said(t, c, KindProbe); len(got) != 1 {
		t.Errorf("rights on record: %v", got)
	}
	observe() // nothing happened since
	if verified != 1 || listed != 1 || len(said(t, c, KindRun)) != 2 {
		t.Errorf("said again: verified %d times, listed %d times, %d runs", verified, listed, len(said(t, c, KindRun)))
	}
	now = now.Add(selfInterval)
	observe()
	if verified != 2 || listed != 2 || len(said(t, c, KindRun)) != 3 || len(said(t, c, KindPopulation)) != 1 {
		t.Errorf("a day later: verified %d times, listed %d times, %d runs, populations %v", verified, listed, len(said(t, c, KindRun)), said(t, c, KindPopulation))
	}
	now = now.Add(restateAfter)
	observe()
	if got := len(said(t, c, KindPopulation)); got != 2 {
		t.Errorf("a week later %d statements", got)
	}
}

// A store that does not hold is on record as a failed verification.
func TestCollectSelfOfTamperedStore(t *testing.T) {
	c := newCollector(t)
	self := Self{
		Verify: func(context.Context) (Verification, error) {
			return Verification{Entries: 7, Errors: []string{"entry 3: want a, found b"}}, nil
		},
		Populations: func(context.Context) ([]PopulationFact, error) { return nil, nil },
	}
	if err := c.CollectSelf(t.Context(), self); err != nil {
		t.Fatal(err)
	}
	if got := said(t, c, KindRun); len(got) != 1 {
		t.Errorf("on record: %v", got)
	}
	for _, r := range said(t, c, KindRun) {
		if r["status"] != "failed" || r["connector"] != VerifyConnector {
			t.Errorf("on record: %v", r)
		}
	}
	broken := errors.New("disk")
	self.Verify = func(context.Context) (Verification, error) { return Verification{}, broken }
	c.Clock = func() time.Time { return time.Now().Add(2 * selfInterval) }
	if err := c.CollectSelf(t.Context(), self); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestRecordPeople(t *testing.T) {
	c := newCollector(t)
	if err := c.RenewPeople(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs := func() (out []evidence.Run) {
		for r, err := range c.Store.Runs(t.Context(), people.Source) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
		return out
	}
	if got := runs(); len(got) != 0 {
		t.Fatalf("where nobody made a record, %d runs", len(got))
	}
	who := people.Person{ID: "ann", Account: "ann@host", Active: true, Roles: []string{"x"}}
	_, rec, err := people.Policy{}.Request(who, people.Waiver{Expectation: "a", Subject: evidence.Subject{Type: "*", ID: "*"}, Reason: "r", CompensatingControls: "c"},
		time.Now().Add(time.Hour), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.RecordPeople(t.Context(), "ann (ann@host)", MethodCommand, []evidence.Record{rec})
	if err != nil || run.Kinds[people.KindWaiver].Coverage != "complete" || run.Kinds[people.KindWaiver].New != 1 {
		t.Fatalf("%v %+v", err, run)
	}
	if err := c.RenewPeople(t.Context()); err != nil || len(runs()) != 1 {
		t.Errorf("renewed within the hour: %v, %d runs", err, len(runs()))
	}
	c.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if err := c.RenewPeople(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := runs(); len(got) != 2 || got[1].Kinds[people.KindWaiver].Coverage != "complete" || got[1].Kinds[people.KindWaiver].Gone != 0 {
		t.Errorf("after the hour: %+v", got)
	}
	rec.Payload = []byte(`{"waiver_id":7}`)
	if _, err := c.RecordPeople(t.Context(), "ann", MethodCommand, []evidence.Record{rec}); err == nil || len(runs()) != 2 {
		t.Errorf("a record that breaks its kind was taken: %v", err)
	}
}
