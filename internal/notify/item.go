package notify

import (
	"slices"
	"time"
)

// Topic is what an item is about.
type Topic string

// The topics.
const (
	TopicFinding  Topic = "finding"
	TopicDuty     Topic = "duty"
	TopicWaiver   Topic = "waiver"
	TopicShadow   Topic = "shadow"
	TopicRun      Topic = "run"
	TopicExpiring Topic = "expiring"
	TopicControl  Topic = "control"
)

// Topics are all topics.
var Topics = []Topic{TopicFinding, TopicDuty, TopicWaiver, TopicShadow, TopicRun, TopicExpiring, TopicControl}

// Severities are those of expectations, the most severe first.
var Severities = []string{"major", "minor", "observation"}

// States of items that mean something here. Others are compared as they are.
const (
	StateOpen     = "open"         // finding
	StateNoted    = "acknowledged" // finding: open, and a person has taken note
	StateWaived   = "waived"       // finding
	StateResolved = "resolved"     // finding

	StateNew = "new" // shadow: nobody has decided
	StateDue = "due" // shadow: taken up by somebody; duty

	StateComplete = "complete" // run
	StateSilent   = "silent"   // run: the source should have been read and was not
)

// Item is one thing that people may have to know of, as it is at an instant.
// Its texts may come from sources: they are hostile, and are never markup.
type Item struct {
	ID       string `json:"id"` // unique within its topic, and the same for ever
	Topic    Topic  `json:"topic"`
	State    string `json:"state"`
	Status   string `json:"status,omitempty"`   // of the result or control
	Severity string `json:"severity,omitempty"` // major, minor, observation
	Title    string `json:"title"`
	Detail   string `json:"detail,omitempty"` // why, in a sentence; never a payload

	Owner   string   `json:"owner,omitempty"` // id of a person of the register
	Systems []string `json:"systems,omitempty"`
	Control string   `json:"control,omitempty"`

	DueAt     *time.Time `json:"due_at,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // of evidence or a waiver
	ValidFrom *time.Time `json:"valid_from,omitempty"` // since when it was good
	Link      string     `json:"link,omitempty"`       // path within the dashboard
}

// Checkpoint is the state of the ledger that an observation was made from.
type Checkpoint struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// Observation is everything that people may have to know of, at an instant.
type Observation struct {
	At         time.Time
	Checkpoint Checkpoint
	Items      []Item
}

// open reports whether somebody has to act on a finding, a duty or a case.
func (i *Item) open() bool {
	switch i.Topic {
	case TopicFinding:
		return openFinding(i.State)
	case TopicDuty:
		return true
	case TopicShadow:
		return i.State == StateNew || i.State == StateDue
	}
	return false
}

func openFinding(state string) bool { return state == StateOpen || state == StateNoted }

// severityRank orders severities; what has none comes last.
func severityRank(s string) int {
	if n := slices.Index(Severities, s); n >= 0 {
		return n
	}
	return len(Severities)
}
