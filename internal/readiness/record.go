package readiness

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Record is the revision of a record that holds at an instant.
type Record struct {
	Kind      string
	Subject   evidence.Subject
	Key       string
	Source    string
	Digest    evidence.Digest
	EventTime time.Time // zero for a reading of a state that has none
	Collected time.Time
	Fields    map[string]any // the payload, as decoded from JSON
}

// ParseRecord makes a record of a piece of evidence with its payload.
func ParseRecord(e evidence.Evidence) (Record, error) {
	r := Record{Kind: e.Kind, Subject: e.Subject, Key: e.Key, Source: e.Source, Digest: e.Digest, EventTime: e.EventTime, Collected: e.CollectedAt}
	if err := json.Unmarshal(e.Payload, &r.Fields); err != nil {
		return r, fmt.Errorf("%s %s: %w", e.Kind, e.Key, err)
	}
	return r, nil
}

// Text returns a field that is text, empty if there is none.
func (r Record) Text(name string) string {
	s, _ := r.Fields[name].(string)
	return strings.TrimSpace(s)
}

// Texts returns a field that is a list of texts.
func (r Record) Texts(name string) []string {
	list, _ := r.Fields[name].([]any)
	out := []string{}
	for _, v := range list {
		if s, ok := v.(string); ok && strings.TrimSpace(s) != "" {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

// Objects returns a field that is a list of objects, each as a record of its own.
func (r Record) Objects(name string) []Record {
	list, _ := r.Fields[name].([]any)
	var out []Record
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, Record{Fields: m})
		}
	}
	return out
}

// Time returns a field that is a time, zero if there is none.
func (r Record) Time(name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.Text(name))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// Number returns a field that is a number.
func (r Record) Number(name string) (float64, bool) {
	f, ok := r.Fields[name].(float64)
	return f, ok
}

// Bool returns a field that is true or false; absent is the default.
func (r Record) Bool(name string, absent bool) bool {
	b, ok := r.Fields[name].(bool)
	if !ok {
		return absent
	}
	return b
}

// At is when the record happened, else when it was read.
func (r Record) At() time.Time {
	if r.EventTime.IsZero() {
		return r.Collected
	}
	return r.EventTime
}

// Approval returns who approved what the record says, and when; empty where
// it does not say both.
func (r Record) Approval() (by string, at time.Time) {
	for _, f := range [][2]string{{"approved_by", "approved_at"}, {"approver", "approved_at"}, {"approver", "decided_at"}} {
		if by, at := r.Text(f[0]), r.Time(f[1]); by != "" && !at.IsZero() {
			return by, at
		}
	}
	return "", time.Time{}
}

// Records are those in force at an instant.
type Records []Record

// Of returns the records of kinds, newest first.
func (all Records) Of(kinds ...string) Records {
	var out Records
	for _, r := range all {
		if slices.Contains(kinds, r.Kind) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b Record) int {
		return cmp.Or(b.At().Compare(a.At()), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Key, b.Key), strings.Compare(a.Source, b.Source))
	})
	return out
}

// Systems returns the registered AI systems that the management system covers
// and that are not retired at an instant, by id.
func (all Records) Systems(at time.Time) Records {
	var out Records
	for _, r := range all.Of("inventory.ai_system") {
		retired := r.Time("retired_at")
		twice := slices.ContainsFunc(out, func(o Record) bool { return o.Subject.ID == r.Subject.ID })
		if r.Bool("in_scope", true) && (retired.IsZero() || retired.After(at)) && !twice {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return strings.Compare(a.Subject.ID, b.Subject.ID) })
	return out
}

// Scope returns the newest scope statement that was approved, and false if
// there is none.
func (all Records) Scope() (Record, bool) {
	for _, r := range all.Of("scope.statement") {
		if by, _ := r.Approval(); by != "" {
			return r, true
		}
	}
	return Record{}, false
}
