package jira

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// takes reports whether an issue is one of those that are mapped: of the type,
// with the label, and found by the query, each if it is set.
func (t *issueType) takes(p project, is *issue, found map[string]bool) bool {
	if t.Project != p.Key {
		return false
	}
	if name, _ := textAt(is.fields, "issuetype", "name"); t.Type != "" && !strings.EqualFold(name, t.Type) {
		return false
	}
	if t.Label != "" && !slices.Contains((&reader{fields: is.fields}).texts("labels", ""), t.Label) {
		return false
	}
	return t.JQL == "" || found[is.id]
}

// records maps an issue to the type's kind: one record, or one for each value
// of the field ForEach. Any value that does not fit is an error for the whole
// issue. The key is the issue's id, so that an issue stays one record when its
// fields change or it moves to another project.
func (t *issueType) records(c *config, is *issue) ([]connector.Record, error) {
	values, err := t.values(is)
	if err != nil {
		return nil, err
	}
	if t.ForEach == "" {
		rec, err := t.record(c, is, values)
		return []connector.Record{rec}, err
	}
	list, ok := values[t.ForEach].([]any)
	if !ok && values[t.ForEach] != nil {
		list = []any{values[t.ForEach]}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: field %s: there is no value, so nothing that the issue is about", t.Kind, t.ForEach)
	}
	var out []connector.Record
	seen := map[string]bool{}
	for _, v := range list {
		values[t.ForEach] = v
		rec, err := t.record(c, is, values)
		if err != nil {
			return nil, err
		}
		name, err := textAt(v)
		if err != nil {
			return nil, fmt.Errorf("%s: field %s: %w", t.Kind, t.ForEach, err)
		}
		if rec.Key = is.id + "/" + name; seen[name] {
			continue
		}
		seen[name] = true
		out = append(out, rec)
	}
	return out, nil
}

// values reads the mapped fields.
func (t *issueType) values(is *issue) (map[string]any, error) {
	values := map[string]any{"issue_key": is.key}
	if strings.HasPrefix(t.Kind, "jira.") {
		r := &reader{fields: is.fields}
		values["key"], values["id"], values["issue_id"] = is.key, is.id, is.id
		values["project"], values["summary"], values["status"] = r.text(80, "project", "key"), r.text(1000, "summary"), r.text(200, "status", "name")
		if r.err != nil {
			return nil, r.err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		v, err := t.value(name, is)
		if err != nil {
			return nil, fmt.Errorf("%s: field %s (%s): %w", t.Kind, name, t.Fields[name].Path, err)
		}
		if v != nil {
			values[name] = v
		}
	}
	if len(t.shape.Key) == 1 && values[t.shape.Key[0]] == nil { // an id that Jira keeps for us: the issue's key
		values[t.shape.Key[0]] = is.key
	}
	return values, nil
}

func (t *issueType) record(c *config, is *issue, values map[string]any) (connector.Record, error) {
	rec, err := t.shape.Record(values)
	if err != nil {
		return connector.Record{}, fmt.Errorf("%s: %w", t.Kind, err)
	}
	rec.Key, rec.URL = is.id, is.url(c)
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
		if known && (field.Type == records.Texts || field.Type == records.Objects) || !known || name == t.ForEach {
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
		if x != nil {
			out = append(out, x)
		}
	}
	return out, nil
}

// translate puts text for a document, the identity for a person, what follows
// the prefix, and the settings' word for Jira's. It returns nil for what the
// settings leave out: text without the prefix, and a value whose word is empty.
func (f fieldMap) translate(v any) (any, error) {
	if s, ok := plainText(v); ok {
		v = s
	} else if s := userOf(v).String(); s != "" {
		v = s
	}
	if f.Values == nil && f.Prefix == "" {
		return v, nil
	}
	s, err := textAt(v)
	if err != nil {
		return nil, errors.New("want text, to translate it or to cut off its prefix")
	}
	if f.Prefix != "" {
		rest, ok := strings.CutPrefix(s, f.Prefix)
		if !ok || rest == "" {
			return nil, nil
		}
		s = rest
	}
	if f.Values == nil {
		return s, nil
	}
	for from, to := range f.Values {
		if !strings.EqualFold(from, s) {
			continue
		}
		if to == "" {
			return nil, nil
		}
		return to, nil
	}
	return nil, fmt.Errorf("values: there is no word for %q", records.Line(s, 60))
}

// userOf returns the user that a value is; nil if it is none. Other things
// have names too: only a user has an account, or a display name beside its own.
func userOf(v any) *account {
	m, _ := v.(map[string]any)
	if m["accountId"] == nil && (m["name"] == nil || m["displayName"] == nil) {
		return nil
	}
	return accountOf(v)
}
