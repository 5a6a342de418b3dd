package assess

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Population is the set of subjects an expectation was held against, and how
// it is known to be whole. What is not known is not filled in.
type Population struct {
	Expectation string              `json:"expectation"`
	SubjectType string              `json:"subject_type"`
	Count       int                 `json:"count"`
	IDs         evidence.Digest     `json:"ids_digest"` // SHA-256 over the sorted ids, one per line
	Complete    bool                `json:"complete"`
	Statement   string              `json:"statement"` // all of it in words
	Readings    []PopulationReading `json:"readings"`  // what it was made from, by kind and source
	Exclusions  []Exclusion         `json:"exclusions"`
	NotCovered  []string            `json:"not_covered"` // parts of the scope that were not seen, with the reason
}

// PopulationReading is who enumerated the records of a kind in a source, and
// how. Without a complete reading only Kind and Source are there.
type PopulationReading struct {
	Kind        string      `json:"kind"`
	Source      string      `json:"source"`
	Run         string      `json:"run,omitempty"`
	At          *time.Time  `json:"at,omitempty"`
	Identity    string      `json:"identity,omitempty"`
	Query       string      `json:"query,omitempty"`
	Enumerated  bool        `json:"enumerated"` // every record that existed then was listed
	Records     int64       `json:"records"`
	Independent *int64      `json:"independent_count,omitempty"` // another way of counting
	Difference  *int64      `json:"difference,omitempty"`        // records less that count
	Explained   string      `json:"explained,omitempty"`
	Canary      CanaryCheck `json:"canary"`
	Missing     []string    `json:"permissions_missing"`
	NotCovered  []string    `json:"not_covered"`
}

// CanaryCheck is what became of records that must be there.
type CanaryCheck struct {
	Names  []string     `json:"names,omitempty"`
	Result CanaryResult `json:"result"`
	Detail string       `json:"detail,omitempty"`
}

// CanaryResult is the outcome of looking for a canary.
type CanaryResult string

// Values of CanaryResult. Whatever a run does not say is not established.
const (
	CanaryNotEstablished CanaryResult = "not_established"
	CanaryFound          CanaryResult = "found"
	CanaryNotFound       CanaryResult = "not_found"
	CanaryNone           CanaryResult = "none_declared"
)

// Exclusion counts records that are not in the population, for one reason.
type Exclusion struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// population describes the set of subjects of a rule and how it is known to be
// whole.
func (f *finisher) population(r *rule, st standing, results []*Result) Population {
	p := Population{
		Expectation: r.Slug, SubjectType: f.subjectType(r), Count: len(results), IDs: idsDigest(results),
		Complete: f.populationCurrency(r, st).state == current,
		Readings: []PopulationReading{}, Exclusions: []Exclusion{}, NotCovered: []string{},
	}
	for _, pl := range r.plans {
		if pl.kind == nil {
			continue
		}
		readings := f.readings(pl)
		p.Readings = append(p.Readings, readings...)
		if slices.ContainsFunc(readings, func(r PopulationReading) bool { return r.Run != "" }) {
			p.Exclusions = append(p.Exclusions, f.exclusions(pl)...)
		}
	}
	if blind := f.blindParts(r); len(blind) > 0 {
		p.Complete = false
		p.NotCovered = blind
	}
	p.Statement = p.inWords(f.isOrganization(r))
	return p
}

// noPopulation stands for the population of an expectation that is switched off.
func noPopulation(r *rule, subjectType string) Population {
	return Population{Expectation: r.Slug, SubjectType: subjectType, IDs: idsDigest(nil),
		Readings: []PopulationReading{}, Exclusions: []Exclusion{}, NotCovered: []string{},
		Statement: fmt.Sprintf("Population of %s was not established: the expectation is switched off.", r.Slug)}
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
