package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
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

// wholeness is what is known, as of an instant, of whether the list of AI
// systems is whole.
type wholeness struct {
	open    int       // uses of AI that no registered system accounts for
	scanned time.Time // when somebody looked last; zero if nobody did
	at      time.Time
}

// lookedFor is how old the last search may be for its silence to mean anything.
const lookedFor = 7 * 24 * time.Hour

// says is a line for people, empty where nothing speaks against the list.
func (h wholeness) says() string {
	switch {
	case h.open > 0:
		return fmt.Sprintf("The list of AI systems may not be whole: %s that no registered system accounts for (exhibit shadow list). What concerns a system may be missing here.",
			counted(h.open, "use of AI is open", "uses of AI are open"))
	case h.scanned.IsZero():
		return "No scan for AI is on record, so nobody can tell whether the list of AI systems is whole (exhibit shadow coverage)."
	case h.at.Sub(h.scanned) > lookedFor:
		return "AI was looked for last on " + h.scanned.Format(time.DateOnly) + ", so nobody can tell whether the list of AI systems is still whole (exhibit shadow coverage)."
	}
	return ""
}

// readWholeness reads the cases and scans on record as of an instant.
func readWholeness(ctx context.Context, st store.Reader, at time.Time) (wholeness, error) {
	h := wholeness{at: at}
	open := map[string]bool{} // by source and key: whether its newest revision was open
	q := store.EvidenceQuery{Kinds: []string{shadow.KindCase, shadow.KindScan}, Payloads: true}
	for ev, err := range st.Evidence(ctx, q) {
		if err != nil {
			return h, err
		}
		if ev.CollectedAt.After(at) {
			continue
		}
		if ev.Kind == shadow.KindScan {
			if ev.CollectedAt.After(h.scanned) {
				h.scanned = ev.CollectedAt.UTC()
			}
			continue
		}
		var c struct {
			Status string `json:"status"`
		}
		if len(ev.Payload) > 0 && json.Unmarshal(ev.Payload, &c) != nil {
			continue
		}
		gone := !ev.GoneAt.IsZero() && !ev.GoneAt.After(at)
		open[ev.Source+" "+ev.Key] = !gone && slices.Contains([]string{"", "open", "expired", shadow.New, shadow.Due}, c.Status) && len(ev.Payload) > 0
	}
	for _, is := range open {
		if is {
			h.open++
		}
	}
	return h, nil
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
	h, err := readWholeness(ctx, st, at)
	if err != nil {
		return err
	}
	if line := h.says(); line != "" {
		fmt.Fprintln(g.std.out, "\n"+line)
	}
	return nil
}
