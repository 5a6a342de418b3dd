package ask

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

const preRelease = "pre-release-evaluation"

// testing answers how a system was tested: what a test must show and since
// when, the test of exactly what was released, results by group, and attacks.
func (w *World) testing(s System) []Part {
	if s.ID == "" {
		return nil
	}
	runs := slices.Clone(w.of("evaluation.run", s.ID))
	slices.SortStableFunc(runs, func(x, y record) int { return x.time("finished_at").Compare(y.time("finished_at")) })
	parts := []Part{w.criteria(s, runs)}
	parts = append(parts, w.released(s)...)
	return append(parts, w.otherRuns(s, runs), w.byGroup(s, runs), w.attacks(s))
}

func (w *World) criteria(s System, runs []record) Part {
	p := Part{Title: "What a test must show"}
	for _, c := range w.of("evaluation.criteria", s.ID) {
		text := fmt.Sprintf("criteria version %s", or(c.text("version"), "unknown"))
		at := c.time("approved_at")
		switch by := c.text("approved_by"); {
		case at.IsZero():
			text += ", not approved"
		case by == "":
			text += ", approved on " + day(at) + ", by whom is not on record"
		default:
			text += ", approved by " + by + " on " + day(at)
		}
		var metrics []string
		for _, m := range c.objects("metrics") {
			metric := m.text("name") + " " + word(m.fields["threshold"])
			if g := m.text("group"); g != "" {
				metric += " for " + g
			}
			metrics = append(metrics, metric)
		}
		if len(metrics) > 0 {
			text += ": " + strings.Join(metrics, ", ")
		}
		f := c.fact(at, text)
		if first, ok := firstTest(c, runs); ok {
			f = beforeTest(f, c, first)
		}
		p.Facts = append(p.Facts, f)
	}
	return p
}

// firstTest returns the first test that names a version of the criteria; of
// tests that name none, the first of the system.
func firstTest(criteria record, runs []record) (record, bool) {
	for _, r := range runs {
		if v := r.text("criteria_version"); v == criteria.text("version") || v == "" {
			return r, true
		}
	}
	return record{}, false
}

func beforeTest(f Fact, criteria, run record) Fact {
	at, begun := criteria.time("approved_at"), run.time("started_at")
	if begun.IsZero() {
		begun = run.time("finished_at")
	}
	first := fmt.Sprintf("the first test on record, %s", or(run.text("run_id"), run.Key))
	if run.text("criteria_version") != "" {
		first += ", which names this version"
	}
	switch {
	case begun.IsZero():
	case at.IsZero():
		f.Text += "; " + first + ", began on " + day(begun)
		f.Mark = Absent
	case at.After(begun):
		f.Text += fmt.Sprintf("; %s after %s", span(at.Sub(begun)), first)
		f.Mark = Late
	default:
		f.Text += fmt.Sprintf("; %s before %s", span(begun.Sub(at)), first)
	}
	return f
}

// released says, for each release, which test there is of exactly that.
func (w *World) released(s System) []Part {
	p := Part{Title: "What was released, and the test of exactly that"}
	for _, r := range w.about(preRelease, s.ID) {
		f := Fact{Text: fmt.Sprintf("%s %s came into use", r.Subject.Type, r.Subject.ID), Subject: r.Subject}.judged(r)
		if r.EventTime != nil {
			f.At = *r.EventTime
		}
		runs := w.rests(r, "evaluation.run")
		if len(runs) == 0 {
			f.Text += ": no test of it on record"
			f.Mark = Absent
			if r.Status == assess.StatusDue {
				f.Mark = Pending
			}
		}
		p.Facts = append(p.Facts, f)
		for _, run := range runs {
			p.Facts = append(p.Facts, runFact(run, f))
		}
	}
	return []Part{p}
}

