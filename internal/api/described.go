package api

import (
	"github.com/danielgtaylor/huma/v2"
)

// What a date, a time and a cursor look like, for whoever writes a client. What is
// sent is read by the code that needs it, which says better what is wrong.
const (
	momentForm = `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})`
	dayForm    = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	base64Form = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$`
)

// forms are patterns of the formats that fields here are marked with.
func forms() map[string]string {
	return map[string]string{
		"moment":  "^" + momentForm + "$",
		"instant": "^(" + dayForm + "|" + momentForm + ")?$",
		"cursor":  "^[A-Za-z0-9_-]*$",
	}
}

// shapes writes into the description what texts look like. The framework, which
// has read its patterns by now, does not look at these.
func shapes(api *huma.OpenAPI) {
	known, seen := forms(), map[*huma.Schema]bool{}
	var shape func(s *huma.Schema)
	shape = func(s *huma.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if form, ok := known[s.Format]; ok {
			s.Pattern, s.Format = form, ""
		}
		if s.ContentEncoding == "base64" {
			s.Pattern = base64Form
		}
		shape(s.Items)
		for _, p := range s.Properties {
			shape(p)
		}
	}
	for _, s := range api.Components.Schemas.Map() {
		shape(s)
	}
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				shape(p.Schema)
			}
		}
	}
}
