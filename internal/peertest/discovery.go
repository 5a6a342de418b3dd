//go:build unix

package peertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// method is one of an interface of Google's, as Google describes it.
type method struct {
	Path       string                    `json:"flatPath"`
	HTTP       string                    `json:"httpMethod"`
	Parameters map[string]map[string]any `json:"parameters"`
	Response   struct {
		Ref string `json:"$ref"`
	} `json:"response"`
}

type resource struct {
	Methods   map[string]method   `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

// Discovery turns Google's descriptions of interfaces, named without folder and
// ending, into one document that Prism reads: the paths that are named, what may
// be asked of them and what they answer. No answer names a next page, since
// Prism's would never end. examples are values of properties, by Schema.property.
func Discovery(t testing.TB, descriptions, paths []string, examples map[string]any) string {
	t.Helper()
	found, schemas := map[string]any{}, map[string]any{}
	for _, name := range descriptions {
		raw, err := os.ReadFile(Path(t, "specs", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Parameters map[string]map[string]any `json:"parameters"`
			Schemas    map[string]map[string]any `json:"schemas"`
			Resources  map[string]resource       `json:"resources"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		for _, m := range methods(d.Resources) {
			if m.HTTP == "GET" && slices.Contains(paths, m.Path) {
				found["/"+m.Path] = map[string]any{"get": operation(m, d.Parameters)}
			}
		}
		for schema, s := range d.Schemas {
			schemas[schema] = answerOf(schema, s, examples)
		}
	}
	if len(found) != len(paths) {
		t.Fatalf("Google's descriptions have %d of %d paths", len(found), len(paths))
	}
	out, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "Google", "version": "v1"}, "paths": found, "components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "google.json")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func methods(rs map[string]resource) []method {
	var out []method
	for _, r := range rs {
		for _, m := range r.Methods {
			out = append(out, m)
		}
		out = append(out, methods(r.Resources)...)
	}
	return out
}

// operation says what may be asked. Parameters that every interface has are
// among them; any other is refused.
func operation(m method, common map[string]map[string]any) map[string]any {
	var ps []any
	add := func(name string, p map[string]any) {
		in, _ := p["location"].(string)
		ps = append(ps, map[string]any{"name": name, "in": in, "required": in == "path" || p["required"] == true, "schema": kept(p, "type", "enum", "pattern")})
	}
	for name, p := range m.Parameters {
		add(name, p)
	}
	for name, p := range common {
		if _, own := m.Parameters[name]; !own {
			add(name, p)
		}
	}
	return map[string]any{"parameters": ps, "responses": map[string]any{"200": map[string]any{
		"description": "as described", "content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + m.Response.Ref}}},
	}}}
}

// answerOf writes a schema as OpenAPI has it.
func answerOf(name string, v map[string]any, examples map[string]any) map[string]any {
	out := kept(v, "type", "enum")
	if ref, ok := v["$ref"].(string); ok {
		return map[string]any{"$ref": "#/components/schemas/" + ref}
	}
	if v["type"] == "any" {
		return map[string]any{}
	}
	if v["format"] == "date-time" || v["format"] == "google-datetime" {
		out["format"] = "date-time"
	}
	if d, ok := v["default"]; ok {
		out["example"] = d
	}
	if items, ok := v["items"].(map[string]any); ok {
		out["items"] = answerOf(name, items, examples)
	}
	if props, ok := v["properties"].(map[string]any); ok {
		made := map[string]any{}
		for p, s := range props {
			if p == "nextPageToken" {
				continue
			}
			child := answerOf(name+"."+p, s.(map[string]any), examples)
			if e, ok := examples[name+"."+p]; ok {
				child = map[string]any{"type": child["type"], "items": child["items"], "example": e}
				if child["items"] == nil {
					delete(child, "items")
				}
			}
			made[p] = child
		}
		out["properties"] = made
	}
	return out
}

func kept(v map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if child, ok := v[name]; ok && (name != "pattern" || !strings.Contains(child.(string), "(?")) {
			out[name] = child
		}
	}
	return out
}
