package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Finding is an open shortfall: a result that somebody has to act on.
type Finding struct {
	ID          string            `json:"id"` // the same for the same expectation and subject
	Control     string            `json:"control"`
	Expectation string            `json:"expectation"`
	Subject     evidence.Subject  `json:"subject"`
	Status      Status            `json:"status"`
	Severity    string            `json:"severity"`
	Grade       string            `json:"suggested_grade,omitempty"` // major | minor | observation; empty where nothing can be concluded yet
	GradeReason string            `json:"grade_reason"`
	Extent      string            `json:"extent,omitempty"` // isolated | systemic; empty where nothing can be concluded yet
	Reason      string            `json:"reason"`
	Owner       string            `json:"owner"` // empty if nobody is named
	NextStep    string            `json:"next_step"`
	DueAt       *time.Time        `json:"due_at,omitempty"`
	Systems     []string          `json:"systems,omitempty"`
	Evidence    []evidence.Digest `json:"evidence"`
}

// Findings lists the open shortfalls of an assessment: by severity, then by
// due date (what has none comes last), then in the order of the controls.
// What a waiver covers is not open.
func Findings(a *Assessment) []Finding {
	tallies := tally(a.Results)
	out := []Finding{}
	for _, r := range a.Results {
		switch r.Status {
		case StatusSatisfied, StatusWaived, StatusNotApplicable:
			continue
		}
		f := Finding{
			ID: FindingID(r.Expectation, r.Subject), Control: r.Control, Expectation: r.Expectation, Subject: r.Subject, Status: r.Status,
			Severity: r.Severity, Reason: r.Reason, Owner: r.Owner, NextStep: nextStep(r), DueAt: r.DueAt,
			Systems: r.Systems, Evidence: r.Evidence,
		}
		f.Grade, f.GradeReason = grade(r, tallies[r.Expectation])
		f.Extent = extent(r, tallies[r.Expectation])
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(x, y Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities(), x.Severity), slices.Index(severities(), y.Severity)),
			compareDue(x.DueAt, y.DueAt),
		)
	})
	return out
}

// FindingID names a shortfall independently of when it was seen.
func FindingID(expectation string, subject evidence.Subject) string {
	d := evidence.Sum([]byte(expectation + "\n" + subject.Type + "\n" + subject.ID))
	return "F-" + d.String()[:12]
}

func compareDue(x, y *time.Time) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return x.Compare(*y)
}

// nextStep says whose move it is, where the remedy is not the answer.
func nextStep(r *Result) string {
	switch {
	case r.Status == StatusPendingReview:
		return "A second person has to look at the evidence and accept or reject it."
	case r.Status == StatusStale && strings.HasPrefix(r.Reason, ReasonCollectionGap):
		return "Make the source readable again and collect."
	case r.Status == StatusNotAssessed && len(r.Evidence) == 0:
		return "Configure and run a source that delivers the evidence, or import it."
	}
	return r.Remedy
}

// tallied is how an expectation did over its population.
type tallied struct{ total, short, passed int }

func tally(results []*Result) map[string]tallied {
	out := map[string]tallied{}
	for _, r := range results {
		t := out[r.Expectation]
		switch r.Status {
		case StatusNotApplicable:
			continue
		case StatusFailing, StatusMissing:
			t.short++
		case StatusSatisfied:
			t.passed++
		}
		t.total++
		out[r.Expectation] = t
	}
	return out
}

// isolated: fewer than three subjects fall short, and at most a tenth.
func (t tallied) isolated() bool { return t.short < 3 && t.short*10 <= t.total }

// extent says whether a shortfall stands alone.
func extent(r *Result, t tallied) string {
	switch {
	case r.Status != StatusFailing && r.Status != StatusMissing:
		return ""
	case t.isolated():
		return "isolated"
	}
	return "systemic"
}

// grade suggests how a nonconformity would be graded.
func grade(r *Result, t tallied) (suggested, reason string) {
	if r.Status != StatusFailing && r.Status != StatusMissing {
		return "", "no grade: nothing is established yet"
	}
	isolated := t.isolated()
	of := fmt.Sprintf("%d of %d fall short", t.short, t.total)
	switch {
	case r.Severity == "observation":
		return "observation", "an observation, whatever the number"
	case r.Severity == "minor" && isolated:
		return "minor", "isolated: " + of
	case r.Severity == "minor":
		return "major", "not isolated, so perhaps systemic: " + of
	case isolated && r.Tier != "high" && t.passed > 0:
		return "minor", "isolated, not high-risk, and others pass: " + of
	case r.Tier == "high":
		return "major", "a high-risk system is concerned"
	}
	return "major", "not isolated, or no other passes: " + of
}
