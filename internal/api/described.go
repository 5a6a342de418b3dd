package api

import (
	"encoding/json"
	"slices"
	"strings"
)

// What a date, a time, a cursor and a file look like, for whoever writes a client.
// What is sent is read by the code that needs it, which says better what is wrong.
const (
	momentForm = `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})`
	dayForm    = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	base64Form = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$`
)

// formOf is the pattern of a format that fields here are marked with.
func formOf(format string) string {
	switch format {
	case "moment":
		return "^" + momentForm + "$"
	case "instant":
		return "^(" + dayForm + "|" + momentForm + ")?$"
	case "cursor":
		return "^[A-Za-z0-9_-]*$"
	}
	return ""
}

// finish writes into a description, as JSON, what the framework does not say of what
// it takes: what texts look like, and that null is as good as left out.
func finish(description []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, err
	}
	shape(doc)
	schemas, _ := at(doc, "components", "schemas").(map[string]any)
	paths, _ := doc["paths"].(map[string]any)
	seen := map[string]bool{}
	for _, path := range paths {
		for _, op := range path.(map[string]any) {
			orNull(at(op, "requestBody"), schemas, seen)
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}

// at follows names into an object; nil if there is nothing.
func at(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// shape writes patterns where a format stands for one.
func shape(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			shape(e)
		}
	case map[string]any:
		if format, _ := v["format"].(string); formOf(format) != "" {
			v["pattern"] = formOf(format)
			delete(v, "format")
		}
		if v["contentEncoding"] == "base64" {
			v["pattern"] = base64Form
		}
		for _, e := range v {
			shape(e)
		}
	}
}

// orNull lets what may be left out of a body be null, in every schema that it leads to.
func orNull(v any, schemas map[string]any, seen map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			orNull(e, schemas, seen)
		}
	case map[string]any:
		if ref, _ := v["$ref"].(string); ref != "" && !seen[ref] {
			seen[ref] = true
			orNull(schemas[strings.TrimPrefix(ref, "#/components/schemas/")], schemas, seen)
		}
		for _, e := range v {
			orNull(e, schemas, seen)
		}
		properties, _ := v["properties"].(map[string]any)
		required, _ := v["required"].([]any)
		for name, p := range properties {
			if p, ok := p.(map[string]any); ok && !slices.Contains(required, any(name)) {
				properties[name] = nullable(p)
			}
		}
	}
}

func nullable(schema map[string]any) map[string]any {
	kind, ok := schema["type"].(string)
	if !ok {
		if _, several := schema["type"].([]any); several {
			return schema
		}
		return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
	}
	schema["type"] = []any{kind, "null"}
	if values, ok := schema["enum"].([]any); ok {
		schema["enum"] = append(values, nil)
	}
	return schema
}
