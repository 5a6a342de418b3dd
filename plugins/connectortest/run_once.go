package connectortest

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Recorder is an Emitter for a connector's own tests: it keeps what runs emit,
// and hands the positions of one run to the next. It checks nothing; Run does.
type Recorder struct {
	mu         sync.Mutex
	records    []connector.Record
	gaps       []connector.Gap
	unchanged  map[string]int
	cursors    map[string]string
	validators map[string]connector.Validator
	calls      connector.Calls
}

var (
	_ connector.Emitter      = (*Recorder)(nil)
	_ connector.CallRecorder = (*Recorder)(nil)
)

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{unchanged: map[string]int{}, cursors: map[string]string{}, validators: map[string]connector.Validator{}}
}

// Collect runs c once with the positions of prev, if there was a run before,
// and returns what it emitted and claims.
func Collect(t testing.TB, c connector.Connector, req connector.Request, prev *Recorder) (*Recorder, connector.Coverage, error) {
	t.Helper()
	rec := NewRecorder()
	if prev != nil {
		prev.mu.Lock()
		rec.cursors, rec.validators = maps.Clone(prev.cursors), maps.Clone(prev.validators)
		prev.mu.Unlock()
	}
	req.Cursors, req.Validators = maps.Clone(rec.cursors), maps.Clone(rec.validators)
	if req.Full {
		req.Cursors, req.Validators = connector.Memory(req.Cursors), nil
	}
	cov, err := c.Collect(t.Context(), req, rec)
	return rec, cov, err
}

// Records returns the records of the given kinds, or all, in the order of
// emission.
func (r *Recorder) Records(kinds ...string) []connector.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []connector.Record
	for _, rec := range r.records {
		if len(kinds) == 0 || slices.Contains(kinds, rec.Kind) {
			out = append(out, rec)
		}
	}
	return out
}

// Kinds returns the kinds of all records, sorted, each once.
func (r *Recorder) Kinds() []string {
	set := map[string]bool{}
	for _, rec := range r.Records() {
		set[rec.Kind] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Gaps returns the gaps in the order of emission.
func (r *Recorder) Gaps() []connector.Gap {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.gaps)
}

// Attested returns the groups called unchanged, with their counts.
func (r *Recorder) Attested() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.unchanged)
}

// Counted returns the calls that were reported.
func (r *Recorder) Counted() connector.Calls {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// Cursors returns the positions as a next run would be handed them.
func (r *Recorder) Cursors() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.cursors)
}

// Validators returns the validators as a next run would be handed them.
func (r *Recorder) Validators() map[string]connector.Validator {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.validators)
}

// Payload decodes a record's payload.
func Payload(t testing.TB, rec connector.Record) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(rec.Payload, &m); err != nil {
		t.Fatalf("payload of %s: %v", rec.Key, err)
	}
	return m
}

// Record keeps a record.
func (r *Recorder) Record(rec connector.Record) error {
	return r.keep(func() { r.records = append(r.records, rec) })
}

// Unchanged keeps an attestation.
func (r *Recorder) Unchanged(group string, count int) error {
	return r.keep(func() { r.unchanged[group] = count })
}

// Gap keeps a gap.
func (r *Recorder) Gap(g connector.Gap) error { return r.keep(func() { r.gaps = append(r.gaps, g) }) }

// Cursor keeps a position.
func (r *Recorder) Cursor(name, value string) error {
	return r.keep(func() { r.cursors[name] = value })
}

// Validator keeps a validator, or drops it if it is zero.
func (r *Recorder) Validator(key string, v connector.Validator) error {
	return r.keep(func() {
		if v.IsZero() {
			delete(r.validators, key)
		} else {
			r.validators[key] = v
		}
	})
}

// Calls adds calls up.
func (r *Recorder) Calls(c connector.Calls) { _ = r.keep(func() { r.calls = r.calls.Add(c) }) }

// Progress is not kept.
func (r *Recorder) Progress(connector.Progress) {}

func (r *Recorder) keep(f func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	return nil
}
