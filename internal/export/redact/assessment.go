package redact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Withheld is what stands in place of a text that could quote a hidden payload.
const Withheld = "withheld: it rests on evidence that is hidden"

// Assessment returns a copy of a in which no text that was made from hidden
// payloads is left, and how many texts were withheld. Statuses, subjects and
// what results rest on stay.
//
// Withheld are the reasons and owners of results that rest on hidden evidence
// or whose expectation looks at a hidden kind, and what is said about their
// populations and controls.
func (s *Source) Assessment(a *assess.Assessment) (*assess.Assessment, int) {
	if len(s.hidden) == 0 {
		return a, 0
	}
	c := cutter{s: s, looks: map[string]bool{}, made: make(map[*assess.Result]*assess.Result, len(a.Results))}
	for _, e := range a.Expectations {
		c.looks[e.Slug] = slices.ContainsFunc(e.Kinds, s.p.Hides)
	}
	out := *a
	out.Results = make([]*assess.Result, len(a.Results))
	for i, r := range a.Results {
		out.Results[i] = c.result(r)
	}
	out.Controls = slices.Clone(a.Controls)
	for i := range out.Controls {
		c.control(&out.Controls[i])
	}
	out.Populations = slices.Clone(a.Populations)
	for i := range out.Populations {
		c.population(&out.Populations[i])
	}
	return &out, c.n
}

type cutter struct {
	s     *Source
	looks map[string]bool // by expectation: it looks at a hidden kind
	made  map[*assess.Result]*assess.Result
	n     int
}

// rests reports whether evidence has a hidden payload.
func (c *cutter) rests(d evidence.Digest) bool { return c.s.resting[d] }

func (c *cutter) result(r *assess.Result) *assess.Result {
	if !c.looks[r.Expectation] && !slices.ContainsFunc(r.Evidence, c.rests) {
		c.made[r] = r
		return r
	}
	cut := *r
	cut.Owner = ""
	cut.Reason = Withheld
	if code, _, ok := strings.Cut(r.Reason, ":"); ok && r.Status == assess.StatusStale {
		cut.Reason = code + ": " + Withheld
	}
	c.n++
	c.made[r] = &cut
	return &cut
}

func (c *cutter) control(ctl *assess.Control) {
	results := make([]*assess.Result, len(ctl.Results))
	changed := false
	for i, r := range ctl.Results {
		if results[i] = c.made[r]; results[i] == nil {
			results[i] = c.result(r)
		}
		changed = changed || results[i] != r
	}
	ctl.Results = results
	if changed {
		ctl.Reason = fmt.Sprintf("%d of %d satisfied; %s", ctl.Satisfied, ctl.Total, Withheld)
		c.n++
	}
}

func (c *cutter) population(p *assess.Population) {
	if !c.looks[p.Expectation] {
		return
	}
	p.Statement = Withheld
	p.Readings = slices.Clone(p.Readings)
	for i := range p.Readings {
		p.Readings[i].Explained, p.Readings[i].Canary.Names, p.Readings[i].Canary.Detail = "", nil, ""
	}
	p.Exclusions = slices.Clone(p.Exclusions)
	for i := range p.Exclusions {
		p.Exclusions[i].Reason = Withheld
	}
	c.n++
}
