package ask

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// record is evidence with its payload read.
type record struct {
	evidence.Evidence
	fields map[string]any
}

func newRecord(ev evidence.Evidence) (record, bool) {
	r := record{Evidence: ev}
	if err := json.Unmarshal(ev.Payload, &r.fields); err != nil {
		return r, false
	}
	r.Payload = nil
	return r, r.fields != nil
}

// countedRecord reads of a payload what a trace says of records that it counts.
func countedRecord(ev evidence.Evidence) (record, bool) {
	var p *struct {
		System    any `json:"system_id"`
		Systems   any `json:"system_ids"`
		Metric    any `json:"metric"`
		Value     any `json:"value"`
		Threshold any `json:"threshold"`
		Path      any `json:"source_path"`
		Commit    any `json:"source_commit"`
	}
	r := record{Evidence: ev}
	if err := json.Unmarshal(ev.Payload, &p); err != nil || p == nil {
		return r, false
	}
	r.Payload, r.fields = nil, map[string]any{}
	for name, v := range map[string]any{"system_id": p.System, "system_ids": p.Systems, "metric": p.Metric, "value": p.Value,
		"threshold": p.Threshold, "source_path": p.Path, "source_commit": p.Commit} {
		if v != nil {
			r.fields[name] = v
		}
	}
	return r, true
}

func (r record) has(name string) bool {
	v, ok := r.fields[name]
	return ok && v != nil
}

// text returns a field's text, or nothing.
func (r record) text(name string) string {
	s, _ := r.fields[name].(string)
	return strings.TrimSpace(s)
}

func (r record) texts(name string) []string { return textsOf(r.fields[name]) }

func textsOf(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok && strings.TrimSpace(s) != "" {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

// time returns a field's instant; a date is its beginning.
func (r record) time(name string) time.Time {
	s := r.text(name)
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (r record) number(name string) (float64, bool) {
	n, ok := r.fields[name].(float64)
	return n, ok
}

// yes returns a field's truth; known is false if it says nothing.
func (r record) yes(name string) (value, known bool) {
	value, known = r.fields[name].(bool)
	return value, known
}

// object returns a field that has fields itself.
func (r record) object(name string) record {
	m, _ := r.fields[name].(map[string]any)
	return record{fields: m}
}

// objects returns a list of those.
func (r record) objects(name string) []record {
	list, _ := r.fields[name].([]any)
	var out []record
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, record{fields: m})
		}
	}
	return out
}

// systems returns the ids of AI systems that the record names.
func (r record) systems() []string {
	ids := r.texts("system_ids")
	if id := r.text("system_id"); id != "" {
		ids = append(ids, id)
	}
	if r.Subject.Type == "ai_system" {
		ids = append(ids, r.Subject.ID)
	}
	return ids
}

// locator is where the source keeps what was read, for records without an
// address.
func (r record) locator() string {
	path, commit := r.text("source_path"), r.text("source_commit")
	if path == "" || commit == "" {
		return path
	}
	return path + "@" + commit[:min(12, len(commit))]
}

// word writes a value of a payload as a person would.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%g", v), ".0")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "an unknown day"
	}
	return t.UTC().Format(time.DateOnly)
}

// span says how long it was between two instants, in days where it was days.
func span(d time.Duration) string {
	d = d.Abs()
	switch days := int(d / (24 * time.Hour)); {
	case days > 1:
		return fmt.Sprintf("%d days", days)
	case days == 1:
		return "1 day"
	case d >= time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d min", int(d/time.Minute))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// same compares names of people or roles, however they are written.
func same(a, b string) bool {
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(strings.TrimSpace(s)))
	}
	return plain(a) == plain(b) && plain(a) != ""
}
