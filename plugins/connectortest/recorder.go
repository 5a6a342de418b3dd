package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// id is what makes a record of a source one of a kind.
type id struct{ kind, key string }

// recorder is an Emitter that keeps what a run emits, as a host would, and
// notes what no host would accept.
type recorder struct {
	rules wire.Rules
	hook  func() error // called with each item; its error goes back to the connector

	mu         sync.Mutex
	records    map[id]connector.Record
	attested   map[string]int // groups
	gaps       []connector.Gap
	cursors    map[string]string
	validators map[string]connector.Validator
	calls      connector.Calls
	items      int
	texts      []string // everything that a secret must not be in
	problems   []string
}

var (
	_ connector.Emitter      = (*recorder)(nil)
	_ connector.CallRecorder = (*recorder)(nil)
)

func newRecorder(d connector.Descriptor) *recorder {
	return &recorder{
		rules: wire.NewRules(d, 0), hook: func() error { return nil }, records: map[id]connector.Record{},
		attested: map[string]int{}, cursors: map[string]string{}, validators: map[string]connector.Validator{},
	}
}

// take notes one item under the lock.
func (r *recorder) take(rule error, keep func()) error {
	r.mu.Lock()
	r.items++
	if rule != nil {
		r.problems = append(r.problems, rule.Error())
	} else {
		keep()
	}
	r.mu.Unlock()
	return r.hook()
}

func (r *recorder) Record(rec connector.Record) error {
	rec.Major = max(rec.Major, 1)
	rec.Payload = slices.Clone(rec.Payload)
	return r.take(r.rules.Record(rec), func() {
		key := id{rec.Kind, rec.Key}
		if old, ok := r.records[key]; ok && !sameRecord(old, rec) {
			r.problems = append(r.problems, fmt.Sprintf("record %q of kind %s was emitted twice with different content", rec.Key, rec.Kind))
		}
		r.records[key] = rec
		r.texts = append(r.texts, rec.Key, rec.Group, rec.Subject.ID, rec.URL, string(rec.Payload))
	})
}

func (r *recorder) Unchanged(group string, count int) error {
	return r.take(r.rules.Unchanged(group, int64(count)), func() {
		r.attested[group] = count
		r.texts = append(r.texts, group)
	})
}

func (r *recorder) Gap(g connector.Gap) error {
	return r.take(r.rules.Gap(g), func() {
		r.gaps = append(r.gaps, g)
		r.texts = append(r.texts, g.Scope, g.Detail)
	})
}

func (r *recorder) Cursor(name, value string) error {
	return r.take(r.rules.Cursor(name, value), func() {
		r.cursors[name] = value
		r.texts = append(r.texts, name, value)
	})
}

func (r *recorder) Validator(key string, v connector.Validator) error {
	return r.take(r.rules.Validator(key, v), func() {
		if v.IsZero() {
			delete(r.validators, key)
		} else {
			r.validators[key] = v
		}
		r.texts = append(r.texts, key, v.ETag, v.LastModified, v.Link, string(v.Memo))
	})
}

func (r *recorder) Progress(p connector.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, p.Message)
}

func (r *recorder) Calls(c connector.Calls) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = r.calls.Add(c)
}

// groups returns how many records each group has.
func (r *recorder) groups() map[string]int {
	n := map[string]int{}
	for _, rec := range r.records {
		if rec.Group != "" {
			n[rec.Group]++
		}
	}
	return n
}

// sorted returns the records by kind and key.
func (r *recorder) sorted() []connector.Record {
	return slices.SortedFunc(maps.Values(r.records), func(a, b connector.Record) int {
		return strings.Compare(a.Kind+"\x00"+a.Key, b.Kind+"\x00"+b.Key)
	})
}

// sameRecord compares everything but the group, which may be cut differently
// from run to run.
func sameRecord(a, b connector.Record) bool {
	if a.Kind != b.Kind || a.Major != b.Major || a.Key != b.Key || a.Subject != b.Subject || a.URL != b.URL ||
		!a.EventTime.Equal(b.EventTime) || !samePeriod(a.Period, b.Period) {
		return false
	}
	return samePayload(a.Payload, b.Payload)
}

func samePeriod(a, b *connector.Period) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.From.Equal(b.From) && a.To.Equal(b.To)
}

// samePayload compares JSON values, not their spelling.
func samePayload(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	canonical := func(raw json.RawMessage) string {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return string(raw)
		}
		out, err := json.Marshal(v)
		if err != nil {
			return string(raw)
		}
		return string(out)
	}
	return canonical(a) == canonical(b)
}
