package pluginhost

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Sink takes what a run sends. Its methods are called one after another, from
// the goroutine that called Collect.
type Sink interface {
	// Batch takes what the connector sent next. Everything in it is to take
	// effect in one transaction, so that a cursor is never kept without the
	// records before it. An error ends the run and is returned from Collect.
	// The host reads on while Batch works, up to a few megabytes.
	Batch(ctx context.Context, b Batch) error
	// Progress is for a person to watch; the newest replaces those before.
	Progress(p connector.Progress)
}

// Batch is a part of a run, each slice in the order of emission. All of it has
// passed the rules of package wire; texts are free of secrets.
type Batch struct {
	Records    []connector.Record
	Unchanged  []Unchanged
	Gaps       []connector.Gap
	Cursors    []Cursor
	Validators []Validator
}

// Unchanged says that count records of a group are as they were.
type Unchanged struct {
	Group string
	Count int
}

// Cursor is a position to be handed back under Name next time.
type Cursor struct{ Name, Value string }

// Validator is what a conditional request needs next time; a zero Value
// removes Key.
type Validator struct {
	Key   string
	Value connector.Validator
}

// Len returns how many items b holds.
func (b Batch) Len() int {
	return len(b.Records) + len(b.Unchanged) + len(b.Gaps) + len(b.Cursors) + len(b.Validators)
}

// add appends c to b.
func (b *Batch) add(c Batch) {
	b.Records = append(b.Records, c.Records...)
	b.Unchanged = append(b.Unchanged, c.Unchanged...)
	b.Gaps = append(b.Gaps, c.Gaps...)
	b.Cursors = append(b.Cursors, c.Cursors...)
	b.Validators = append(b.Validators, c.Validators...)
}

// Counts is how much a run sent, as counted by the host.
type Counts struct {
	Records          map[string]int64 // by kind
	UnchangedGroups  int64
	UnchangedRecords int64
	Gaps             int64
	Bytes            int64 // of payloads and strings
}

// Result is what is known about a run when Collect returns. After an error it
// holds what was known until then; Coverage is nil, which claims nothing.
type Result struct {
	Coverage     connector.Coverage
	Counts       Counts
	Calls        connector.Calls
	Descriptor   connector.Descriptor
	BinaryDigest evidence.Digest
	Confinement  Confinement // what held the process
}
