package finding_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

const (
	satisfied = assess.StatusSatisfied
	failing   = assess.StatusFailing
	missing   = assess.StatusMissing
	stale     = assess.StatusStale
)

// TestStories: what each assessment of a sequence adds. A step is an
// assessment as of its day; want is the state and the causes of its events.
func TestStories(t *testing.T) {
	type step struct {
		a    *assess.Assessment
		want string
	}
	one := func(asOf, whole int, s assess.Status, reason string) *assess.Assessment {
		return assessed(asOf, whole, result("m", s, reason))
	}
	excluded := one(3, 1, assess.StatusNotApplicable, "excluded")
	excluded.Controls[0].Applicable, excluded.Controls[0].Reason = false, "excluded by the statement"
	excluded.Readings.Applicability = day(2)
	excludedLater := *excluded
	excludedLater.AsOf, excludedLater.Readings.Applicability = day(4), day(3)
	off := assessed(3, 1)
	off.Expectations[0].Off = "not for us"
	dropped := assessed(3, 1)
	dropped.Expectations, dropped.Populations = nil, nil
	incomplete := assessed(3, 3)
	incomplete.Populations[0].Complete = false
	neverWhole := one(3, 1, satisfied, "ok")
	delete(neverWhole.Readings.Expectations, "reviewed")
	gap := assess.ReasonCollectionGap + ": hub silent"
	for name, steps := range map[string][]step{
		"in order from the start": {{one(1, 1, satisfied, "ok"), "none"}},
		"a duty is no shortfall":  {{one(1, 1, assess.StatusDue, "until Friday"), "none"}, {one(9, 9, missing, "not done"), "open opened: missing: not done"}},
		"not applicable":          {{one(1, 1, assess.StatusNotApplicable, "none there"), "none"}},
		"pending review is open":  {{one(1, 1, assess.StatusPendingReview, "one person"), "open opened: pending_review: one person"}},
		"not assessed is open":    {{one(1, 1, "", "nobody looked"), "open opened: not_assessed: nobody looked"}},
		"fixed by a whole reading": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{one(3, 1, failing, "bad, for longer"), "open"},
			{one(4, 4, satisfied, "ok"), "resolved resolved: satisfied: ok, by what was read whole at 2026-03-06T09:00:00Z"},
		},
		"fixed by a partial reading, then by a whole one": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{one(3, 2, satisfied, "ok"), "open changed: status failing → satisfied; satisfied: ok; stays open until all it rests on was read whole after 2026-03-04T09:00:00Z"},
			{one(4, 2, satisfied, "ok"), "open"},
			{one(5, 5, satisfied, "ok"), "resolved resolved: satisfied: ok, by what was read whole at 2026-03-07T09:00:00Z"},
		},
		"a whole reading between two assessments that fell short": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{one(4, 3, failing, "bad"), "open"},
			{one(5, 3, satisfied, "ok"), "open changed: status failing → satisfied; satisfied: ok; stays open until all it rests on was read whole after 2026-03-06T09:00:00Z"},
		},
		"never read whole": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{neverWhole, "open changed: status failing → satisfied; satisfied: ok; stays open until all it rests on was read whole after 2026-03-04T09:00:00Z"},
		},
		"short again before it was resolved": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{one(3, 1, satisfied, "ok"), "open changed: status failing → satisfied; satisfied: ok; stays open until all it rests on was read whole after 2026-03-04T09:00:00Z"},
			{one(4, 4, failing, "bad"), "open changed: status satisfied → failing; failing: bad"},
		},
		"broken again": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{one(3, 3, satisfied, "ok"), "resolved resolved: satisfied: ok, by what was read whole at 2026-03-05T09:00:00Z"},
			{one(4, 4, missing, "gone"), "open reopened: missing: gone (was satisfied)"},
		},
		"looks different": {
			{one(2, 1, stale, "event_window_exceeded: old"), "open opened: stale: event_window_exceeded: old"},
			{one(3, 1, stale, gap), "open changed: reason event_window_exceeded → collection_gap; stale: collection_gap: hub silent"},
			{one(4, 4, missing, "not there"), "open changed: status stale → missing, reason collection_gap → none, grade none → major, extent none → systemic; missing: not there"},
		},
		"a waiver lapses": {
			{assessed(2, 1, waived("m", "W-1")), "waived waived: waived by marek until later; underneath: no review"},
			{assessed(3, 1, waived("m", "W-1")), "waived"},
			{one(4, 1, failing, "no review"), "open reopened: waiver W-1 lapsed: failing: no review"},
		},
		"waived, then lapsed, then fixed": {
			{one(1, 1, failing, "no review"), "open opened: failing: no review"},
			{assessed(2, 1, waived("m", "W-1")), "waived waived: waived by marek until later; underneath: no review"},
			{one(4, 1, failing, "no review"), "open reopened: waiver W-1 lapsed: failing: no review"},
			{one(5, 5, satisfied, "ok"), "resolved resolved: satisfied: ok, by what was read whole at 2026-03-07T09:00:00Z"},
		},
		"fixed while waived": {
			{assessed(2, 1, waived("m", "W-1")), "waived waived: waived by marek until later; underneath: no review"},
			{one(3, 3, satisfied, "ok"), "resolved resolved: satisfied: ok, by what was read whole at 2026-03-05T09:00:00Z"},
		},
		"a waiver covers no gap": {
			{assessed(2, 1, waived("m", "W-1")), "waived waived: waived by marek until later; underneath: no review"},
			{one(3, 1, stale, gap), "open reopened: waiver W-1 does not cover what nobody can tell: stale: collection_gap: hub silent"},
		},
		"another waiver": {
			{assessed(2, 1, waived("m", "W-1")), "waived waived: waived by marek until later; underneath: no review"},
			{assessed(3, 1, waived("m", "W-2")), "waived changed: waiver W-1 → W-2; waived by marek until later; underneath: no review"},
		},
		"left a population that was read whole": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{assessed(3, 3), "resolved resolved: it left the population, read whole at 2026-03-05T09:00:00Z"},
			{one(4, 4, failing, "bad"), "open reopened: failing: bad (was not_applicable)"},
		},
		"left a population that was not read whole": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{assessed(3, 1), "open changed: status failing → not_applicable; no longer in the population; stays open until that was read whole after 2026-03-04T09:00:00Z"},
			{assessed(4, 1), "open"},
			{assessed(5, 3), "resolved resolved: it left the population, read whole at 2026-03-05T09:00:00Z"},
		},
		"left a population with unseen parts": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{incomplete, "open changed: status failing → not_applicable; no longer in the population; stays open until that was read whole after 2026-03-04T09:00:00Z"},
		},
		"excluded": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{excluded, "open changed: status failing → not_applicable; not_applicable: excluded; stays open until all it rests on was read whole after 2026-03-04T09:00:00Z"},
			{&excludedLater, "resolved resolved: not_applicable: excluded, by what was read whole at 2026-03-05T09:00:00Z"},
		},
		"switched off": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{off, "resolved resolved: the expectation is switched off: not for us"},
		},
		"no longer in force": {
			{one(2, 1, failing, "bad"), "open opened: failing: bad"},
			{dropped, "resolved resolved: the expectation reviewed is no longer in force"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := &finding.Book{}
			for i, s := range steps {
				got := []string{"none"}
				events := take(t, b, s.a, policy)
				if lives := b.Lives(); len(lives) > 0 {
					got[0] = string(lives[0].State)
				}
				for _, e := range events {
					got = append(got, fmt.Sprintf("%s: %s", e.Type, e.Cause))
				}
				if d := cmp.Diff(s.want, strings.Join(got, " ")); d != "" {
					t.Errorf("step %d (-want +got):\n%s", i, d)
				}
			}
		})
	}
}

