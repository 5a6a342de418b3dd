package people

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// KindCaseDecision is the kind of a decision on AI that nobody registered.
const KindCaseDecision = "shadow_ai.decision"

// ActShadow is the approval of a decision by which AI stays in use, or is said
// to be none, without being registered.
const ActShadow Act = "shadow"

// Decisions on a case.
const (
	CaseTaken         = "taken"          // somebody sees to it, by a day
	CaseRegistered    = "registered"     // a system of the register accounts for it
	CaseAccepted      = "accepted"       // it may be used, until a day
	CaseBlocked       = "blocked"        // it has to stop
	CaseFalsePositive = "false_positive" // it is no use of AI
)

// CaseDecision is what somebody decided on a case. Content names what it was
// decided on: it holds for that, and for nothing that came after.
type CaseDecision struct {
	ID              string   `json:"decision_id"`
	Case            string   `json:"finding_id"`
	Title           string   `json:"title,omitempty"`
	Decision        string   `json:"decision"`
	System          string   `json:"system_id,omitempty"`
	Reason          string   `json:"reason,omitempty"`
	DecidedBy       string   `json:"decided_by,omitempty"`
	DecidedAccount  string   `json:"decided_account,omitempty"`
	DecidedAt       moment   `json:"decided_at,omitzero"`
	DueAt           moment   `json:"due_at,omitzero"`
	ExpiresAt       moment   `json:"expires_at,omitzero"`
	Content         string   `json:"content,omitempty"`
	Items           []string `json:"content_items,omitempty"`
	ApprovedBy      string   `json:"approved_by,omitempty"`
	ApprovedAccount string   `json:"approved_account,omitempty"`
	ApprovedAt      moment   `json:"approved_at,omitzero"`

	Source string `json:"-"`
}

// ParseCaseDecision reads a decision from evidence of KindCaseDecision.
func ParseCaseDecision(e evidence.Evidence) (CaseDecision, error) {
	var d CaseDecision
	if err := json.Unmarshal(e.Payload, &d); err != nil {
		return d, fmt.Errorf("decision %s: %w", e.Key, err)
	}
	d.Source = e.Source
	return d, nil
}

// NeedsSecond reports whether the decision counts only once another person
// approved it: it leaves AI in use unregistered, or says that it is none.
func (d CaseDecision) NeedsSecond() bool {
	return d.Decision == CaseAccepted || d.Decision == CaseFalsePositive
}

// Since is when the decision began to count; zero if it does not.
func (d CaseDecision) Since() time.Time {
	if !d.NeedsSecond() {
		return d.DecidedAt.Time
	}
	if d.ApprovedBy == "" || Same(d.ApprovedBy, d.DecidedBy) {
		return time.Time{}
	}
	return d.ApprovedAt.Time
}

// Until is when an acceptance ends: never later than a year after it was
// approved, whatever it says.
func (d CaseDecision) Until() time.Time {
	last := d.Since().Add(DefaultMaxWaiver)
	if d.ExpiresAt.IsZero() || d.ExpiresAt.After(last) {
		return last
	}
	return d.ExpiresAt.Time
}

// Deadlines of a decision: when what was taken up is seen to, when an
// acceptance ends. Zero ones were not given.
type Deadlines struct{ Due, Expires time.Time }

// DecideCase puts a decision on record. The case exists, and the system it
// names is registered: the caller has checked both.
func (p Policy) DecideCase(who Person, d CaseDecision, t Deadlines, onRecord []CaseDecision, now time.Time) (CaseDecision, evidence.Record, error) {
	if err := active(who); err != nil {
		return d, evidence.Record{}, err
	}
	if blank(d.Reason) {
		return d, evidence.Record{}, refuse("say why with --because", "a decision without a reason helps nobody")
	}
	if err := p.checkDeadlines(d, t, now); err != nil {
		return d, evidence.Record{}, err
	}
	d.ID = nextID(fmt.Sprintf("SD-%d-", now.UTC().Year()), onRecord, func(d CaseDecision) string { return d.ID })
	d.DecidedBy, d.DecidedAccount, d.DecidedAt, d.Source = who.ID, who.Account, at(now), Source
	d.DueAt, d.ExpiresAt = optional(t.Due), optional(t.Expires)
	d.Items = slices.Clone(d.Items)
	rec, err := d.record()
	return d, rec, err
}

func (p Policy) checkDeadlines(d CaseDecision, t Deadlines, now time.Time) error {
	switch d.Decision {
	case CaseTaken:
		if t.Due.IsZero() {
			return refuse("say until when with --due", "whoever takes a case up says until when")
		}
		if !t.Due.After(now) {
			return refuse("choose a time to come", "it would be due at %s, which is past", t.Due.UTC().Format(time.RFC3339))
		}
	case CaseAccepted:
		if t.Expires.IsZero() {
			return refuse("say until when with --expires, at most 365 days ahead", "an acceptance has an end")
		}
		return p.checkEnd(t.Expires, now)
	}
	return nil
}

// ApproveCase approves a decision that somebody else made.
func (p Policy) ApproveCase(who Person, d CaseDecision, now time.Time) (CaseDecision, evidence.Record, error) {
	switch {
	case d.Source != Source:
		return d, evidence.Record{}, refuse("decide on it anew", "decision %s comes from %s", d.ID, d.Source)
	case !d.NeedsSecond():
		return d, evidence.Record{}, refuse("nothing is left to do", "decision %s, %s, counts without a second person", d.ID, d.Decision)
	case d.ApprovedBy != "":
		return d, evidence.Record{}, refuse("nothing is left to do", "decision %s was approved by %s on %s", d.ID, d.ApprovedBy, d.ApprovedAt.Format(time.DateOnly))
	}
	if err := p.may(who, ActShadow, []Hand{{d.DecidedBy, d.DecidedAccount, Began}}); err != nil {
		return d, evidence.Record{}, err
	}
	if d.Decision == CaseAccepted {
		if err := p.checkEnd(d.ExpiresAt.Time, now); err != nil {
			return d, evidence.Record{}, err
		}
	}
	d.ApprovedBy, d.ApprovedAccount, d.ApprovedAt = who.ID, who.Account, at(now)
	rec, err := d.record()
	return d, rec, err
}

func (d CaseDecision) record() (evidence.Record, error) {
	return record(KindCaseDecision, evidence.Subject{Type: "record", ID: d.ID}, d.ID, d.DecidedAt.Time, d)
}
