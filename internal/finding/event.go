package finding

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// EventType is what happened to a finding.
type EventType string

// Event types. New ones may be added; a meaning never changes.
const (
	Opened       EventType = "opened"       // a result fell short for the first time
	Reopened     EventType = "reopened"     // it fell short again, or no waiver covers it any more
	Changed      EventType = "changed"      // the same shortfall looks different
	Waived       EventType = "waived"       // a valid waiver covers it
	Resolved     EventType = "resolved"     // in order, and seen whole
	Acknowledged EventType = "acknowledged" // a person has taken note
	Reassigned   EventType = "reassigned"   // somebody else owns it
	Graded       EventType = "graded"       // a person overrides the suggested grade
)

// Event is one step in the life of a finding.
type Event struct {
	Finding    string            `json:"finding"`
	Type       EventType         `json:"type"`
	At         time.Time         `json:"at,omitzero"`
	By         string            `json:"by,omitempty"`      // a person; empty: an assessment
	Account    string            `json:"account,omitempty"` // of the machine that the person used
	Cause      string            `json:"cause"`
	Status     assess.Status     `json:"status"`              // of the result at the time
	Checkpoint assess.Checkpoint `json:"checkpoint,omitzero"` // of the assessment it follows from

	Expectation string            `json:"expectation,omitempty"` // when it begins
	Subject     *evidence.Subject `json:"subject,omitempty"`     // when it begins
	Facts       *Facts            `json:"facts,omitempty"`       // what an assessment found
	Owner       string            `json:"owner,omitempty"`       // whom a person assigned
	Grade       string            `json:"grade,omitempty"`       // what a person decided
}

// Facts are what an assessment says about a shortfall.
type Facts struct {
	Control     string        `json:"control"`
	Status      assess.Status `json:"status"`
	Underlying  assess.Status `json:"underlying,omitempty"` // when waived
	Waiver      string        `json:"waiver,omitempty"`     // that covers it
	Stale       string        `json:"stale,omitempty"`      // why it is stale: the reason's first word
	Severity    string        `json:"severity"`             // of the expectation
	Systems     []string      `json:"systems,omitempty"`    // registered AI systems concerned
	Owner       string        `json:"owner,omitempty"`      // as the register says
	OwnerFrom   string        `json:"owner_from,omitempty"` // which part of it
	DueAt       *time.Time    `json:"due_at,omitempty"`     // by severity, from the opening
	DutyAt      *time.Time    `json:"duty_at,omitempty"`    // the deadline of the duty itself
	Grade       string        `json:"suggested_grade,omitempty"`
	Extent      string        `json:"extent,omitempty"` // isolated | systemic
	GradeReason string        `json:"grade_reason,omitempty"`
}

// MaxEvents is how many events one ledger entry holds at most.
const MaxEvents = 1000

// body is the form of a ledger entry. What all its events share stands once.
type body struct {
	At         time.Time         `json:"at"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Events     []Event           `json:"events"`
}

// Bodies gives events that happened at one instant, after one assessment, as
// the bodies of ledger entries: one, unless there are more than MaxEvents.
func Bodies(events []Event) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for len(events) > 0 {
		part := events[:min(len(events), MaxEvents)]
		events = events[len(part):]
		b := body{At: part[0].At.UTC(), Checkpoint: part[0].Checkpoint, Events: make([]Event, len(part))}
		for i, e := range part {
			if !e.At.Equal(b.At) || e.Checkpoint != b.Checkpoint {
				return nil, fmt.Errorf("finding %s: an event of another instant or checkpoint", e.Finding)
			}
			e.At, e.Checkpoint = time.Time{}, assess.Checkpoint{}
			b.Events[i] = e
		}
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
		out = append(out, raw)
	}
	return out, nil
}

// ParseBody reads what Bodies wrote.
func ParseBody(raw json.RawMessage) ([]Event, error) {
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	for i := range b.Events {
		b.Events[i].At, b.Events[i].Checkpoint = b.At, b.Checkpoint
	}
	return b.Events, nil
}
