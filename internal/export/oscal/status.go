package oscal

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// States and reasons of a finding's target.
const (
	satisfied    = "satisfied"
	notSatisfied = "not-satisfied"
)

// verdict is what OSCAL can say of an objective or control. The zero verdict
// says nothing: no finding is written.
type verdict struct{ state, reason string }

func (v verdict) established() bool { return v.state != "" }

// verdictOf says what a result establishes by itself.
func verdictOf(r *assess.Result) verdict {
	switch r.Status {
	case assess.StatusSatisfied:
		return verdict{satisfied, "pass"}
	case assess.StatusFailing, assess.StatusMissing:
		if r.Severity != "observation" {
			return verdict{notSatisfied, "fail"}
		}
	case assess.StatusStale:
		if r.Severity != "observation" && outlived(r) {
			return verdict{notSatisfied, "other"}
		}
	}
	return verdict{}
}

// outlived reports whether a stale result is one about the evidence itself:
// too old, or of before a change. That nobody could read a source, or a reason
// that is not known, establishes nothing.
func outlived(r *assess.Result) bool {
	return strings.HasPrefix(r.Reason, assess.ReasonEventWindow) || strings.HasPrefix(r.Reason, assess.ReasonInvalidated)
}

// worst is the order in which one status outweighs another.
var worst = [...]assess.Status{
	assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale,
	assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived, assess.StatusSatisfied, assess.StatusNotApplicable,
}

// weight is a status's place in that order; what is unknown is not assessed.
func weight(s assess.Status) int {
	if i := slices.Index(worst[:], s); i >= 0 {
		return i
	}
	return slices.Index(worst[:], assess.StatusNotAssessed)
}

// objective is what becomes of an expectation over its subjects: the worst
// status, and what it establishes.
type objective struct {
	status  assess.Status
	verdict verdict
	decides []*assess.Result // that make the verdict
	counts  map[assess.Status]int
	total   int // that apply
}

// foldAll takes results of any expectations together: those of severity
// observation count, and worsen nothing, as in a control's status.
func foldAll(results []*assess.Result) objective {
	o := fold(slices.DeleteFunc(slices.Clone(results), func(r *assess.Result) bool { return r.Severity == "observation" }))
	for _, r := range results {
		if r.Severity == "observation" {
			o.add(r)
		}
	}
	if o.status == assess.StatusNotApplicable && o.total > 0 {
		o.status = assess.StatusNotAssessed
		if o.counts[assess.StatusSatisfied] == o.total {
			o.status = assess.StatusSatisfied
		}
	}
	return o
}

// add counts a result.
func (o *objective) add(r *assess.Result) {
	st := worst[weight(r.Status)]
	o.counts[st]++
	if st != assess.StatusNotApplicable {
		o.total++
	}
}

// fold takes the results of one expectation together.
func fold(results []*assess.Result) objective {
	o := objective{status: assess.StatusNotApplicable, counts: map[assess.Status]int{}}
	for _, r := range results {
		o.add(r)
		if st := worst[weight(r.Status)]; weight(st) < weight(o.status) {
			o.status = st
		}
	}
	for _, r := range results {
		if v := verdictOf(r); r.Status == o.status && v.established() {
			o.verdict = v
			o.decides = append(o.decides, r)
		}
	}
	if o.verdict.state != notSatisfied {
		return o
	}
	for _, r := range results { // what also falls short belongs to the finding
		if v := verdictOf(r); v.state == notSatisfied && r.Status != o.status {
			o.decides = append(o.decides, r)
		}
	}
	return o
}

// controlVerdict is what a control's status establishes: never more than the
// status says, and, where it is stale, only if evidence was outlived.
func controlVerdict(c *assess.Control) verdict {
	if !c.Applicable {
		return verdict{}
	}
	switch c.Status {
	case assess.StatusSatisfied:
		return verdict{satisfied, "pass"}
	case assess.StatusFailing, assess.StatusMissing:
		return verdict{notSatisfied, "fail"}
	case assess.StatusStale:
		for _, r := range c.Results {
			if r.Status == assess.StatusStale && verdictOf(r).established() {
				return verdict{notSatisfied, "other"}
			}
		}
	}
	return verdict{}
}

// shortfall reports whether a result is on the POA&M: it falls short, whether
// or not a waiver covers it.
func shortfall(r *assess.Result) bool {
	switch r.Status {
	case assess.StatusFailing, assess.StatusMissing, assess.StatusStale, assess.StatusWaived:
		return true
	}
	return false
}
