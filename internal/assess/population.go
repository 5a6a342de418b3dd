package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

const notEstablished = "not established"

// population describes the set of subjects of a rule and how it is known to be
// whole.
func (f *finisher) population(r *rule, st standing, results []*Result) Population {
	p := Population{
		Expectation: r.Slug, SubjectType: f.subjectType(r), Count: len(results), IDs: idsDigest(results),
		Complete: f.populationCurrency(r, st).state == current,
	}
	p.Statement = f.statement(r, p)
	if blind := f.blindParts(r); len(blind) > 0 {
		p.Complete = false
		p.Statement += " Not covered: " + strings.Join(blind, ", ") + "."
	}
	return p
}

func (f *finisher) subjectType(r *rule) string {
	for _, p := range r.plans {
		if p.def.Type != "" {
			return p.def.Type
		}
		if p.kind != nil {
			return p.kind.kind.SubjectType
		}
	}
	return organization
}

// populationCurrency says how far the kinds that make up the population, not
// the evidence about it, can be relied on: the worst of them.
func (f *finisher) populationCurrency(r *rule, st standing) currency {
	out := currency{state: current, finished: absent}
	asked, unasked := false, -1 // of the kinds of the population
	for i, n := range r.needs {
		makes := slices.ContainsFunc(r.plans, func(p *plan) bool {
			return p.kind == n.kind || p.usesSystems && n.kind.kind.ID == systemKind || p.chooses(n.kind)
		})
		subjects := slices.ContainsFunc(r.plans, func(p *plan) bool { return p.kind == n.kind })
		if n.optional && st.kinds[i].unasked {
			if subjects {
				unasked = i
			}
			continue
		}
		asked = asked || subjects
		if makes && st.kinds[i].state < out.state {
			out = st.kinds[i]
		}
	}
	if !asked && unasked >= 0 {
		return st.kinds[unasked]
	}
	return out
}

// emptyResult stands for an expectation without subjects: nothing to apply to,
// if all was read; else nobody can tell.
func (f *finisher) emptyResult(r *rule, st standing) *Result {
	res := &Result{
		Expectation: r.Slug, Control: r.Control, Severity: r.Severity, CollectedAt: timeOf(st.finished),
		Evidence: []evidence.Digest{}, LateCapture: st.late,
		Subject: evidence.Subject{Type: f.subjectType(r), ID: "(none)"},
	}
	unknown := "(unknown)"
	if f.isOrganization(r) {
		res.Subject.ID, unknown = f.v.s.eng.org, f.v.s.eng.org
	}
	c := f.populationCurrency(r, st)
	switch {
	case st.excluded != "":
		res.Status, res.Reason, res.Evidence = StatusNotApplicable, st.excluded, st.exclusion
	case c.state == neverRead:
		res.Status, res.Reason = StatusNotAssessed, "it is not known what this applies to: "+c.why
		res.Subject.ID, res.Remedy = unknown, r.Remedy
	case c.state == outdated:
		res.Status, res.Reason = StatusStale, ReasonCollectionGap+": "+c.why
		res.Subject.ID, res.Remedy = unknown, r.Remedy
	default:
		res.Status = StatusNotApplicable
		res.Reason = fmt.Sprintf("nothing to apply to: every %s was read and none is concerned", f.kindWords(r))
		for i := range r.Population {
			if r.Population[i].Empty != "" {
				res.Reason = "nothing to apply to: " + r.Population[i].Empty
			}
		}
	}
	return res
}

// isOrganization reports whether the organisation is all that a rule is about.
func (f *finisher) isOrganization(r *rule) bool {
	return !slices.ContainsFunc(r.plans, func(p *plan) bool { return p.kind != nil })
}

// chooses reports whether records of a joined kind decide what belongs to the
// population.
func (p *plan) chooses(k *kindInfo) bool {
	return p.where != nil && slices.ContainsFunc(p.joins, func(j *join) bool { return j.kind == k && p.where.vars[j.name] })
}

