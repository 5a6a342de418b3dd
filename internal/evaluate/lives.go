package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Lives are the lives of findings as a ledger has them.
type Lives struct {
	finding.Book
	next int64 // first ledger position not read
}

// Read takes the entries that came after those read before. Of an instant that
// is not zero, what happened later is left out.
func (b *Lives) Read(ctx context.Context, src Source, until time.Time) error {
	note, err := src.Checkpoint(ctx)
	if err != nil {
		return err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return err
	}
	return b.ReadTo(ctx, src, cp.Size, until)
}

// ReadTo is Read of the entries below a position.
func (b *Lives) ReadTo(ctx context.Context, src Source, size int64, until time.Time) error {
	for e, err := range src.Entries(ctx, b.next, size, evidence.EntryFinding, evidence.EntryAssessment) {
		if err != nil {
			return err
		}
		if err := b.take(e, until); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
	}
	b.next = max(b.next, size)
	return nil
}

func (b *Lives) take(e evidence.Entry, until time.Time) error {
	if e.Type == evidence.EntryAssessment {
		var a struct {
			AsOf     time.Time             `json:"as_of"`
			Findings map[finding.State]int `json:"findings"`
		}
		if err := json.Unmarshal(e.Body, &a); err != nil {
			return err
		}
		if a.Findings != nil && (until.IsZero() || !a.AsOf.After(until)) {
			b.Mark(a.AsOf)
		}
		return nil
	}
	events, err := finding.ParseBody(e.Body)
	if err != nil {
		return err
	}
	if len(events) > 0 && !until.IsZero() && events[0].At.After(until) {
		return nil
	}
	return b.Apply(events...)
}

// With returns the lives as they are after an assessment, and the events that
// it adds to them.
func (b *Lives) With(a *assess.Assessment, p finding.Policy) (*finding.Book, []finding.Event, error) {
	events, err := finding.Update(&b.Book, a, p)
	if err != nil {
		return nil, nil, err
	}
	after := b.Clone()
	if err := after.Apply(events...); err != nil {
		return nil, nil, err
	}
	after.Mark(a.AsOf)
	return after, events, nil
}

// Duties is what an organisation decides about findings, apart from what its
// register says.
type Duties struct {
	Due       map[string]time.Duration // by severity: how long a shortfall may stay open
	OwnerRole string                   // who holds it answers for what nobody owns
}

// LivesAt returns the lives of findings as an export of an assessment shows
// them: what the ledger says below the assessed size, and what the assessment
// itself adds. An assessment that finds nothing new adds nothing, so the lives do
// not depend on how often anybody assessed.
func LivesAt(ctx context.Context, src Source, a *assess.Assessment, d Duties) (*finding.Book, error) {
	var b Lives
	size := a.Checkpoint.Size
	if err := b.ReadTo(ctx, src, size, a.AsOf); err != nil {
		return nil, err
	}
	o, err := ReadOwners(ctx, src, d.OwnerRole, Span{Before: size, AsOf: a.AsOf})
	if err != nil {
		return nil, err
	}
	after, _, err := b.With(a, o.Policy(d.Due))
	if errors.Is(err, finding.ErrPast) { // another was taken at a later instant that is not after this one's
		return &b.Book, nil
	}
	return after, err
}