func TestDueAndReopened(t *testing.T) {
	b := &finding.Book{}
	due := func() string {
		if l := lifeOf(t, b, "m"); l.DueAt != nil {
			return l.DueAt.Format(time.DateOnly)
		}
		return "none"
	}
	take(t, b, assessed(0, 0, result("m", failing, "bad")), policy)
	if got := due(); got != "2026-04-01" {
		t.Errorf("due %s, want 30 days after it was opened", got)
	}
	if l := lifeOf(t, b, "m"); l.Overdue(day(30)) || !l.Overdue(day(30).Add(time.Second)) {
		t.Error("overdue is one second after the due date, not before")
	}
	tighter := finding.Policy{Due: map[string]time.Duration{"major": 7 * 24 * time.Hour}}
	events := take(t, b, assessed(1, 1, result("m", failing, "bad")), tighter)
	if got := due(); got != "2026-03-09" || len(events) != 1 || !strings.Contains(events[0].Cause, "due 2026-04-01T09:00:00Z → 2026-03-09T09:00:00Z") {
		t.Errorf("a tighter policy: due %s, %+v", got, events)
	}
	take(t, b, assessed(5, 5, result("m", satisfied, "ok")), tighter)
	take(t, b, assessed(9, 9, result("m", failing, "bad")), tighter)
	l := lifeOf(t, b, "m")
	if got := due(); got != "2026-03-18" || !l.OpenedAt.Equal(day(0)) || len(l.ReopenedAt) != 1 || !l.Since().Equal(day(9)) {
		t.Errorf("reopened: due %s, %+v", got, l)
	}
	take(t, b, assessed(10, 10, waived("m", "W-1")), tighter)
	if got := due(); got != "none" || lifeOf(t, b, "m").Overdue(day(99)) {
		t.Errorf("a waived finding is due %s", got)
	}
	noDue := finding.Policy{Due: map[string]time.Duration{"minor": time.Hour}}
	take(t, b, assessed(12, 10, result("m", failing, "bad")), noDue)
	if got := due(); got != "none" {
		t.Errorf("due %s without a due date for its severity", got)
	}
}

