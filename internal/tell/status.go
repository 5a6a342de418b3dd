package tell

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// Status is what people are told through, and how that goes.
type Status struct {
	Routed   bool           // a route leads to a channel: else nothing is told
	Notify   *notify.Status // nil: no channel is configured
	Tracked  bool           // a tracker is configured
	DryRun   bool           // no ticket is opened
	Tickets  []*ticket.Row
	Trackers []ticket.TrackerStatus
}

// Status tells how things stand now.
func (t *Teller) Status(ctx context.Context) (Status, error) {
	s := Status{Routed: len(t.o.Config.Notify.Routes) > 0, Tracked: t.tickets != nil, DryRun: t.dry}
	if t.notify != nil {
		n, err := t.notify.Status(ctx)
		if err != nil {
			return Status{}, err
		}
		s.Notify = &n
	}
	if t.tickets == nil {
		return s, nil
	}
	var err error
	s.Tickets, s.Trackers, err = t.tickets.List(ctx)
	return s, err
}
