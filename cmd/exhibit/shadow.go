package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// reconcile puts on record which AI was seen and which registered system
// accounts for it, as far as that has changed, and tells of cases that opened.
func (w *workplace) reconcile(ctx context.Context) error {
	release, err := w.locks.Acquire(agent.ShadowSource)
	if errors.Is(err, store.ErrLocked) {
		return nil // another process is at it: one is enough
	}
	if err != nil {
		return err
	}
	defer release()
	opened, err := w.collector.CollectShadow(ctx)
	for i := range opened {
		if more := len(opened) - i; i == maxTold && more > 1 && !w.unattended {
			w.g.note("AI that nobody registered: and %d more cases; exhibit shadow list --new shows them", more)
			break
		}
		w.tell(&opened[i])
	}
	return err
}

// maxTold bounds what a command says of cases that opened; a log gets all.
const maxTold = 200

// tell says once, when it is put on record, that a use of AI came up which no
// registered system accounts for: on standard error to whoever runs a command
// without --quiet, else to the log.
func (w *workplace) tell(c *shadow.Case) {
	if w.unattended {
		attrs := []any{"id", c.ID, "title", c.Title, "first_seen", c.FirstSeen.Format(time.RFC3339)}
		for _, a := range []struct{ key, value string }{{"owner_hint", c.Hint}, {"owner_hint_from", c.HintFrom}, {"reopened_because", c.Reopened}, {"unexplained", c.Unexplained}} {
			if a.value != "" {
				attrs = append(attrs, a.key, a.value)
			}
		}
		w.logger.Warn("AI that nobody registered", attrs...)
		return
	}
	w.g.note("AI that nobody registered: %s", clean(c.Line()))
}

// noteWholeness says below what concerns a system whether the list of systems
// is whole.
func (g *globals) noteWholeness(ctx context.Context, at time.Time) error {
	if g.output != "table" {
		return nil
	}
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	h, err := service.ReadWholeness(ctx, st, at)
	if err != nil {
		return err
	}
	if line := h.Says(); line != "" {
		fmt.Fprintln(g.std.out, "\n"+line)
	}
	return nil
}
