package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Wholeness is what is known, as of an instant, of whether the list of AI
// systems is whole.
type Wholeness struct {
	Open    int       // uses of AI that no registered system accounts for
	Scanned time.Time // when somebody looked last; zero if nobody did
	At      time.Time
}

// lookedFor is how old the last search may be for its silence to mean anything.
const lookedFor = 7 * 24 * time.Hour

// Says is a line for people, empty where nothing speaks against the list.
func (h Wholeness) Says() string {
	switch {
	case h.Open > 0:
		return fmt.Sprintf("The list of AI systems may not be whole: %s that no registered system accounts for (exhibit shadow list). What concerns a system may be missing here.",
			usesOpen(h.Open))
	case h.Scanned.IsZero():
		return "No scan for AI is on record, so nobody can tell whether the list of AI systems is whole (exhibit shadow coverage)."
	case h.At.Sub(h.Scanned) > lookedFor:
		return "AI was looked for last on " + h.Scanned.Format(time.DateOnly) + ", so nobody can tell whether the list of AI systems is still whole (exhibit shadow coverage)."
	}
	return ""
}

// ReadWholeness reads the cases and scans on record as of an instant.
func ReadWholeness(ctx context.Context, st store.Reader, at time.Time) (Wholeness, error) {
	h := Wholeness{At: at}
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
			if ev.CollectedAt.After(h.Scanned) {
				h.Scanned = ev.CollectedAt.UTC()
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
			h.Open++
		}
	}
	return h, nil
}

func usesOpen(n int) string {
	if n == 1 {
		return "1 use of AI is open"
	}
	return fmt.Sprintf("%d uses of AI are open", n)
}
