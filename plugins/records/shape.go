package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// FieldType says how a payload field is written in JSON.
type FieldType string

// Field types. A time is RFC 3339 in UTC; a day alone means its first second.
const (
	Text    FieldType = "text"
	Time    FieldType = "time"
	Number  FieldType = "number"
	Bool    FieldType = "bool"
	Texts   FieldType = "list of texts"
	Objects FieldType = "list of objects"
	Object  FieldType = "object"
)

// Field is one field of a payload.
type Field struct {
	Name   string
	Type   FieldType
	Values []string // of a text: the only ones there are; nil for any
}

// maxID is the longest subject id and key, in bytes.
const maxID = 1000

// OrganizationID is the subject id of records about the organisation itself.
const OrganizationID = "organization"

// Shape is how a kind that people keep (in files, in tickets) is written: what
// it is about, what tells two of them apart, when it happened, and its fields.
type Shape struct {
	Kind         string
	SubjectType  string
	SubjectField string   // empty: about the organisation
	Key          []string // fields whose values make the natural key
	EventField   string   // empty: a reading of a current state
	Fields       []Field
}

// Field returns the field called name.
func (s Shape) Field(name string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Record builds a record of the shape from values as decoded from JSON or
// YAML (string, json.Number, bool, []any, map[string]any). Known fields are
// brought to their types, fields the shape does not know are kept as they are,
// null means absent. A value that does not fit its type is an error that names
// every such field; nothing is guessed. EventTime is zero when its field is
// absent.
func (s Shape) Record(values map[string]any) (connector.Record, error) {
	payload := make(map[string]any, len(values)+1)
	var errs []error
	for name, v := range values {
		if v == nil {
			continue
		}
		if f, known := s.Field(name); known {
			c, err := Coerce(f.Type, v)
			if err != nil {
				errs = append(errs, fmt.Errorf("field %s: %w", name, err))
				continue
			}
			if text, ok := c.(string); ok && f.Values != nil && !slices.Contains(f.Values, text) {
				errs = append(errs, fmt.Errorf("field %s: %q is none of %s", name, clip(text), strings.Join(f.Values, ", ")))
				continue
			}
			v = c
		}
		if err := CheckValue(v, 0); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", clip(name), err))
			continue
		}
		payload[name] = v
	}
	if err := errors.Join(sortErrors(errs)...); err != nil {
		return connector.Record{}, err
	}
	rec := connector.Record{Kind: s.Kind, Major: 1, Subject: connector.Subject{Type: s.SubjectType, ID: OrganizationID}}
	if s.SubjectField != "" {
		id, _ := payload[s.SubjectField].(string)
		if id == "" {
			return connector.Record{}, fmt.Errorf("field %s: missing; it names what a %s is about", s.SubjectField, s.Kind)
		}
		rec.Subject.ID = id
	}
	key, err := s.key(payload)
	if err != nil {
		return connector.Record{}, err
	}
	rec.Key = key
	for _, id := range []string{rec.Subject.ID, rec.Key} {
		if len(id) > maxID || unfit(id) {
			return connector.Record{}, fmt.Errorf("%q cannot be used to tell one %s from another: it is too long or holds control characters", clip(id), s.Kind)
		}
	}
	if at, ok := payload[s.EventField].(string); ok && s.EventField != "" {
		rec.EventTime, _ = time.Parse(time.RFC3339Nano, at)
	}
	rec.Payload, err = json.Marshal(payload)
	return rec, err
}

// key joins the key fields. A time that is not there yet (a draft that nobody
// approved) is written as a dash; any other missing part is an error.
func (s Shape) key(payload map[string]any) (string, error) {
	parts := make([]string, 0, len(s.Key))
	for _, name := range s.Key {
		f, _ := s.Field(name)
		v, _ := payload[name].(string)
		switch {
		case v != "":
			parts = append(parts, strings.ReplaceAll(v, "|", "%7C"))
		case f.Type == Time:
			parts = append(parts, "-")
		default:
			return "", fmt.Errorf("field %s: missing; it tells one %s from another", name, s.Kind)
		}
	}
	return strings.Join(parts, "|"), nil
}

// Coerce brings a decoded value to a field's type, without changing what it
// says: a number may become text, a single text a list of one; prose never
// becomes a number, nor a word a time.
func Coerce(t FieldType, v any) (any, error) {
	switch t {
	case Text:
		return text(v)
	case Time:
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("want a time as text, got %s", describe(v))
		}
		at, _, err := ParseTime(s)
		if err != nil {
			return nil, err
		}
		return at.Format(time.RFC3339Nano), nil
	case Number:
		return number(v)
	case Bool:
		return boolean(v)
	case Texts:
		return texts(v)
	case Objects:
		return objects(v)
	case Object:
		if m, ok := v.(map[string]any); ok {
			return m, nil
		}
	}
	return nil, fmt.Errorf("want %s, got %s", t, describe(v))
}

// ParseTime reads a time as it is written in files and by Jira, and reports
// whether it was a day alone. Years outside 1900 to 9999 are refused.
func ParseTime(s string) (at time.Time, dayOnly bool, err error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999-0700", "2006-01-02 15:04:05Z07:00"} {
		if at, err = time.Parse(layout, s); err == nil {
			break
		}
	}
	if err != nil {
		at, err = time.Parse(time.DateOnly, s)
		dayOnly = err == nil
	}
	if err != nil || at.Year() < 1900 || at.Year() > 9999 {
		return time.Time{}, false, fmt.Errorf("%q is not a time; write 2026-05-04 or 2026-05-04T09:30:00Z", clip(s))
	}
	return at.UTC(), dayOnly, nil
}

func text(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, fmt.Errorf("want text, got %s", describe(v))
}

func number(v any) (any, error) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	default:
		return nil, fmt.Errorf("want a number, got %s", describe(v))
	}
	f, err := strconv.ParseFloat(s, 64)
	if n, ierr := strconv.ParseInt(s, 10, 64); ierr == nil && (n > 1<<53 || n < -1<<53) {
		f = math.Inf(1) // rounds to a number that would pass
	}
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || math.Abs(f) > 1<<53 {
		return nil, fmt.Errorf("%q is not a number that can be kept exactly", clip(s))
	}
	return f, nil
}

func boolean(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "yes":
			return true, nil
		case "false", "no":
			return false, nil
		}
		return nil, fmt.Errorf("%q is neither yes nor no", clip(v))
	}
	return nil, fmt.Errorf("want yes or no, got %s", describe(v))
}

func texts(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for i, e := range list {
		s, err := text(e)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		out = append(out, s.(string))
	}
	return out, nil
}

func objects(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("want a list of objects, got %s", describe(v))
	}
	for i, e := range list {
		if _, ok := e.(map[string]any); !ok {
			return nil, fmt.Errorf("item %d: want an object, got %s", i+1, describe(e))
		}
	}
	return list, nil
}

// describe names a value's JSON type, never its content.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case json.Number, float64, int:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", v)
}

// CheckValue refuses what canonical JSON cannot carry unchanged: numbers that
// are not exact and nesting without end.
func CheckValue(v any, depth int) error {
	if depth > 32 {
		return errors.New("nests deeper than 32")
	}
	switch v := v.(type) {
	case json.Number:
		_, err := number(v)
		return err
	case []any:
		for _, e := range v {
			if err := CheckValue(e, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := CheckValue(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
