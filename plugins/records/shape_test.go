package records

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestShapesAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Shapes() {
		if seen[s.Kind] {
			t.Errorf("%s is there twice", s.Kind)
		}
		seen[s.Kind] = true
		names := map[string]bool{}
		for _, f := range s.Fields {
			if names[f.Name] || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				t.Errorf("%s: field %q is there twice or is no name", s.Kind, f.Name)
			}
			names[f.Name] = true
		}
		for _, k := range s.Key {
			if f, ok := s.Field(k); !ok || (f.Type != Text && f.Type != Time) {
				t.Errorf("%s: key field %s: want a text or a time", s.Kind, k)
			}
		}
		if f, ok := s.Field(s.SubjectField); s.SubjectField != "" && (!ok || f.Type != Text) {
			t.Errorf("%s: subject field %s: want a text", s.Kind, s.SubjectField)
		}
		if f, ok := s.Field(s.EventField); s.EventField != "" && (!ok || f.Type != Time) {
			t.Errorf("%s: event field %s: want a time", s.Kind, s.EventField)
		}
		if len(s.Key) == 0 || s.SubjectType == "" {
			t.Errorf("%s: no key or no subject type", s.Kind)
		}
	}
	for _, k := range []string{"github.pull_request", "model_registry.approval", "jira.issue", "cloud.audit_event", "collector.run", "waiver.record"} {
		if _, ok := ShapeOf(k); ok {
			t.Errorf("%s can be typed by hand", k)
		}
	}
}

func TestRecord(t *testing.T) {
	s, _ := ShapeOf("vendor.assessment")
	got, err := s.Record(map[string]any{
		"vendor_id": "ac|me", "topics": map[string]any{"security": "ok"}, "approved_at": "2026-05-04T10:00:00.000+0200",
		"evidence_links": "https://example.com", "next_due": nil, "note": json.Number("3"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := connector.Record{
		Kind: "vendor.assessment", Major: 1, Subject: connector.Subject{Type: "vendor", ID: "ac|me"},
		Key: "ac%7Cme|2026-05-04T08:00:00Z", EventTime: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC),
		Payload: json.RawMessage(`{"approved_at":"2026-05-04T08:00:00Z","evidence_links":["https://example.com"],"note":3,"topics":{"security":"ok"},"vendor_id":"ac|me"}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordNamesEveryBadField(t *testing.T) {
	s, _ := ShapeOf("corrective_action.record")
	_, err := s.Record(map[string]any{"action_id": "A", "nc_id": "N", "due": "soon", "effective": "perhaps", "owner": []any{"x"}})
	if err == nil {
		t.Fatal("no error")
	}
	want := "field due: \"soon\" is not a time; write 2026-05-04 or 2026-05-04T09:30:00Z\n" +
		"field effective: \"perhaps\" is neither yes nor no\nfield owner: want text, got a list"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestCoerce(t *testing.T) {
	for _, tt := range []struct {
		t    FieldType
		in   any
		want any // nil: an error
	}{
		{Text, json.Number("2.10"), "2.10"},
		{Text, true, "true"},
		{Text, []any{"a"}, nil},
		{Time, "2026-05-04", "2026-05-04T00:00:00Z"},
		{Time, "2026-05-04T23:00:00-02:00", "2026-05-05T01:00:00Z"},
		{Time, json.Number("1"), nil},
		{Time, "0001-01-01", nil},
		{Number, "12.5", 12.5},
		{Number, "about 3", nil},
		{Number, json.Number("1e400"), nil},
		{Number, json.Number("9007199254740993"), nil},
		{Number, "NaN", nil},
		{Bool, "Yes", true},
		{Bool, "maybe", nil},
		{Bool, json.Number("1"), nil},
		{Texts, "one", []string{"one"}},
		{Texts, []any{"a", json.Number("1")}, []string{"a", "1"}},
		{Texts, []any{map[string]any{}}, nil},
		{Objects, []any{map[string]any{"a": "b"}}, []any{map[string]any{"a": "b"}}},
		{Objects, []any{"a"}, nil},
		{Object, map[string]any{}, map[string]any{}},
		{Object, "a", nil},
	} {
		got, err := Coerce(tt.t, tt.in)
		if (err != nil) != (tt.want == nil) {
			t.Errorf("%s from %v: error %v", tt.t, tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
			t.Errorf("%s from %v: %s", tt.t, tt.in, diff)
		}
	}
}

func TestErrorsRepeatNoControlCharacters(t *testing.T) {
	_, err := Coerce(Time, "\x1b[31m"+strings.Repeat("x", 500))
	if err == nil || strings.ContainsRune(err.Error(), '\x1b') || len(err.Error()) > 300 {
		t.Errorf("error %q", err)
	}
}
