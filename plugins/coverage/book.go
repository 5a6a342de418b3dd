package coverage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// EmitError is an error of the emitter. It ends the run, and Collect returns
// what it wraps.
type EmitError struct{ Err error }

func (e *EmitError) Error() string { return e.Err.Error() }
func (e *EmitError) Unwrap() error { return e.Err }

// Book keeps one run's books. It is safe for concurrent use.
type Book struct {
	req   connector.Request
	emit  connector.Emitter
	kinds []string
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]*entry
	told int // gaps that were emitted one by one
}

// entry is what is known of one kind.
type entry struct {
	claim connector.KindCoverage
	read  int // parts of the scope that were read whole
	gaps  int
	some  bool // a record was emitted
	cut   bool // there were more gaps than are told one by one
}

// maxGaps is how many gaps are told one by one. A host ends a run that tells
// more than a few thousand.
const maxGaps = 5000

// New opens the books of a run.
func New(d connector.Descriptor, req connector.Request, emit connector.Emitter) *Book {
	b := &Book{req: req, emit: emit, now: time.Now, seen: map[string]*entry{}}
	for _, k := range d.Kinds {
		if req.Wants(k.Kind) {
			b.kinds = append(b.kinds, k.Kind)
			b.seen[k.Kind] = &entry{claim: connector.KindCoverage{IndependentCount: -1}}
		}
	}
	return b
}

// Wants returns those of kinds that the run was asked for.
func (b *Book) Wants(kinds ...string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return b.seen[k] == nil })
}

// Counter returns what a transport tells its calls to; nil if the host does
// not want to know.
func (b *Book) Counter() func(connector.Calls) {
	if r, ok := b.emit.(connector.CallRecorder); ok {
		return r.Calls
	}
	return nil
}

func (b *Book) update(kinds []string, f func(*entry)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range kinds {
		if e := b.seen[k]; e != nil {
			f(e)
		}
	}
}

// Read notes that a part of the scope was read whole, for each of kinds.
func (b *Book) Read(kinds ...string) { b.update(kinds, func(e *entry) { e.read++ }) }

// Enumerated notes that the run lists every record of kinds that exists now.
// It counts only if nothing was missed.
func (b *Book) Enumerated(kinds ...string) {
	b.update(kinds, func(e *entry) { e.claim.Enumerated = true })
}

// Query says what was asked for a kind; several are joined.
func (b *Book) Query(text string, kinds ...string) {
	for i, k := range kinds {
		if slices.Contains(kinds[:i], k) {
			continue
		}
		b.update([]string{k}, func(e *entry) {
			all := text
			if e.claim.Query != "" {
				all = e.claim.Query + "; " + text
			}
			e.claim.Query = records.Line(all, 1000)
		})
	}
}

// Since notes how far back the history of kinds was read; the latest counts.
func (b *Book) Since(t time.Time, kinds ...string) {
	b.update(kinds, func(e *entry) {
		if t.After(e.claim.Since) {
			e.claim.Since = t
		}
	})
}

// Count adds to what another way of counting gave for a kind.
func (b *Book) Count(kind string, n int64) {
	b.update([]string{kind}, func(e *entry) { e.claim.IndependentCount = max(e.claim.IndependentCount, 0) + n })
}

// Record emits a fact with its payload. One that no host takes (a name that
// is empty, too long or holds control characters, a time to come) becomes a
// gap. Kinds that were not asked for are left out.
func (b *Book) Record(rec connector.Record, payload any) error {
	if b.seen[rec.Kind] == nil {
		return nil
	}
	raw, err := json.Marshal(payload)
	switch {
	case err != nil:
	case !records.Fit(rec.Key) || !records.Fit(rec.Subject.ID):
		err = errors.New("a name that is empty, too long or holds control characters")
	case rec.EventTime.After(b.now().Add(time.Minute)):
		err = fmt.Errorf("its time, %s, has not come yet", rec.EventTime.UTC().Format(time.RFC3339))
	case len(raw) > maxPayload:
		err = fmt.Errorf("it is larger than %d bytes", maxPayload)
	default:
		err = fits(raw)
	}
	if err != nil {
		return b.Gap(connector.Gap{Kinds: []string{rec.Kind}, Scope: "record " + rec.Key, Reason: connector.Malformed, Detail: err.Error()})
	}
	rec.Major, rec.Payload, rec.URL = max(rec.Major, 1), raw, records.Link(rec.URL)
	if !rec.EventTime.IsZero() {
		rec.EventTime = rec.EventTime.UTC()
	}
	b.update([]string{rec.Kind}, func(e *entry) { e.some = true })
	return ended(b.emit.Record(rec))
}

