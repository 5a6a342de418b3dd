package assess

import (
	"fmt"
	"strings"
)

// controls rolls the results up, one Control for each of the catalog's. ends
// gives, by rule, where its results end.
func (f *finisher) controls(a *Assessment, ends []int) {
	byControl := map[string][]*Result{}
	start := 0
	for i, r := range f.v.s.eng.rules {
		list := a.Results[start:ends[i]:ends[i]]
		if had := byControl[r.Control]; had != nil {
			// Rules of one control follow each other, and so do their results.
			list = a.Results[start-len(had) : ends[i] : ends[i]]
		}
		byControl[r.Control] = list
		start = ends[i]
	}
	for i := range f.v.s.eng.cat.Controls {
		ctl := &f.v.s.eng.cat.Controls[i]
		c := rollUp(byControl[ctl.ID])
		c.ID, c.Title = ctl.ID, ctl.Title
		if why := f.soa.excludes(ctl); why != "" {
			c.Status, c.Reason, c.Applicable = StatusNotApplicable, why, false
		}
		a.Controls = append(a.Controls, c)
	}
}

// rollUp makes a control's status: the worst of its results, those of severity
// observation and those that do not apply left aside.
func rollUp(results []*Result) Control {
	c := Control{Applicable: true, Results: results, Counts: map[Status]int{}}
	if results == nil {
		c.Results = []*Result{}
	}
	worst := rank(StatusNotApplicable)
	var decides *Result
	alike, counted, observed := 0, 0, 0
	for _, r := range results {
		c.Counts[r.Status]++
		if r.Status == StatusNotApplicable {
			continue
		}
		c.Total++
		if r.Status == StatusSatisfied {
			c.Satisfied++
		}
		if r.Severity == "observation" {
			observed++
			continue
		}
		counted++
		if k := rank(r.Status); k < worst {
			worst, decides, alike = k, r, 0
		}
		if decides != nil && r.Status == decides.Status {
			alike++
		}
	}
	switch {
	case decides != nil:
		c.Status = decides.Status
		c.Reason = controlReason(decides, fmt.Sprintf("%d of %d", alike, counted)+aside(observed))
	case observed > 0 && c.Satisfied == c.Total:
		c.Status, c.Reason = StatusSatisfied, fmt.Sprintf("%d of %d observations satisfied; nothing else is expected", c.Satisfied, c.Total)
	case observed > 0:
		c.Status, c.Reason = StatusNotAssessed, "only observations speak for this control, and not all are satisfied"
	case len(results) > 0:
		c.Status, c.Reason = StatusNotApplicable, results[0].Reason
	default:
		c.Status, c.Reason = StatusNotAssessed, "no expectation is defined for this control"
	}
	return c
}

// aside says that the counts of a reason, unlike those of the control, are
// without its observations.
func aside(observed int) string {
	switch observed {
	case 0:
		return ""
	case 1:
		return " (1 observation aside)"
	}
	return fmt.Sprintf(" (%d observations aside)", observed)
}

func controlReason(r *Result, count string) string {
	if r.Status == StatusSatisfied {
		return count + " satisfied"
	}
	words := strings.ReplaceAll(string(r.Status), "_", " ")
	return fmt.Sprintf("%s %s: %s, %s %s: %s", count, words, r.Expectation, r.Subject.Type, r.Subject.ID, r.Reason)
}
