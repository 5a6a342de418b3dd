package jira

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// takes reports whether an issue is of this type.
func (t *issueType) takes(p project, is *issue) bool {
	name, _ := textAt(is.fields, "issuetype", "name")
	return t.Project == p.Key && strings.EqualFold(name, t.Type)
}

// record maps an issue to the type's kind. Any value that does not fit is an
// error for the whole issue.
func (t *issueType) record(c *config, is *issue) (connector.Record, error) {
	values := map[string]any{"issue_key": is.key}
	if strings.HasPrefix(t.Kind, "jira.") {
		r := &reader{fields: is.fields}
		values["key"], values["id"], values["issue_id"] = is.key, is.id, is.id
		values["project"], values["summary"], values["status"] = r.text(80, "project", "key"), r.text(1000, "summary"), r.text(200, "status", "name")
		if r.err != nil {
			return connector.Record{}, r.err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		v, err := t.value(name, is)
		if err != nil {
			return connector.Record{}, fmt.Errorf("%s: field %s (%s): %w", t.Kind, name, t.Fields[name].Path, err)
		}
		if v != nil {
			values[name] = v
		}
	}
	if len(t.shape.Key) == 1 && values[t.shape.Key[0]] == nil { // an id that Jira keeps for us: the issue's key
		values[t.shape.Key[0]] = is.key
	}
	rec, err := t.shape.Record(values)
	if err != nil {
		return connector.Record{}, fmt.Errorf("%s: %w", t.Kind, err)
	}
	if strings.HasPrefix(t.Kind, "jira.") {
		rec.Key = is.id // survives a move to another project
	}
	rec.URL = is.url(c)
	return rec, nil
}

// value is one field's value as the payload is to have it; nil if the issue
// has none.
func (t *issueType) value(name string, is *issue) (any, error) {
	f := t.Fields[name]
	v, err := f.path.resolve(is)
	if err != nil || v == nil {
		return nil, err
	}
	field, known := t.shape.Field(name)
	list, isList := v.([]any)
	if isList {
		if list, err = f.translateAll(list); err != nil {
			return nil, err
		}
		if known && (field.Type == records.Texts || field.Type == records.Objects) || !known {
			return list, nil
		}
		switch len(list) {
		case 0:
			return nil, nil
		case 1:
			return list[0], nil
		}
		return nil, fmt.Errorf("there are %d values where one is wanted", len(list))
	}
	return f.translate(v)
}

func (f fieldMap) translateAll(list []any) ([]any, error) {
	out := make([]any, 0, len(list))
	for _, v := range list {
		x, err := f.translate(v)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// translate puts the settings' word for Jira's, text for a document, and the
// identity for a person.
func (f fieldMap) translate(v any) (any, error) {
	if s, ok := plainText(v); ok {
		v = s
	} else if s, ok := personText(v); ok {
		v = s
	}
	if f.Values == nil {
		return v, nil
	}
	s, err := textAt(v)
	if err != nil {
		return nil, fmt.Errorf("values: want text to translate")
	}
	for from, to := range f.Values {
		if strings.EqualFold(from, s) {
			return to, nil
		}
	}
	return nil, fmt.Errorf("values: there is no word for %q", printable(s, 60))
}

// personText returns the identity of a user as other records name it; false
// if v is none.
func personText(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || (m["accountId"] == nil && (m["name"] == nil || m["displayName"] == nil)) {
		return "", false
	}
	r := &reader{fields: map[string]any{"user": m}}
	s := r.person("user")
	return s, r.err == nil && s != ""
}
