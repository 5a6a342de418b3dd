package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// Telling is what is known of who was told, and of tickets. tell.Teller is one.
type Telling interface {
	Channels(ctx context.Context) (notify.Status, error)
	Tickets(ctx context.Context) ([]*ticket.Row, []ticket.TrackerStatus, error)
}

var errTellsNobody = errors.New("nobody is told anything here")

func (a *API) tellingOperations() {
	register(a, operation{method: http.MethodGet, path: "/v1/notifications", id: "notifications", tag: "telling", needs: access.Read,
		summary: "How each channel does: what waits, what was sent, what was given up"}, a.notifications)
	register(a, operation{method: http.MethodGet, path: "/v1/tickets", id: "tickets", tag: "telling", needs: access.Read,
		summary: "The ticket of each finding"}, a.tickets)
}

func (a *API) telling() (Telling, error) {
	if a.Telling == nil {
		return nil, wrong("ask an agent that tells people", errTellsNobody)
	}
	return a.Telling, nil
}

func (a *API) notifications(ctx context.Context, _ *struct{}) (*Answer[notify.Status], error) {
	t, err := a.telling()
	if err != nil {
		return nil, err
	}
	s, err := t.Channels(ctx)
	s.Channels, s.Dead, s.Told = orEmpty(s.Channels), orEmpty(s.Dead), orEmpty(s.Told)
	return answered(s, err)
}

// TicketsBody is what exhibit tickets list -o json prints.
type TicketsBody struct {
	Tickets  []*ticket.Row          `json:"tickets" nullable:"false"`
	Trackers []ticket.TrackerStatus `json:"trackers" nullable:"false"`
}

func (a *API) tickets(ctx context.Context, _ *struct{}) (*Answer[TicketsBody], error) {
	t, err := a.telling()
	if err != nil {
		return nil, err
	}
	rows, trackers, err := t.Tickets(ctx)
	return answered(TicketsBody{orEmpty(rows), orEmpty(trackers)}, err)
}
