package sheets

import (
	"bytes"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// The first operating record of a control is the earliest event among the
// evidence of operation that its satisfied results rest on, as the record of a
// period counts it. The deciding event of a result is mostly the latest.

// operation is the strength of evidence that something was done.
const operation = "operation"

// resting is that a satisfied result of a control rests on an item.
type resting struct {
	on      citation
	control uint16 // index into the assessment's controls
}

func (x resting) compare(y resting) int {
	if c := bytes.Compare(x.on[:], y.on[:]); c != 0 {
		return c
	}
	return int(x.control) - int(y.control)
}

// restingOn lists what satisfied results rest on, where a rule takes evidence
// of operation at all.
func restingOn(snap *export.Snapshot) []resting {
	index := make(map[string]uint16, len(snap.Assessment.Controls))
	for i, c := range snap.Assessment.Controls {
		index[c.ID] = uint16(i)
	}
	var out []resting
	for _, r := range snap.Assessment.Results {
		i, known := index[r.Control]
		if !known || r.Status != assess.StatusSatisfied || !takesOperation(snap, r.Expectation) {
			continue
		}
		for _, d := range r.Evidence {
			out = append(out, resting{citationOf(d), i})
		}
	}
	slices.SortFunc(out, resting.compare)
	return slices.Compact(out)
}

func takesOperation(snap *export.Snapshot, slug string) bool {
	return slices.ContainsFunc(snap.Expectations[slug].Kinds, func(kind string) bool { return snap.Kinds[kind].Strength == operation })
}

// operates notes when an item shows that controls operated.
func (b *Book) operates(ev *evidence.Evidence) {
	if ev.EventTime.IsZero() || len(b.resting) == 0 || b.snap.Kinds[ev.Kind].Strength != operation {
		return
	}
	on := citationOf(ev.Digest)
	i, _ := slices.BinarySearchFunc(b.resting, resting{on: on}, resting.compare)
	for ; i < len(b.resting) && b.resting[i].on == on; i++ {
		id := b.snap.Assessment.Controls[b.resting[i].control].ID
		if first := b.operated[id]; first.IsZero() || ev.EventTime.Before(first) {
			b.operated[id] = ev.EventTime
		}
	}
}