func (f *finisher) kindWords(r *rule) string {
	var out []string
	for _, p := range r.plans {
		if !slices.Contains(out, p.kindID()) {
			out = append(out, p.kindID())
		}
	}
	return strings.Join(out, " and ")
}

// statement writes how the population was obtained. What is not known is said
// to be so.
func (f *finisher) statement(r *rule, p Population) string {
	var parts []string
	for _, pl := range r.plans {
		if pl.kind == nil {
			continue
		}
		parts = append(parts, f.readings(pl)...)
	}
	head := fmt.Sprintf("Population of %s contains %d items.", r.Slug, p.Count)
	if len(parts) == 0 {
		if f.subjectType(r) == organization {
			return head + " The organisation itself is the only item."
		}
		return head + " How it was obtained: " + notEstablished + "."
	}
	return head + " " + strings.Join(parts, " ")
}

// readings describes the last complete reading of a population's kind by each
// source.
func (f *finisher) readings(p *plan) []string {
	id := p.kind.kind.ID
	sources := f.v.s.coverage.kinds[id]
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		if sources[name].asked > f.v.at && sources[name].last(f.v.at, p.kind.event) == absent {
			continue
		}
		out = append(out, f.reading(p, name, sources[name]))
	}
	excluded := notEstablished
	if c := f.caches[p.number]; c.evaluated {
		n := 0
		for slot := range c.subjects {
			if s := &c.subjects[slot]; s.fresh && !s.in && s.row >= 0 {
				n++
			}
		}
		excluded = fmt.Sprintf("%d records of %s outside the population's condition", n, id)
		if p.rule.Freshness.Lookback > 0 {
			excluded += fmt.Sprintf(" or the look-back of %s", span(p.rule.Freshness.Lookback))
		}
	}
	return append(out, "Items excluded: "+excluded+".")
}

func (f *finisher) reading(p *plan, source string, cv *covering) string {
	id := p.kind.kind.ID
	var run *evidence.Run
	if read := cv.relied(f.v.at, p.kind.event, p.rule.Freshness.CollectionMaxAge); read != nil {
		run = f.v.s.coverage.runs[read.run]
	}
	if run == nil {
		return fmt.Sprintf("%s from %s: obtained by a complete run: %s.", id, source, notEstablished)
	}
	read := run.Kinds[id]
	or := func(s string) string {
		if s == "" {
			return notEstablished
		}
		return s
	}
	identity, count, difference := or(run.Provenance.Identity), notEstablished, notEstablished
	if read.IndependentCount >= 0 {
		count = fmt.Sprint(read.IndependentCount)
		difference = fmt.Sprintf("%d, explained by: %s", read.Seen-read.IndependentCount, notEstablished)
		if read.Seen == read.IndependentCount {
			difference = "0"
		}
	}
	return fmt.Sprintf("%s: %d records obtained at %s by identity %s from %s with query %s (run %s). Independent count: %s. Difference: %s. "+
		"Canary: %s. Permissions: %s. Not covered: %s.", id, read.Seen, run.FinishedAt.UTC().Format("2006-01-02 15:04:05Z"), identity, source,
		or(read.Query), run.ID, count, difference, notEstablished, permissions(run, id), notCovered(run, id))
}

func permissions(run *evidence.Run, kind string) string {
	var missing []string
	for _, g := range run.Gaps {
		if g.Permission != "" && slices.Contains(g.Kinds, kind) {
			missing = append(missing, g.Permission)
		}
	}
	if len(missing) == 0 {
		return "held " + notEstablished + ", none reported missing"
	}
	return "missing " + strings.Join(missing, ", ")
}

func notCovered(run *evidence.Run, kind string) string {
	var out []string
	for _, g := range run.Gaps {
		if slices.Contains(g.Kinds, kind) {
			out = append(out, g.Scope+" ("+g.Reason+")")
		}
	}
	if len(out) == 0 {
		return "nothing reported"
	}
	return strings.Join(out, ", ")
}
