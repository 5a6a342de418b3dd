package tell

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// stamp tells one version of a file from the next.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

// Teller is what the agent tells through: Tell after each assessment, Run for
// as long as it lives.
type Teller struct {
	o       Options
	notify  *notify.Notifier // nil: no channel
	tickets *ticket.Syncer   // nil: no tracker
	dry     bool

	view atomic.Pointer[service.View] // whose findings tickets are to follow
	wake chan struct{}
}

// New makes a Teller. With nothing configured it does nothing.
func New(ctx context.Context, o Options) (*Teller, error) {
	t := &Teller{o: o, dry: o.Config.Tickets.DryRun, wake: make(chan struct{}, 1)}
	var err error
	if len(o.Config.Notify.Channels) > 0 {
		if t.notify, err = o.Notifier(ctx); err != nil {
			return nil, err
		}
	}
	if t.tickets, err = o.Tickets(ctx); err != nil && !errors.Is(err, ErrNoTracker) {
		return nil, err
	}
	return t, nil
}

// Tell takes note of a view of now: what changed is in the outbox when it
// returns. Tickets follow soon after.
func (t *Teller) Tell(ctx context.Context, v *service.View, seen Seen) error {
	if t.tickets != nil {
		t.view.Store(v)
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	if t.notify == nil {
		return nil
	}
	out, err := t.notify.Observe(ctx, Observe(v, seen))
	if err != nil {
		return err
	}
	if len(out.Changes) > 0 {
		t.o.Logger.Info("people are told", "changes", len(out.Changes), "first", out.First)
	}
	return nil
}

// Paces of Run.
const (
	deliverEvery = 5 * time.Second
	ticketsEvery = 10 * time.Minute
)

// Run delivers what is to be told and keeps tickets, until ctx is done.
func (t *Teller) Run(ctx context.Context) {
	var wg sync.WaitGroup
	if t.notify != nil {
		wg.Go(func() { t.notify.Run(ctx, deliverEvery) })
	}
	switch {
	case t.tickets != nil && t.dry:
		t.o.Logger.Info("tickets: a dry run is configured, none is opened; exhibit tickets sync shows what would be done")
	case t.tickets != nil:
		wg.Go(func() { t.keepTickets(ctx) })
	}
	wg.Wait()
}

// keepTickets follows each new view, and looks again now and then: a tracker
// may have been away, and the hour's tickets are bounded.
func (t *Teller) keepTickets(ctx context.Context) {
	again := time.NewTicker(ticketsEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-again.C:
		}
		v := t.view.Load()
		if v == nil {
			continue
		}
		results, err := t.tickets.Sync(ctx, Findings(v, t.o.LinkBase()))
		if err != nil && ctx.Err() == nil {
			t.o.Logger.Error("tickets", "error", err)
		}
		for _, r := range results {
			t.did(r)
			if len(r.Acts) > 0 || r.Waiting > 0 {
				t.o.Logger.Info("tickets", "tracker", r.Tracker, "acts", len(r.Acts), "waiting", r.Waiting)
			}
		}
	}
}

// ticketActs are the acts on tickets that are counted, as they are called then.
var ticketActs = map[string]string{"open": "opened", "take_over": "opened", "update": "updated", "comment": "updated", "close": "closed", "reopen": "reopened"}

func (t *Teller) did(r ticket.Result) {
	if t.o.Did == nil {
		return
	}
	for _, a := range r.Acts {
		if done, ok := ticketActs[a.What]; ok {
			t.o.Did(r.Tracker, done)
		}
	}
	if r.Err != nil {
		t.o.Did(r.Tracker, "failed")
	}
}

// Waiting is how many messages wait to be sent.
func (t *Teller) Waiting(ctx context.Context) (int, error) {
	if t.notify == nil {
		return 0, nil
	}
	s, err := t.notify.Status(ctx)
	n := 0
	for _, c := range s.Channels {
		n += c.Waiting
	}
	return n, err
}

// Channels is how each channel does.
func (t *Teller) Channels(ctx context.Context) (notify.Status, error) {
	if t.notify == nil {
		return notify.Status{}, nil
	}
	return t.notify.Status(ctx)
}

// Tickets is what is known of tickets and trackers: no tracker is asked.
func (t *Teller) Tickets(ctx context.Context) ([]*ticket.Row, []ticket.TrackerStatus, error) {
	if t.tickets == nil {
		return nil, nil, nil
	}
	return t.tickets.List(ctx)
}