// maxPayload is what a host takes, in bytes.
const maxPayload = 1 << 20

// Gap emits g for those of its kinds that were asked for.
func (b *Book) Gap(g connector.Gap) error {
	if g.Kinds = b.Wants(g.Kinds...); len(g.Kinds) == 0 {
		return nil
	}
	g.Scope, g.Detail = records.Line(g.Scope, 240), records.Line(g.Detail, 900)
	if g.Scope == "" {
		g.Scope = "a part without a name"
	}
	if !b.note(&g) {
		return nil
	}
	return ended(b.emit.Gap(g))
}

// Malformed emits the gap of one thing that cannot be taken.
func (b *Book) Malformed(scope, why string, kinds ...string) error {
	return b.Gap(connector.Gap{Kinds: kinds, Scope: scope, Reason: connector.Malformed, Detail: why})
}

// note writes a gap down and reports whether it is to be told. Of those beyond
// maxGaps each kind tells the first, as one that stands for the rest.
func (b *Book) note(g *connector.Gap) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var first []string
	for _, k := range g.Kinds {
		e := b.seen[k]
		if e.gaps++; !e.cut {
			first = append(first, k)
		}
	}
	if b.told++; b.told <= maxGaps {
		return true
	}
	for _, k := range first {
		b.seen[k].cut = true
	}
	g.Kinds, g.Detail = first, records.Line("and further gaps, which are too many to be told one by one; "+g.Detail, 900)
	return len(first) > 0
}

// Part is a piece of the scope, for Missed.
type Part struct {
	Kinds      []string
	Scope      string // as a person names it: a repository, a region
	Permission string // the one that closes a gap of reason denied
}

// Missed turns what ended the reading of a part into a gap. It returns an
// error only when the run must end.
func (b *Book) Missed(ctx context.Context, p Part, err error) error {
	if err == nil {
		return nil
	}
	if fatal := Fatal(ctx, err); fatal != nil {
		return fatal
	}
	g := connector.Gap{Kinds: p.Kinds, Scope: p.Scope, Reason: ReasonOf(err), Detail: err.Error()}
	if g.Reason == connector.Denied {
		g.Permission = p.Permission
	}
	return b.Gap(g)
}

// Part reads a part and writes down how it went: read whole, or missed. An
// error of it ends the run.
func (b *Book) Part(ctx context.Context, p Part, read func() error) error {
	if p.Kinds = b.Wants(p.Kinds...); len(p.Kinds) == 0 {
		return nil
	}
	if err := read(); err != nil {
		return b.Missed(ctx, p, err)
	}
	b.Read(p.Kinds...)
	return nil
}

// Unchanged attests a group.
func (b *Book) Unchanged(group string, count int) error { return ended(b.emit.Unchanged(group, count)) }

// Cursor keeps v, as JSON, under a name.
func (b *Book) Cursor(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cursor %s: %w", name, err)
	}
	return ended(b.emit.Cursor(name, string(raw)))
}

// Position reads the cursor kept under a name into v; false if there is none.
func (b *Book) Position(name string, v any) bool {
	raw, ok := b.req.Cursors[name]
	return ok && json.Unmarshal([]byte(raw), v) == nil
}

// Validator keeps what a conditional request needs next time. One that is
// larger than a host keeps is dropped: the answer is read in full next time.
func (b *Book) Validator(key string, v connector.Validator) error {
	if len(v.Memo) > 60<<10 || !records.Fit(key) {
		return nil
	}
	return ended(b.emit.Validator(key, v))
}

// Progress tells a person how far the run is.
func (b *Book) Progress(message string, done, total int) {
	b.emit.Progress(connector.Progress{Message: message, Done: int64(done), Total: int64(total)})
}

// Result is the run's claim about every kind that was asked for.
func (b *Book) Result() connector.Coverage {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := connector.Coverage{}
	for _, kind := range b.kinds {
		e := b.seen[kind]
		c := e.claim
		switch {
		case e.gaps > 0 && e.read == 0 && !e.some:
			c.Status = connector.Refused
		case e.gaps > 0:
			c.Status = connector.Partial
		case e.read > 0:
			c.Status = connector.Complete
		}
		c.Enumerated = c.Enumerated && c.Status == connector.Complete
		out[kind] = c
	}
	return out
}

func ended(err error) error {
	if err != nil {
		return &EmitError{err}
	}
	return nil
}