// runFact says what a test found, and whether before its release.
func runFact(r record, release Fact) Fact {
	text := fmt.Sprintf("test %s of %s by %s", or(r.text("run_id"), r.Key), or(r.text("subject_ref"), "it does not say what"), or(r.text("executor"), "nobody named"))
	switch passed, known := r.yes("passed"); {
	case !known:
		text += ", outcome not on record"
	case passed:
		text += ", passed"
	default:
		text += ", not passed"
	}
	if m := measured(r); m != "" {
		text += ": " + m
	}
	at := r.time("finished_at")
	f := r.fact(at, text)
	if at.IsZero() || release.At.IsZero() {
		return f
	}
	if at.After(release.At) {
		f.Text += fmt.Sprintf("; %s after it came into use", span(at.Sub(release.At)))
		f.Mark = Late
		return f
	}
	f.Text += fmt.Sprintf("; %s before it came into use", span(release.At.Sub(at)))
	return f
}

// measured lists the metrics of a test with their thresholds.
func measured(r record) string {
	metrics, thresholds := r.object("metrics"), r.object("thresholds")
	var out []string
	for _, name := range sortedKeys(metrics.fields) {
		text := name + " " + word(metrics.fields[name])
		if thresholds.has(name) {
			text += " (threshold " + word(thresholds.fields[name]) + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// otherRuns lists the newest tests that no release rests on.
func (w *World) otherRuns(s System, runs []record) Part {
	p := Part{Title: "Other tests"}
	shown := map[string]bool{}
	for _, res := range w.about(preRelease, s.ID) {
		for _, r := range w.rests(res, "evaluation.run") {
			shown[r.Digest.String()] = true
		}
	}
	var rest []record
	for _, r := range runs {
		if !shown[r.Digest.String()] {
			rest = append(rest, r)
		}
	}
	if n := len(rest) - sampleSize; n > 0 {
		p.Note = fmt.Sprintf("the newest %d; %d more are on record", sampleSize, n)
		rest = rest[n:]
	}
	for _, r := range rest {
		p.Facts = append(p.Facts, runFact(r, Fact{}))
	}
	return p
}

// byGroup says what the newest test found for each group that the newest
// criteria name.
func (w *World) byGroup(s System, runs []record) Part {
	p := Part{Title: "Results by group"}
	all := w.of("evaluation.criteria", s.ID)
	if len(all) == 0 || len(runs) == 0 {
		return p
	}
	criteria, run := all[len(all)-1], runs[len(runs)-1]
	for _, m := range criteria.objects("metrics") {
		group, name := m.text("group"), m.text("name")
		if group == "" {
			continue
		}
		text := fmt.Sprintf("%s: %s, threshold %s: ", group, name, word(m.fields["threshold"]))
		value, ok := groupValue(run, name, group)
		f := run.fact(run.time("finished_at"), text+word(value)+" in "+or(run.text("run_id"), run.Key))
		if !ok {
			f = run.fact(run.time("finished_at"), text+"no result in "+or(run.text("run_id"), run.Key)).marked(Absent)
		}
		p.Facts = append(p.Facts, f)
	}
	return p
}

// groupValue finds a metric's value for a group: under the metric's name and
// the group, or by group below the name. The number under the name alone is of
// everybody and says nothing about a group.
func groupValue(run record, name, group string) (any, bool) {
	metrics := run.object("metrics").fields
	if v, ok := metrics[name+"/"+group]; ok && v != nil {
		return v, true
	}
	v, ok := metrics[name]
	if groups, isMap := v.(map[string]any); isMap {
		v, ok = groups[group]
		return v, ok && v != nil
	}
	return v, ok && v != nil && same(group, "all")
}

func (w *World) attacks(s System) Part {
	p := Part{Title: "Attacks on purpose"}
	for _, r := range w.of("evaluation.red_team", s.ID) {
		text := fmt.Sprintf("by %s, scope: %s", or(r.text("performed_by"), "nobody named"), or(r.text("scope"), "none stated"))
		if n, ok := r.number("attempts"); ok {
			text += fmt.Sprintf(", %g attempts", n)
		}
		switch found := r.texts("findings"); {
		case !r.has("findings"):
			text += "; what was found is not on record"
		case len(found) == 0:
			text += "; nothing found"
		default:
			text += "; found: " + strings.Join(found, ", ")
		}
		if keys := r.texts("issue_keys"); len(keys) > 0 {
			text += "; tracked in " + strings.Join(keys, ", ")
		}
		p.Facts = append(p.Facts, r.fact(r.time("performed_at"), text))
	}
	return p
}
