//go:build peers

package gcp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Google's own description of Vertex AI, served by prism: it answers with one
// made-up entry a list, and with a next page for ever, which has to be told.
func TestAgainstPrism(t *testing.T) {
	address := peertest.Prism(t, openAPI(t), "/v1/projects/acme-ai/locations")
	cfg := connector.Config{
		Settings: []byte(`{"projects":["acme-ai"],"locations":["europe-west4"],"approval_aliases":["string"],"requests_per_second":1000,"base_url":"` + address + `"}`),
		Secrets:  map[string]string{secretToken: "any"},
	}
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var circles, others []string
	for _, g := range rec.Gaps() {
		if strings.Contains(g.Detail, "circle") || strings.Contains(g.Detail, "second time") {
			circles = append(circles, g.Scope)
		} else {
			others = append(others, g.Scope+": "+string(g.Reason)+": "+g.Detail)
		}
	}
	if len(circles) < 5 {
		t.Errorf("listings that never end are told %d times: %v", len(circles), circles)
	}
	want := []string{"project acme-ai, audit log: not_found", "project acme-ai, location europe-west4, model monitors: unsupported", "publisher google: not_found"}
	for i, o := range others {
		others[i] = strings.Join(strings.SplitN(o, ": ", 3)[:2], ": ")
	}
	slices.Sort(others)
	if d := cmp.Diff(want, slices.Compact(others)); d != "" {
		t.Errorf("gaps other than those of endless pages (-want +got):\n%s", d)
	}
	for kind, c := range cov {
		if c.Status == connector.Complete {
			t.Errorf("%s is called complete", kind)
		}
	}
	connectortest.Peer(t, peertest.PrismName+" with Google's description of Vertex AI", rec.Kinds())
	if !slices.Contains(rec.Kinds(), records.KindDeployment) {
		t.Error("no endpoint was read")
	}
}

// discovery is what Google publishes of an interface.
type discovery struct {
	Schemas   map[string]json.RawMessage `json:"schemas"`
	Resources map[string]resource        `json:"resources"`
}

type resource struct {
	Methods   map[string]method   `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

type method struct {
	Path     string `json:"flatPath"`
	HTTP     string `json:"httpMethod"`
	Response struct {
		Ref string `json:"$ref"`
	} `json:"response"`
}

// openAPI turns Google's description into one that prism reads: the paths that
// the connector asks, with what they answer.
func openAPI(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(peertest.Path(t, "specs", "vertex.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d discovery
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	const at = "v1/projects/{projectsId}/locations"
	wanted := []string{at, at + "/{locationsId}/models", at + "/{locationsId}/models/{modelsId}:listVersions", at + "/{locationsId}/models/{modelsId}/evaluations",
		at + "/{locationsId}/trainingPipelines/{trainingPipelinesId}", at + "/{locationsId}/endpoints", at + "/{locationsId}/modelDeploymentMonitoringJobs",
		at + "/{locationsId}/tuningJobs", at + "/{locationsId}/reasoningEngines", at + "/{locationsId}/notebookRuntimes"}
	paths := map[string]any{}
	for _, m := range methods(d.Resources) {
		if m.HTTP == "GET" && slices.Contains(wanted, m.Path) {
			paths["/"+m.Path] = map[string]any{"parameters": parameters(m.Path), "get": map[string]any{"responses": map[string]any{"200": map[string]any{
				"description": "as published", "content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + m.Response.Ref}}},
			}}}}
		}
	}
	if len(paths) != len(wanted) {
		t.Fatalf("Google's description has %d of %d paths", len(paths), len(wanted))
	}
	schemas := map[string]any{}
	for name, s := range d.Schemas {
		var v any
		if err := json.Unmarshal(s, &v); err != nil {
			t.Fatal(err)
		}
		schemas[name] = schema(v)
	}
	out, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "Vertex AI", "version": "v1"}, "paths": paths, "components": map[string]any{"schemas": reachable(paths, schemas)},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vertex.json")
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

func parameters(path string) []any {
	var out []any
	for _, part := range strings.Split(path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		out = append(out, map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	return out
}

// schema rewrites a schema in place: references, formats of Google's, and
// nothing that would be made up at length.
func schema(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			return map[string]any{"$ref": "#/components/schemas/" + ref}
		}
		out := map[string]any{}
		for _, key := range []string{"type", "properties", "items", "additionalProperties", "enum"} {
			if child, ok := v[key]; ok {
				out[key] = schema(child)
			}
		}
		if props, ok := v["properties"].(map[string]any); ok {
			made := map[string]any{}
			for name, p := range props {
				made[name] = schema(p)
			}
			out["properties"] = made
		}
		if v["format"] == "google-datetime" {
			out["format"] = "date-time"
		}
		if v["type"] == "any" {
			return map[string]any{}
		}
		return out
	case []any:
		return v
	}
	return v
}

// reachable keeps the schemas that the paths need.
func reachable(paths, schemas map[string]any) map[string]any {
	keep := map[string]any{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, "#/components/schemas/")
				if _, seen := keep[name]; !seen {
					keep[name] = schemas[name]
					walk(schemas[name])
				}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(paths)
	return keep
}
