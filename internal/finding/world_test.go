package finding_test

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

// result is a result of the expectation "reviewed" about a model.
func result(id string, s assess.Status, reason string) *assess.Result {
	return &assess.Result{Expectation: "reviewed", Control: "A.6", Subject: evidence.Subject{Type: "model", ID: id}, Status: s,
		Reason: reason, Severity: "major", Systems: []string{"triage"}, Owner: "ines"}
}

func waived(id, waiver string) *assess.Result {
	r := result(id, assess.StatusWaived, "waived by marek until later; underneath: no review")
	r.Underlying, r.Waiver = assess.StatusFailing, waiver
	return r
}

// assessed is an assessment as of a day whose only expectation was last read
// whole on another.
func assessed(asOf, whole int, results ...*assess.Result) *assess.Assessment {
	return assessedAt(day(asOf), day(whole), results...)
}

func assessedAt(asOf, whole time.Time, results ...*assess.Result) *assess.Assessment {
	return &assess.Assessment{
		AsOf: asOf, Checkpoint: assess.Checkpoint{Size: asOf.Unix(), Root: "r"}, Results: results,
		Controls:     []assess.Control{{ID: "A.6", Applicable: true}},
		Expectations: []assess.InForce{{Slug: "reviewed", Control: "A.6"}},
		Populations:  []assess.Population{{Expectation: "reviewed", SubjectType: "model", Complete: true}},
		Readings:     assess.Readings{Expectations: map[string]time.Time{"reviewed": whole}},
	}
}

var policy = finding.Policy{Due: map[string]time.Duration{"major": 30 * 24 * time.Hour, "minor": 90 * 24 * time.Hour}}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// take brings an assessment into a book and returns its events.
func take(t fataler, b *finding.Book, a *assess.Assessment, p finding.Policy) []finding.Event {
	t.Helper()
	events, err := finding.Update(b, a, p)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := b.Apply(events...); err != nil {
		t.Fatalf("%v", err)
	}
	b.Mark(a.AsOf)
	return events
}

func lifeOf(t testing.TB, b *finding.Book, id string) *finding.Life {
	t.Helper()
	l, ok := b.Life(assess.FindingID("reviewed", evidence.Subject{Type: "model", ID: id}))
	if !ok {
		t.Fatalf("no finding about %s", id)
	}
	return l
}
