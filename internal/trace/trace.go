package trace

import (
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// Delivers says which kinds each source can deliver: a connector, the
// register, a form that people fill in.
type Delivers map[string][]string

// Control is a control with what speaks for it.
type Control struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Automation   Automation    `json:"automation"`
	Expectations []Expectation `json:"expectations"`
}

// Automation counts expectations by how much of them goes without people.
type Automation struct {
	Full    int `json:"full"`
	Partial int `json:"partial"`
	Manual  int `json:"manual"`
}

// Expectation is one of a control's, with the kinds it looks at.
type Expectation struct {
	Slug       string `json:"slug"`
	Title      string `json:"title"`
	Severity   string `json:"severity"`
	Strength   string `json:"strength"`
	Automation string `json:"automation"`
	Mode       string `json:"mode"`
	Kinds      []Kind `json:"kinds"`
	Own        bool   `json:"own,omitempty"`
	Off        string `json:"off,omitempty"`
}

// Kind is a kind of record with the sources that deliver it, sorted.
type Kind struct {
	ID       string   `json:"id"`
	Optional bool     `json:"optional,omitempty"` // need not be collected
	Sources  []string `json:"sources"`
}

// Table puts the expectations in force under their controls.
func Table(cat *catalog.Catalog, list []assess.InForce, from Delivers) []Control {
	byControl := map[string][]assess.InForce{}
	for _, e := range list {
		byControl[e.Control] = append(byControl[e.Control], e)
	}
	out := make([]Control, 0, len(cat.Controls))
	for _, ctl := range cat.Controls {
		c := Control{ID: ctl.ID, Title: ctl.Title, Expectations: []Expectation{}}
		for _, e := range byControl[ctl.ID] {
			c.Automation.add(e.Automation)
			c.Expectations = append(c.Expectations, expectation(e, from))
		}
		out = append(out, c)
	}
	return out
}

func (a *Automation) add(word string) {
	switch word {
	case "full":
		a.Full++
	case "partial":
		a.Partial++
	case "manual":
		a.Manual++
	}
}

func expectation(e assess.InForce, from Delivers) Expectation {
	out := Expectation{Slug: e.Slug, Title: e.Title, Severity: e.Severity, Strength: e.Strength, Automation: e.Automation,
		Mode: e.Mode, Own: e.Own, Off: e.Off, Kinds: []Kind{}}
	for _, kind := range e.Kinds {
		out.Kinds = append(out.Kinds, Kind{ID: kind, Optional: slices.Contains(e.Optional, kind), Sources: from.Of(kind)})
	}
	return out
}

// Of returns the sources that deliver a kind, sorted; never nil.
func (d Delivers) Of(kind string) []string {
	out := []string{}
	for source, kinds := range d {
		if slices.Contains(kinds, kind) {
			out = append(out, source)
		}
	}
	slices.Sort(out)
	return out
}

// Hole is a place where nothing can be shown.
type Hole struct {
	Control     string `json:"control"`
	Expectation string `json:"expectation,omitempty"`
	Kind        string `json:"kind,omitempty"`
	Why         string `json:"why"`
}

// Holes lists controls without an expectation that is on, and needed kinds that
// no source delivers.
func Holes(table []Control) []Hole {
	out := []Hole{}
	for _, c := range table {
		on := 0
		for _, e := range c.Expectations {
			if e.Off != "" {
				continue
			}
			on++
			out = append(out, e.holes(c.ID)...)
		}
		if on == 0 {
			out = append(out, Hole{Control: c.ID, Why: "no expectation speaks for it"})
		}
	}
	return out
}

func (e Expectation) holes(control string) []Hole {
	var out []Hole
	delivered := false
	for _, k := range e.Kinds {
		delivered = delivered || len(k.Sources) > 0
		if len(k.Sources) == 0 && !k.Optional {
			out = append(out, Hole{Control: control, Expectation: e.Slug, Kind: k.ID, Why: "no source delivers it"})
		}
	}
	if !delivered {
		out = append(out, Hole{Control: control, Expectation: e.Slug, Why: "no source delivers any of its kinds"})
	}
	return out
}