func TestOwners(t *testing.T) {
	active := map[string]bool{"ines": true, "marek": true, "sade": true}
	register := "ines"
	p := finding.Policy{Due: policy.Due,
		Owner:  func(*assess.Result) (string, string) { return register, "system" },
		Active: func(who string) bool { return active[who] }}
	b := &finding.Book{}
	bad := func(day int) []finding.Event {
		return take(t, b, assessed(day, day, result("m", failing, "bad")), p)
	}
	owner := func() string {
		who, from := lifeOf(t, b, "m").OwnedBy()
		return who + "/" + from
	}
	want := func(step, want string) {
		t.Helper()
		if got := owner(); got != want {
			t.Errorf("%s: owner %s, want %s", step, got, want)
		}
	}
	bad(1)
	want("opened", "ines/system")
	register = "marek"
	if events := bad(2); len(events) != 1 || events[0].Type != finding.Reassigned || events[0].Cause != "the register names marek (system)" {
		t.Errorf("%+v", events)
	}
	want("register changed", "marek/system")
	e, err := finding.Assign(lifeOf(t, b, "m"), "sade", "ines", "", day(3))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(e); err != nil {
		t.Fatal(err)
	}
	register = "ines"
	if events := bad(4); len(events) > 0 {
		t.Errorf("a person assigned it: %+v", events)
	}
	want("assigned", "sade/assigned")
	active["sade"] = false
	if events := bad(5); len(events) != 1 || !strings.HasPrefix(events[0].Cause, "sade is not active in the register any more") {
		t.Errorf("%+v", events)
	}
	want("who left", "ines/system")
	register = ""
	bad(6)
	want("nobody", "/")
}

