package oscal_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/oscal"
)

// core are the properties that OSCAL itself defines, by where we use them, with
// their values where it lists them. JSON Schema does not know of these rules.
var core = map[string]map[string][]string{
	"controls":   {"label": nil, "sort-id": nil},
	"parts":      {"label": nil},
	"resources":  {"type": {"standard"}},
	"activities": {"method": {"INTERVIEW", "EXAMINE", "TEST"}},
	"components": {"version": nil},
	"entries":    {"type": {"dr-approved"}},
}

// TestConstraints: rules of OSCAL's model that its JSON schema does not hold.
func TestConstraints(t *testing.T) {
	for model, doc := range documents(t, lived(t)) {
		walk(tree(t, doc), "", func(path string, v any) {
			if _, ok := v.(map[string]any); !ok {
				return
			}
			where := path[strings.LastIndexByte(path, '/')+1:]
			switch where {
			case "metadata":
				uniqueProps(t, model, v)
			case "controls":
				if strings.HasPrefix(path, "/catalog") && !slices.ContainsFunc(items(v, "parts"), func(p any) bool { return text(p, "name") == "statement" }) {
					t.Errorf("%s: control %s has no statement", model, text(v, "id"))
				}
			case "parts":
				checkPart(t, model, v)
			case "activities":
				if prop(v, "method") == "" {
					t.Errorf("%s: activity %s has no method", model, text(v, "title"))
				}
			case "responsible-roles", "responsible-parties":
				if id := text(v, "role-id"); id != "prepared-for" && id != "asset-owner" && id != "has-the-next-move" {
					t.Errorf("%s: %s: role %q is not defined", model, path, id)
				}
			case "status":
				checkState(t, model, path, text(v, "state"))
			}
			for _, p := range items(v, "props") {
				checkProp(t, model, path, where, p)
			}
		})
	}
}

func uniqueProps(t *testing.T, model oscal.Model, meta any) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range items(meta, "props") {
		if seen[text(p, "name")] {
			t.Errorf("%s: metadata has %s twice", model, text(p, "name"))
		}
		seen[text(p, "name")] = true
	}
}

func checkPart(t *testing.T, model oscal.Model, part any) {
	t.Helper()
	switch name := text(part, "name"); name {
	case "statement", "assessment-objective", "assessment-objects", "methodology":
	case "assessment-method":
		if m := prop(part, "method"); m != "TEST" && m != "EXAMINE" && m != "INTERVIEW" {
			t.Errorf("%s: %s has the method %q", model, text(part, "id"), m)
		}
	default:
		t.Errorf("%s: a part %q", model, name)
	}
}

func checkState(t *testing.T, model oscal.Model, path, state string) {
	t.Helper()
	allowed := []string{"operational", "under-development", "disposition", "other"}
	if strings.HasSuffix(path, "/target/status") {
		allowed = []string{"satisfied", "not-satisfied"}
	}
	if !slices.Contains(allowed, state) {
		t.Errorf("%s: %s: state %q", model, path, state)
	}
}

func checkProp(t *testing.T, model oscal.Model, path, where string, p any) {
	t.Helper()
	name, val := text(p, "name"), text(p, "value")
	switch ns := text(p, "ns"); {
	case strings.HasPrefix(ns, "https://github.com/exhibit-aims/exhibit/"):
	case ns == "http://csrc.nist.gov/ns/rmf" && where == "parts" && name == "method":
	case ns != "":
		t.Errorf("%s: %s: namespace %q", model, path, ns)
	default:
		values, known := core[where][name]
		if !known || values != nil && !slices.Contains(values, val) {
			t.Errorf("%s: %s: OSCAL knows no property %s = %s there", model, path, name, val)
		}
	}
}

// TestHostile: no text of a source acts on who reads the documents.
func TestHostile(t *testing.T) {
	markup := []string{"title", "description", "remarks", "prose", "statement", "text"}
	for model, doc := range documents(t, lived(t)) {
		walk(tree(t, doc), "", func(path string, v any) {
			s, ok := v.(string)
			if !ok {
				return
			}
			where := path[strings.LastIndexByte(path, '/')+1:]
			for _, r := range s {
				if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' || r == '\u200b' || r == '\ufeff' {
					t.Errorf("%s: %s: %U in %q", model, path, r, s)
				}
			}
			if slices.Contains(markup, where) && strings.ContainsAny(s, "<>") {
				t.Errorf("%s: %s: %q", model, path, s)
			}
			if where == "href" && strings.Contains(s, "javascript") {
				t.Errorf("%s: %s: %q", model, path, s)
			}
		})
	}
}
