package assess

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// readings describes the reading of a population's kind by each source that an
// assessment relies on.
func (f *finisher) readings(p *plan) []PopulationReading {
	id := p.kind.kind.ID
	sources := f.v.s.coverage.kinds[id]
	var out []PopulationReading
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if sources[name].asked > f.v.at && sources[name].last(f.v.at, p.kind.event) == absent {
			continue
		}
		out = append(out, f.reading(p, name, sources[name]))
	}
	return out
}

func (f *finisher) reading(p *plan, source string, cv *covering) PopulationReading {
	id := p.kind.kind.ID
	out := PopulationReading{Kind: id, Source: source, Canary: CanaryCheck{Result: CanaryNotEstablished}, Missing: []string{}, NotCovered: []string{}}
	var run *evidence.Run
	if read := cv.relied(f.v.at, p.kind.event, p.rule.Freshness.CollectionMaxAge); read != nil {
		run = f.v.s.coverage.runs[read.run]
	}
	if run == nil {
		return out
	}
	read, at := run.Kinds[id], run.FinishedAt.UTC()
	out.Run, out.At, out.Identity, out.Query = run.ID, &at, run.Provenance.Identity, read.Query
	out.Enumerated, out.Records = read.Enumerated, read.Seen
	if n := read.IndependentCount; n >= 0 {
		difference := read.Seen - n
		out.Independent, out.Difference, out.Explained = &n, &difference, explained(run, id, difference)
	}
	out.Canary = canaryOf(run, id)
	for _, g := range run.Gaps {
		if !slices.Contains(g.Kinds, id) {
			continue
		}
		out.NotCovered = append(out.NotCovered, g.Scope+" ("+g.Reason+")")
		if g.Permission != "" && !slices.Contains(out.Missing, g.Permission) {
			out.Missing = append(out.Missing, g.Permission)
		}
	}
	return out
}

// explained says what a difference between two ways of counting comes from,
// empty if nobody knows: as many records as are missing may be named as gaps.
func explained(run *evidence.Run, kind string, difference int64) string {
	named := int64(0)
	for _, g := range run.Gaps {
		if slices.Contains(g.Kinds, kind) && strings.HasPrefix(g.Scope, "record ") {
			named++
		}
	}
	if difference < 0 && named == -difference {
		return "records that could not be read, each named as not covered"
	}
	return ""
}

var canaryName = regexp.MustCompile(`(^|[\s,;:])(no )?canary( ([^\s,;]+))?`)

// canaryOf finds what a run says about canaries: its query names those that it
// looked for, and a gap with the reason hidden says that one was not there.
func canaryOf(run *evidence.Run, kind string) CanaryCheck {
	out := CanaryCheck{Result: CanaryNotEstablished}
	none := false
	for _, m := range canaryName.FindAllStringSubmatch(run.Kinds[kind].Query, -1) {
		switch {
		case m[2] != "":
			none = true
		case m[4] != "" && !slices.Contains(out.Names, m[4]):
			out.Names = append(out.Names, m[4])
		}
	}
	gaps := 0
	for _, g := range run.Gaps {
		if !slices.Contains(g.Kinds, kind) {
			continue
		}
		gaps++
		if g.Reason == reasonHidden && strings.Contains(g.Detail, "canary") || g.Reason == reasonHidden && strings.Contains(g.Detail, "must be there") {
			out.Result, out.Detail = CanaryNotFound, g.Detail
		}
	}
	switch {
	case out.Result == CanaryNotFound:
	case len(out.Names) > 0 && gaps == 0 && run.Kinds[kind].Coverage == "complete":
		out.Result = CanaryFound
		if none {
			out.Detail = "for a part of the query none is declared"
		}
	case len(out.Names) == 0 && none:
		out.Result = CanaryNone
	}
	return out
}

// reasonHidden is the reason of a gap where counts or a canary show that
// records are missing.
const reasonHidden = "hidden"

// exclusions counts the records of a plan's kind that are not in its
// population. It says nothing where nothing was evaluated.
func (f *finisher) exclusions(p *plan) []Exclusion {
	c := f.caches[p.number]
	if !c.evaluated {
		return nil
	}
	id := p.kind.kind.ID
	var out []Exclusion
	if p.where != nil || c.condition > 0 {
		out = append(out, Exclusion{Kind: id, Reason: "outside the condition of the population", Count: c.condition})
	}
	if p.rule.Freshness.Lookback > 0 {
		out = append(out, Exclusion{Kind: id, Reason: "outside the look-back of " + span(p.rule.Freshness.Lookback), Count: c.past})
	}
	return out
}