// TestActs: what people do, and what they cannot.
func TestActs(t *testing.T) {
	b := &finding.Book{}
	take(t, b, assessed(1, 1, result("m", failing, "bad"), waived("w", "W-1")), policy)
	l := lifeOf(t, b, "m")
	do := func(e finding.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string) func(finding.Event, error) {
		return func(_ finding.Event, err error) {
			t.Helper()
			if !errors.Is(err, finding.ErrAct) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	refused("no note")(finding.Acknowledge(l, "ines", " ", day(2)))
	refused("a note that cannot be seen")(finding.Acknowledge(l, "ines", "\u200b\u2060", day(2)))
	refused("nobody")(finding.Acknowledge(l, "", "seen", day(2)))
	refused("before it was opened")(finding.Acknowledge(l, "ines", "seen", day(0)))
	refused("a novel")(finding.Acknowledge(l, "ines", strings.Repeat("x", 601), day(2)))
	refused("waived")(finding.Acknowledge(lifeOf(t, b, "w"), "ines", "seen", day(2)))
	refused("unknown grade")(finding.Grade(l, "critical", "ines", "because", day(2)))
	refused("no reason")(finding.Grade(l, "minor", "ines", "", day(2)))
	do(finding.Acknowledge(l, "ines", "we look into it", day(2)))
	refused("twice")(finding.Acknowledge(l, "marek", "me too", day(2)))
	do(finding.Grade(l, "minor", "marek", "one person, one day", day(3)))
	refused("the same grade")(finding.Grade(l, "minor", "marek", "one person, one day", day(3)))
	do(finding.Assign(l, "sade", "ines", "on holiday", day(3)))
	if grade, why := l.GradedAs(); grade != "minor" || why != "one person, one day" || l.State != finding.Noted || l.AcknowledgedBy != "ines" {
		t.Errorf("%s %s, %s by %s", grade, why, l.State, l.AcknowledgedBy)
	}
	if events := take(t, b, assessed(4, 4, result("m", missing, "gone"), waived("w", "W-1")), policy); len(events) != 1 || l.State != finding.Noted {
		t.Errorf("another status leaves it acknowledged: %s, %+v", l.State, events)
	}
	take(t, b, assessed(5, 5, result("m", satisfied, "ok"), waived("w", "W-1")), policy)
	refused("resolved")(finding.Acknowledge(l, "ines", "seen", day(6)))
	take(t, b, assessed(7, 7, result("m", failing, "bad"), waived("w", "W-1")), policy)
	if grade, _ := l.GradedAs(); grade != "major" || l.State != finding.Open || l.AcknowledgedAt != nil || l.Assigned != "" {
		t.Errorf("reopened: what was decided before still holds: %+v", l)
	}
	if n := len(l.History); n != 7 {
		t.Errorf("%d events in the history, want 7: %+v", n, l.History)
	}
}

func TestGradesFollowTheAssessment(t *testing.T) {
	b := &finding.Book{}
	results := []*assess.Result{result("bad", failing, "bad")}
	for i := range 19 {
		results = append(results, result(fmt.Sprint(i), satisfied, "ok"))
	}
	take(t, b, assessed(1, 1, results...), policy)
	if l := lifeOf(t, b, "bad"); l.Grade != "minor" || l.Extent != "isolated" || l.GradeReason != "isolated, not high-risk, and others pass: 1 of 20 fall short" {
		t.Errorf("%+v", l.Facts)
	}
	results[1], results[2] = result("0", failing, "bad"), result("1", failing, "bad")
	take(t, b, assessed(2, 2, results...), policy)
	if l := lifeOf(t, b, "bad"); l.Grade != "major" || l.Extent != "systemic" || l.GradeReason != "not isolated, or no other passes: 3 of 20 fall short" {
		t.Errorf("%+v", l.Facts)
	}
	results[0] = result("bad", stale, "event_window_exceeded: old")
	take(t, b, assessed(3, 3, results...), policy)
	if l := lifeOf(t, b, "bad"); l.Grade != "major" {
		t.Errorf("what nobody can tell took back a grade: %+v", l.Facts)
	}
}

func TestHowAWaiverEnded(t *testing.T) {
	b := &finding.Book{}
	p := finding.Policy{Ended: func(id string) string { return "was revoked" }}
	take(t, b, assessed(1, 1, waived("m", "W-1")), p)
	take(t, b, assessed(2, 1, result("m", failing, "bad")), p)
	if l := lifeOf(t, b, "m"); l.History[1].Cause != "waiver W-1 was revoked: failing: bad" {
		t.Errorf("%+v", l.History[1])
	}
}

func TestPast(t *testing.T) {
	b := &finding.Book{}
	take(t, b, assessed(5, 5, result("m", failing, "bad")), policy)
	if _, err := finding.Update(b, assessed(4, 4, result("m", satisfied, "ok")), policy); !errors.Is(err, finding.ErrPast) {
		t.Errorf("an assessment of the past: %v", err)
	}
}

// TestApplyRefuses: an event cannot stand before what begins the finding.
func TestApplyRefuses(t *testing.T) {
	b := &finding.Book{}
	for _, typ := range []finding.EventType{finding.Resolved, finding.Acknowledged, finding.Opened, "other"} {
		if err := b.Apply(finding.Event{Finding: "F-1", Type: typ, At: day(1)}); err == nil {
			t.Errorf("%s without a beginning was applied", typ)
		}
	}
}

func TestBodies(t *testing.T) {
	b := &finding.Book{}
	var results []*assess.Result
	for i := range finding.MaxEvents + 1 {
		results = append(results, result(fmt.Sprint(i), failing, "bad"))
	}
	events, err := finding.Update(b, assessed(1, 1, results...), policy)
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := finding.Bodies(events)
	if err != nil || len(bodies) != 2 {
		t.Fatalf("%d bodies, %v", len(bodies), err)
	}
	var back []finding.Event
	for _, raw := range bodies {
		part, err := finding.ParseBody(raw)
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, part...)
	}
	if d := cmp.Diff(events, back); d != "" {
		t.Error(d)
	}
	events[3].At = day(9)
	if _, err := finding.Bodies(events); err == nil {
		t.Error("events of two instants in one entry")
	}
	if _, err := finding.ParseBody([]byte(`[]`)); err == nil {
		t.Error("a list is no body")
	}
}
