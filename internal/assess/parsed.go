package assess

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// parsedFile is a file of expectations, as Options.Parsed has a list of them.
// In params, a number with a point is no whole number.
type parsedFile struct {
	Path         string         `json:"path"`
	Expectations []*Expectation `json:"expectations"`
}

// parsed takes the expectations of files that have been read before.
func (l *loader) parsed(text string) {
	var list []parsedFile
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		l.errs = append(l.errs, fmt.Errorf("the expectations that come with the program: %w", err))
		return
	}
	for _, pf := range list {
		f, err := yamlfile.Parse(pf.Path, []byte("{}"))
		if err != nil {
			l.errs = append(l.errs, err)
			continue
		}
		l.files, l.read = append(l.files, f), append(l.read, f)
		for i, e := range pf.Expectations {
			e.standsAt(f.Root().Child("expectations").Child(i).Place())
			for name, v := range e.Params {
				e.Params[name] = paramOf(v)
			}
			l.bySlug[e.Slug] = e
		}
	}
}

// paramOf makes of a number in JSON what YAML makes of it.
func paramOf(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if whole, err := n.Int64(); err == nil {
		return whole
	}
	f, err := n.Float64()
	if err != nil {
		return v
	}
	return f
}

// standsAt gives an expectation and its conditions a place.
func (e *Expectation) standsAt(at yamlfile.Place) {
	e.node = at
	e.Seen.node, e.Freshness.At.node, e.Freshness.Since.node = at, at, at
	joinsStandAt(e.Uses, at)
	checksStandAt(e.Checks, at)
	checksStandAt(e.Freshness.Qualifies, at)
	e.Duty.standsAt(at)
	for i := range e.Invalidated {
		e.Invalidated[i].When.node, e.Invalidated[i].Because.node = at, at
	}
	for i := range e.Population {
		d := &e.Population[i]
		d.node = at
		for _, x := range []*expr{&d.Subject, &d.Systems, &d.Owner, &d.Where, &d.At, &d.Seen} {
			x.node = at
		}
		joinsStandAt(d.Uses, at)
		checksStandAt(d.Checks, at)
		d.Duty.standsAt(at)
	}
}

func joinsStandAt(uses map[string]joinDef, at yamlfile.Place) {
	for name, j := range uses {
		for field, x := range j.Match {
			x.node = at
			j.Match[field] = x
		}
		j.Where.node = at
		uses[name] = j
	}
}

func checksStandAt(list []checkDef, at yamlfile.Place) {
	for i := range list {
		list[i].That.node, list[i].Because.node = at, at
	}
}

func (d *dutyDef) standsAt(at yamlfile.Place) {
	if d != nil {
		d.Until.node, d.Answered.node, d.AnsweredAt.node, d.Because.node = at, at, at, at
	}
}
