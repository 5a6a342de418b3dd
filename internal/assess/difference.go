package assess

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// pair walks two ordered lists together: f is called for each element of
// either, with nil where the other list has none.
func pair[T any](a, b []T, order func(*T, *T) int, f func(before, after *T)) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0, len(a) > 0 && order(&a[0], &b[0]) < 0:
			f(&a[0], nil)
			a = a[1:]
		case len(a) == 0, order(&a[0], &b[0]) > 0:
			f(nil, &b[0])
			b = b[1:]
		default:
			f(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}

func compareControls(a, b Moment) []ControlChange {
	was := map[string]*Control{}
	for i := range a.Assessment.Controls {
		was[a.Assessment.Controls[i].ID] = &a.Assessment.Controls[i]
	}
	out := []ControlChange{}
	for i := range b.Assessment.Controls {
		c := &b.Assessment.Controls[i]
		change := ControlChange{ID: c.ID, Title: c.Title, After: Side{c.Status, c.Reason}}
		if w := was[c.ID]; w != nil {
			change.Before = Side{w.Status, w.Reason}
		}
		if change.Before.Status != change.After.Status {
			out = append(out, change)
		}
		delete(was, c.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(was)) {
		out = append(out, ControlChange{ID: id, Title: was[id].Title, Before: Side{was[id].Status, was[id].Reason}})
	}
	return out
}

// byExpectation groups results, which keep their order.
func byExpectation(list []*Result) map[string][]*Result {
	out := map[string][]*Result{}
	for _, r := range list {
		out[r.Expectation] = append(out[r.Expectation], r)
	}
	return out
}

// compareResults lists what is different, by expectation and subject.
func compareResults(a, b Moment) []ResultChange {
	out := []ResultChange{}
	was, is := byExpectation(a.Assessment.Results), byExpectation(b.Assessment.Results)
	slugs := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(slugs)
	order := func(x, y **Result) int { return compareSubjects((*x).Subject, (*y).Subject) }
	for _, slug := range slices.Compact(slugs) {
		pair(was[slug], is[slug], order, func(before, after **Result) {
			if before != nil && after != nil && alike(*before, *after) {
				return
			}
			out = append(out, resultChange(before, after))
		})
	}
	return out
}

func alike(a, b *Result) bool {
	return a.Status == b.Status && a.Underlying == b.Underlying && a.Waiver == b.Waiver && staleReason(a) == staleReason(b)
}

func staleReason(r *Result) string {
	if r.Status != StatusStale {
		return ""
	}
	reason, _, _ := strings.Cut(r.Reason, ":")
	return reason
}

func resultChange(before, after **Result) ResultChange {
	var c ResultChange
	if before != nil {
		r := *before
		c = ResultChange{Expectation: r.Expectation, Control: r.Control, Subject: r.Subject, Systems: r.Systems, Before: Side{r.Status, r.Reason}}
	}
	if after != nil {
		r := *after
		c.Expectation, c.Control, c.Subject, c.After = r.Expectation, r.Control, r.Subject, Side{r.Status, r.Reason}
		c.Systems = unionText(c.Systems, r.Systems)
	}
	return c
}

func compareRecords(a, b Moment) []RecordChange {
	out := []RecordChange{}
	pair(a.Declared, b.Declared, func(x, y *Declared) int { return compareDeclared(*x, *y) }, func(before, after *Declared) {
		if before != nil && after != nil && before.Digest == after.Digest {
			return
		}
		var c RecordChange
		for _, side := range []struct {
			d  *Declared
			at **evidence.Digest
		}{{before, &c.Before}, {after, &c.After}} {
			if side.d != nil {
				digest := side.d.Digest
				c.Kind, c.Subject, c.Key, c.Source = side.d.Kind, side.d.Subject, side.d.Key, side.d.Source
				*side.at = &digest
			}
		}
		out = append(out, c)
	})
	return out
}

func compareWaivers(a, b Moment) []WaiverChange {
	out := []WaiverChange{}
	order := func(x, y *ValidWaiver) int {
		return cmp.Or(strings.Compare(x.ID, y.ID), strings.Compare(x.Expectation, y.Expectation), compareSubjects(x.Subject, y.Subject))
	}
	pair(a.Waivers, b.Waivers, order, func(before, after *ValidWaiver) {
		if before != nil && after != nil && *before == *after {
			return
		}
		c := WaiverChange{Before: before, After: after}
		if after != nil {
			c.ID = after.ID
		} else {
			c.ID = before.ID
		}
		out = append(out, c)
	})
	return out
}

// compareApplicability lists the controls that are excluded at one instant and
// not at the other, or for another reason.
func compareApplicability(a, b Moment) []ControlChange {
	out := []ControlChange{}
	side := func(m Moment, id string) Side {
		if why, ok := m.Applicability.Excluded[id]; ok {
			return Side{StatusNotApplicable, why}
		}
		return Side{}
	}
	for i := range b.Assessment.Controls {
		c := &b.Assessment.Controls[i]
		change := ControlChange{ID: c.ID, Title: c.Title, Before: side(a, c.ID), After: side(b, c.ID)}
		if change.Before != change.After {
			out = append(out, change)
		}
	}
	return out
}

func compareExpectations(a, b Moment) []ExpectationChange {
	out := []ExpectationChange{}
	bySlug := func(list []InForce) []InForce {
		list = slices.Clone(list)
		slices.SortFunc(list, func(x, y InForce) int { return strings.Compare(x.Slug, y.Slug) })
		return list
	}
	order := func(x, y *InForce) int { return strings.Compare(x.Slug, y.Slug) }
	pair(bySlug(a.Assessment.Expectations), bySlug(b.Assessment.Expectations), order, func(before, after *InForce) {
		var c ExpectationChange
		if before != nil {
			c.Slug, c.Before = before.Slug, inWords(before)
		}
		if after != nil {
			c.Slug, c.After = after.Slug, inWords(after)
		}
		if c.Before != c.After {
			out = append(out, c)
		}
	})
	return out
}

func inWords(f *InForce) string {
	if f.Off != "" {
		return "switched off: " + f.Off
	}
	return f.Severity + ", " + f.Thresholds()
}

// comparePopulations counts who came and who left where the members differ.
func comparePopulations(a, b Moment, results []ResultChange) []PopulationChange {
	came, left := map[string]int{}, map[string]int{}
	for _, r := range results {
		if strings.HasPrefix(r.Subject.ID, "(") { // stands for no subject
			continue
		}
		if r.Came() {
			came[r.Expectation]++
		}
		if r.Left() {
			left[r.Expectation]++
		}
	}
	was := map[string]Population{}
	for _, p := range a.Assessment.Populations {
		was[p.Expectation] = p
	}
	out := []PopulationChange{}
	for _, p := range b.Assessment.Populations {
		if w := was[p.Expectation]; w.IDs != p.IDs {
			out = append(out, PopulationChange{Expectation: p.Expectation, Before: w.Count, After: p.Count, Came: came[p.Expectation], Left: left[p.Expectation]})
		}
	}
	return out
}

func compareRuns(a, b Moment) []RunChange {
	out := []RunChange{}
	pair(a.RunsEnded, b.RunsEnded, func(x, y *RunsOfASource) int { return strings.Compare(x.Source, y.Source) }, func(before, after *RunsOfASource) {
		var c RunChange
		if after != nil {
			c = RunChange{after.Source, after.Complete, after.Partial, after.Failed}
		}
		if before != nil {
			c = RunChange{before.Source, c.Complete - before.Complete, c.Partial - before.Partial, c.Failed - before.Failed}
		}
		if c != (RunChange{Source: c.Source}) {
			out = append(out, c)
		}
	})
	return out
}
