package notify

import (
	"slices"
	"strings"
)

// Route says which changes go to which channels. An empty list means all.
type Route struct {
	Topics     []Topic
	Severities []string // of items that have one; one without passes
	Controls   []string // A.6 is A.6 and all below it
	Systems    []string
	Owners     []string
	Changes    []ChangeType
	To         []string // names of channels
	Digest     bool     // with the next digest, not at once
}

func (r *Route) takes(c *Change) bool {
	it := &c.Item
	switch {
	case len(r.Topics) > 0 && !slices.Contains(r.Topics, it.Topic),
		len(r.Changes) > 0 && !slices.Contains(r.Changes, c.Type),
		len(r.Severities) > 0 && it.Severity != "" && !slices.Contains(r.Severities, it.Severity),
		len(r.Owners) > 0 && !slices.Contains(r.Owners, it.Owner),
		len(r.Controls) > 0 && !slices.ContainsFunc(r.Controls, func(c string) bool { return under(it.Control, c) }),
		len(r.Systems) > 0 && !slices.ContainsFunc(r.Systems, func(s string) bool { return slices.Contains(it.Systems, s) }):
		return false
	}
	return true
}

// under reports whether a control is another or below it.
func under(control, of string) bool {
	return control == of || strings.HasPrefix(control, of+".")
}

// destination is where a change goes, and whether at once.
type destination struct {
	channel string
	digest  bool
}

// destinations returns each channel once; if one of several routes says at
// once, it is at once.
func destinations(routes []Route, c *Change) []destination {
	var out []destination
	for i := range routes {
		r := &routes[i]
		if !r.takes(c) {
			continue
		}
		for _, name := range r.To {
			at := slices.IndexFunc(out, func(d destination) bool { return d.channel == name })
			if at < 0 {
				out = append(out, destination{name, r.Digest})
				continue
			}
			out[at].digest = out[at].digest && r.Digest
		}
	}
	return out
}
