package aws

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// recorder keeps what a run emits and hands the positions to the next one.
type recorder struct {
	mu         sync.Mutex
	records    []connector.Record
	gaps       []connector.Gap
	unchanged  map[string]int
	cursors    map[string]string
	validators map[string]connector.Validator
}

var _ connector.Emitter = (*recorder)(nil)

func newRecorder() *recorder {
	return &recorder{unchanged: map[string]int{}, cursors: map[string]string{}, validators: map[string]connector.Validator{}}
}

func (r *recorder) Record(rec connector.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
	return nil
}

func (r *recorder) Unchanged(group string, count int) error { r.unchanged[group] = count; return nil }

func (r *recorder) Gap(g connector.Gap) error { r.gaps = append(r.gaps, g); return nil }

func (r *recorder) Cursor(name, value string) error { r.cursors[name] = value; return nil }

func (r *recorder) Validator(key string, v connector.Validator) error {
	if v.IsZero() {
		delete(r.validators, key)
	} else {
		r.validators[key] = v
	}
	return nil
}

func (r *recorder) Progress(connector.Progress) {}

// run collects once.
func run(t *testing.T, cfg connector.Config) (*recorder, connector.Coverage, error) {
	t.Helper()
	rec := newRecorder()
	cov, err := New().Collect(t.Context(), connector.Request{Config: cfg}, rec)
	return rec, cov, err
}

// payload decodes a record's payload.
func payload(t *testing.T, r connector.Record) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(r.Payload, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// byKind returns the records of a kind.
func (r *recorder) byKind(kind string) []connector.Record {
	var out []connector.Record
	for _, rec := range r.records {
		if rec.Kind == kind {
			out = append(out, rec)
		}
	}
	return out
}
