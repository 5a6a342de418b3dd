package service

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// CaseStep is one state of a case that is on record.
type CaseStep struct {
	At       time.Time `json:"at"`
	Status   string    `json:"status"`
	Reopened string    `json:"reopened_because,omitempty"`
	System   string    `json:"matched_system,omitempty"`
	Digest   string    `json:"digest"`
}

// CaseHistory lists the states that a case was in, the oldest first.
func CaseHistory(ctx context.Context, st store.Reader, id string) ([]CaseStep, error) {
	out := []CaseStep{}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{shadow.KindCase}, Source: shadow.Source, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if ev.Key != id || len(ev.Payload) == 0 {
			continue
		}
		c, err := shadow.ParseCase(ev)
		if err != nil {
			return nil, err
		}
		out = append(out, CaseStep{At: ev.CollectedAt.UTC(), Status: c.Status, Reopened: c.Reopened, System: c.System, Digest: ev.Digest.String()})
	}
	return out, nil
}
