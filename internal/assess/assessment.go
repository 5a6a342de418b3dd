package assess

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Status is the outcome of a result or of a control. The zero value is
// not_assessed: unknown is never green.
type Status string

// The nine statuses. StatusNotAssessed is also what an empty Status means.
const (
	StatusNotAssessed   Status = "not_assessed"   // nobody looked, or nobody can tell
	StatusSatisfied     Status = "satisfied"      // current evidence says yes
	StatusFailing       Status = "failing"        // current evidence says no
	StatusMissing       Status = "missing"        // a complete collection looked, nothing there
	StatusStale         Status = "stale"          // evidence no longer current; see Reason
	StatusPendingReview Status = "pending_review" // uploaded, no second person yet
	StatusDue           Status = "due"            // a duty was opened, its deadline has not passed
	StatusWaived        Status = "waived"         // covered by a valid waiver; Underlying says what it covers
	StatusNotApplicable Status = "not_applicable" // excluded with justification, or nothing to apply to
)

// Reasons of StatusStale; a Result's Reason begins with one of them.
const (
	ReasonEventWindow   = "event_window_exceeded"
	ReasonCollectionGap = "collection_gap"
	ReasonInvalidated   = "invalidated_by_change"
)

// Assessment is all results at an instant. Its JSON form is the output of
// `exhibit assess -o json`.
type Assessment struct {
	AsOf        time.Time    `json:"as_of"`
	Checkpoint  Checkpoint   `json:"checkpoint"`
	Catalog     CatalogRef   `json:"catalog"`
	Controls    []Control    `json:"controls"`
	Results     []*Result    `json:"results"`
	Runs        []RunSummary `json:"runs"`
	Populations []Population `json:"populations"`
	// Expectations are those in force, in the order of results.
	Expectations []InForce `json:"expectations"`
	// Readings are for those who conclude that something is over; the runs say
	// the same to people.
	Readings Readings `json:"-"`
}

// Checkpoint is the ledger state an assessment was made from.
type Checkpoint struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // base64, as in the signed checkpoint
}

// CatalogRef names the catalog and the rules in force. Digest covers both.
type CatalogRef struct {
	ID      string          `json:"id"`
	Version string          `json:"version"`
	Digest  evidence.Digest `json:"digest"`
}

// Control is a clause or an Annex A control with its results.
type Control struct {
	ID         string         `json:"id"`
	Title      string         `json:"title"`
	Status     Status         `json:"status"`
	Reason     string         `json:"reason"`
	Applicable bool           `json:"applicable"`
	Satisfied  int            `json:"satisfied"` // results satisfied
	Total      int            `json:"total"`     // results applicable
	Counts     map[Status]int `json:"counts"`
	Results    []*Result      `json:"results"`
}

// Result is one expectation for one subject at an instant.
type Result struct {
	Expectation string            `json:"expectation"` // slug
	Control     string            `json:"control"`
	Subject     evidence.Subject  `json:"subject"`
	Status      Status            `json:"status"`
	Reason      string            `json:"reason"`               // plain words: what was seen, against which threshold
	Underlying  Status            `json:"underlying,omitempty"` // set when waived
	Waiver      string            `json:"waiver,omitempty"`     // id of the waiver that covers it
	DueAt       *time.Time        `json:"due_at,omitempty"`
	AnsweredAt  *time.Time        `json:"answered_at,omitempty"`  // when a duty was answered, in time or late
	EventTime   *time.Time        `json:"event_time,omitempty"`   // the event that decided
	CollectedAt *time.Time        `json:"collected_at,omitempty"` // the last complete collection that decided
	Evidence    []evidence.Digest `json:"evidence"`               // what it rests on; never null
	LateCapture bool              `json:"late_capture,omitempty"` // rests on evidence read after as_of about an event before it
	Severity    string            `json:"severity"`
	Systems     []string          `json:"systems,omitempty"` // registered AI systems concerned
	Tier        string            `json:"tier,omitempty"`    // the highest risk tier among them
	Owner       string            `json:"owner,omitempty"`   // who has the next move
	Remedy      string            `json:"remedy,omitempty"`
}

// RunSummary is the newest run of a source as of the assessment.
type RunSummary struct {
	Source   string         `json:"source"`
	Run      string         `json:"run"`
	Status   string         `json:"status"`
	Finished time.Time      `json:"finished_at"`
	Gaps     []evidence.Gap `json:"gaps"`
}
