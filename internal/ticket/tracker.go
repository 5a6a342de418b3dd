package ticket

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Tracker is an issue tracker, seen as far as tickets of findings need it. Its
// methods take no longer than ctx allows, follow no redirection, and try nothing
// twice. An error that is neither a *Wait nor one of ErrRefused, ErrDenied and ErrGone
// leaves open whether the tracker did what it was asked.
type Tracker interface {
	Name() string
	// List returns the tickets with the label exhibit that changed since an
	// instant (zero: all), opened first to last.
	List(ctx context.Context, since time.Time) ([]Ticket, error)
	Create(ctx context.Context, d *Draft) (Ticket, error)
	Edit(ctx context.Context, key string, d *Draft) error
	// SetOpen closes a ticket or opens it again. done says that what it asks for
	// was done; without it, it is not wanted any more.
	SetOpen(ctx context.Context, key string, open, done bool) error
	// HasComment looks for a mark in the comments of a ticket.
	HasComment(ctx context.Context, key, mark string) (bool, error)
	Comment(ctx context.Context, key string, c *Comment) error
}

// Label is what every ticket carries.
const Label = "exhibit"

// Ticket is a ticket as the tracker has it.
type Ticket struct {
	Key     string
	URL     string
	Finding string // whose mark it bears; empty: none can be read
	Open    bool
	Created time.Time
}

// Wait says that a tracker wants to be left alone, and did nothing.
type Wait struct {
	For time.Duration
	Err error
}

func (w *Wait) Error() string { return fmt.Sprintf("%s; wait %s", w.Err, w.For) }
func (w *Wait) Unwrap() error { return w.Err }

// ErrRefused: the tracker will not do it, and did nothing.
var ErrRefused = errors.New("refused by the tracker")

// ErrDenied: the credential may not do it, and nothing was done. It is no fault
// of the finding.
var ErrDenied = errors.New("not allowed")

// ErrGone: the ticket, or the project, is not there or cannot be seen.
var ErrGone = errors.New("not in the tracker")

// nothingDone reports whether an error says for sure that nothing was done.
func nothingDone(err error) bool {
	var w *Wait
	return errors.As(err, &w) || errors.Is(err, ErrRefused) || errors.Is(err, ErrDenied) || errors.Is(err, ErrGone)
}
