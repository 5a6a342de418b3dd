// Package retain decides which payloads have been kept long enough, and erases
// them. What is erased leaves its entry, its digest and its proof in the ledger,
// and an entry that says who erased it and why.
//
// It may import internal/store and internal/evidence. It promises that nothing
// is erased early: a payload goes only when every piece of evidence that names
// it has been out of use for longer than its kind is kept, nothing rests on it
// and nothing holds it.
//
// Out of use is: a revision since the next one was collected; a key that is
// gone since it was found gone; what happened once (it has an event time) since
// the latest of its event, its period's end and when it was collected. A
// current state that is live is in use, however old it is.
package retain

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Policy says how long what is kept.
type Policy struct {
	// Of is how long payloads of a kind are kept after their last use; 0 means
	// for good.
	Of func(kind string) time.Duration
	// HoldKinds and HoldSubjects are not erased, whatever their age: somebody
	// may need them in a dispute.
	HoldKinds    []string
	HoldSubjects []evidence.Subject
	// Uses says what rests on a piece of evidence now (a result, a finding), or
	// nothing. It may be nil only where the caller takes that upon himself.
	Uses func(evidence.Digest) string
}

// Reader is what of a store is read.
type Reader interface {
	Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error]
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
}

// Eraser erases many payloads, each with its entry.
type Eraser interface {
	EraseAll(ctx context.Context, list []store.Erasure) (store.Receipt, error)
}

// Due is a payload that has been kept long enough.
type Due struct {
	Payload  evidence.Digest
	Size     int
	Kind     string // of the evidence that was in use last
	Subject  evidence.Subject
	Key      string
	Position int64
	LastUse  time.Time
	Since    time.Time // from when on it need not be kept
}

// Kept counts payloads that are old enough and stay, by why.
type Kept struct{ InUse, RestedOn, Held int64 }

// Plan is what would be erased at an instant.
type Plan struct {
	At   time.Time
	Due  []Due // oldest first
	Kept Kept
}

// key names a key of a source.
type key struct{ source, kind, key string }

// payload is what is known of one payload.
type payload struct {
	due  Due
	keep reason
}

type reason int

const (
	goes reason = iota
	inUse
	restedOn
	held
	notYet
)

// Make finds what is due at an instant. It reads all evidence once, and keeps in
// memory a little for each key and payload of the kinds that are not kept for
// good.
func Make(ctx context.Context, r Reader, p Policy, at time.Time) (Plan, error) {
	m := maker{p: p, at: at, heads: map[key]evidence.Evidence{}, payloads: map[evidence.Digest]*payload{}, erased: map[evidence.Digest]bool{}}
	for e, err := range r.Entries(ctx, 0, 1<<62, evidence.EntryErasure) {
		if err != nil {
			return Plan{}, err
		}
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return Plan{}, err
		}
		m.erased[er.Payload] = true
	}
	for ev, err := range r.Evidence(ctx, store.EvidenceQuery{}) {
		if err != nil {
			return Plan{}, err
		}
		m.take(ev)
	}
	return m.plan(), nil
}

type maker struct {
	p        Policy
	at       time.Time
	heads    map[key]evidence.Evidence // newest revision so far
	payloads map[evidence.Digest]*payload
	erased   map[evidence.Digest]bool
}

// take takes the next piece of evidence: the revision before it is out of use.
func (m *maker) take(ev evidence.Evidence) {
	k := key{ev.Source, ev.Kind, ev.Key}
	if before, ok := m.heads[k]; ok {
		m.use(&before, ev.CollectedAt, false)
	}
	m.heads[k] = ev
}

func (m *maker) plan() Plan {
	for _, ev := range m.heads {
		m.use(m.end(&ev))
	}
	out := Plan{At: m.at}
	for _, p := range m.payloads {
		switch p.keep {
		case goes:
			out.Due = append(out.Due, p.due)
		case inUse:
			out.Kept.InUse++
		case restedOn:
			out.Kept.RestedOn++
		case held:
			out.Kept.Held++
		}
	}
	slices.SortFunc(out.Due, func(a, b Due) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Position, b.Position))
	})
	return out
}

// end says when the newest revision of a key went out of use.
func (m *maker) end(ev *evidence.Evidence) (of *evidence.Evidence, last time.Time, live bool) {
	switch {
	case !ev.GoneAt.IsZero():
		return ev, ev.GoneAt, false
	case ev.EventTime.IsZero():
		return ev, ev.CollectedAt, true
	}
	last = ev.CollectedAt
	if ev.EventTime.After(last) {
		last = ev.EventTime
	}
	if ev.Period != nil && ev.Period.To.After(last) {
		last = ev.Period.To
	}
	return ev, last, false
}

// use notes that a payload was in use up to a time, or is.
func (m *maker) use(ev *evidence.Evidence, last time.Time, live bool) {
	if m.erased[ev.PayloadSum] {
		return
	}
	p := m.payloads[ev.PayloadSum]
	if p == nil {
		p = &payload{}
		m.payloads[ev.PayloadSum] = p
	}
	p.keep = max(p.keep, m.why(ev, last, live))
	for _, t := range []time.Time{ev.CollectedAt, last} {
		if t.After(p.due.LastUse) {
			p.due = Due{Payload: ev.PayloadSum, Size: ev.PayloadSize, Kind: ev.Kind, Subject: ev.Subject, Key: ev.Key, Position: ev.Seq,
				LastUse: t, Since: t.Add(m.p.Of(ev.Kind))}
		}
	}
}

// why says why a piece of evidence keeps its payload.
func (m *maker) why(ev *evidence.Evidence, last time.Time, live bool) reason {
	keep := m.p.Of(ev.Kind)
	if last.Before(ev.CollectedAt) {
		last = ev.CollectedAt // nothing is out of use before it was read
	}
	switch {
	case keep <= 0 || m.at.Before(last.Add(keep)):
		return notYet
	case slices.Contains(m.p.HoldKinds, ev.Kind) || slices.Contains(m.p.HoldSubjects, ev.Subject):
		return held
	case m.p.Uses != nil && m.p.Uses(ev.Digest) != "":
		return restedOn
	case live:
		return inUse
	}
	return goes
}

// atOnce is how many payloads are erased in one transaction.
const atOnce = 500

// Erase erases what is due, the oldest first. It can be stopped and begun again.
func Erase(ctx context.Context, e Eraser, p Plan, by string, done func(n int)) (n int, err error) {
	for part := range slices.Chunk(p.Due, atOnce) {
		list := make([]store.Erasure, len(part))
		for i, d := range part {
			list[i] = store.Erasure{Payload: d.Payload, By: by,
				Reason: fmt.Sprintf("retention: last in use %s, kept until %s", d.LastUse.UTC().Format(time.DateOnly), d.Since.UTC().Format(time.DateOnly))}
		}
		if _, err := e.EraseAll(ctx, list); err != nil {
			return n, err
		}
		n += len(part)
		if done != nil {
			done(n)
		}
	}
	return n, nil
}
