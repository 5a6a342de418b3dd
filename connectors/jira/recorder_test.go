package jira

import (
	"encoding/json"
	"maps"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// recorder keeps what a run emits and hands the positions to the next one.
type recorder struct {
	mu        sync.Mutex
	records   []connector.Record
	gaps      []connector.Gap
	unchanged map[string]int
	cursors   map[string]string
	calls     connector.Calls
}

var (
	_ connector.Emitter      = (*recorder)(nil)
	_ connector.CallRecorder = (*recorder)(nil)
)

func newRecorder() *recorder {
	return &recorder{unchanged: map[string]int{}, cursors: map[string]string{}}
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

func (r *recorder) Validator(string, connector.Validator) error { return nil }

func (r *recorder) Progress(connector.Progress) {}

func (r *recorder) Calls(c connector.Calls) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = r.calls.Add(c)
}

// run collects once, with the positions of prev if there was one.
func run(t *testing.T, settings map[string]any, prev *recorder) (*recorder, connector.Coverage, error) {
	t.Helper()
	return runWith(t, New(), connector.Request{Config: config0(t, settings)}, prev)
}

func runWith(t *testing.T, c *Connector, req connector.Request, prev *recorder) (*recorder, connector.Coverage, error) {
	t.Helper()
	rec := newRecorder()
	if prev != nil {
		rec.cursors = maps.Clone(prev.cursors) // a host keeps what is not written again
		req.Cursors = maps.Clone(prev.cursors)
	}
	if req.Full {
		req.Cursors = connector.Memory(req.Cursors)
	}
	cov, err := c.Collect(t.Context(), req, rec)
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
