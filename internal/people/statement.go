package people

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Statement is a version of the statement of applicability.
type Statement struct {
	Version         string     `json:"version"`
	Controls        []Decision `json:"controls"`
	ControlsSum     string     `json:"controls_sha256,omitempty"` // of Controls in canonical JSON
	ProposedBy      string     `json:"proposed_by,omitempty"`
	ProposedAccount string     `json:"proposed_account,omitempty"`
	ProposedAt      moment     `json:"proposed_at,omitzero"`
	ApprovedBy      string     `json:"approved_by,omitempty"`
	ApprovedAccount string     `json:"approved_account,omitempty"`
	ApprovedAt      moment     `json:"approved_at,omitzero"`
	ApprovedSum     string     `json:"approved_sha256,omitempty"` // the ControlsSum that was approved

	Source string `json:"-"`
	Hands  []Hand `json:"-"` // who proposed a text of this version, in any revision
}

// Decision is what was decided on one control.
type Decision struct {
	ID               string   `json:"id"`
	Applicable       *bool    `json:"applicable,omitempty"`
	Justification    string   `json:"justification,omitempty"`
	SourceOfNeed     string   `json:"source_of_need,omitempty"` // a risk, a law, a contract, good practice
	Implementation   string   `json:"implementation,omitempty"`
	ImplementedSince string   `json:"implemented_since,omitempty"` // a day
	EvidenceRefs     []string `json:"evidence_refs,omitempty"`
}

// ParseStatement reads a version from evidence of KindStatement.
func ParseStatement(e evidence.Evidence) (Statement, error) {
	var s Statement
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return s, fmt.Errorf("statement of applicability %s: %w", e.Key, err)
	}
	s.Source = e.Source
	return s, nil
}

// Propose makes a version that nobody has approved yet. must lists the ids on
// which a decision has to be made.
func (p Policy) Propose(who Person, s Statement, must []string, onRecord []Statement, now time.Time) (evidence.Record, error) {
	if err := active(who); err != nil {
		return evidence.Record{}, err
	}
	if i := slices.IndexFunc(onRecord, func(o Statement) bool { return o.Version == s.Version }); i >= 0 {
		if o := onRecord[i]; o.ApprovedBy != "" || o.Source != Source {
			return evidence.Record{}, refuse("give the new text a version of its own", "version %s is on record already, from %s", s.Version, o.Source)
		}
	}
	if err := s.check(must); err != nil {
		return evidence.Record{}, err
	}
	sum, err := s.sum()
	if err != nil {
		return evidence.Record{}, err
	}
	s.ControlsSum, s.ProposedBy, s.ProposedAccount, s.ProposedAt = sum, who.ID, who.Account, at(now)
	s.ApprovedBy, s.ApprovedAccount, s.ApprovedAt, s.ApprovedSum = "", "", moment{}, ""
	return s.record()
}

// check lists everything that is wrong with the decisions.
func (s Statement) check(must []string) error {
	var wrong []string
	seen := map[string]bool{}
	for _, d := range s.Controls {
		switch {
		case seen[d.ID]:
			wrong = append(wrong, d.ID+" is decided twice")
		case d.Applicable == nil:
			wrong = append(wrong, d.ID+" does not say whether it applies")
		case blank(d.Justification):
			wrong = append(wrong, d.ID+" has no justification: one is needed either way")
		}
		seen[d.ID] = true
	}
	var open []string
	for _, id := range must {
		if !seen[id] {
			open = append(open, id)
		}
	}
	if len(open) > 0 {
		wrong = append(wrong, "nothing is decided on "+strings.Join(open, ", "))
	}
	switch {
	case blank(s.Version):
		wrong = append(wrong, "it has no version")
	case !nameable(s.Version):
		wrong = append(wrong, "its version is to be typed by others: at most 64 characters that can be seen, with no space round them")
	}
	if len(wrong) > 0 {
		return refuse("exhibit applicability template writes one with every control",
			"the statement of applicability is not whole:\n  %s", strings.Join(wrong, "\n  "))
	}
	return nil
}

func nameable(version string) bool {
	return len(version) <= 64 && strings.TrimSpace(version) == version &&
		!strings.ContainsFunc(version, func(r rune) bool { return r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) })
}

// Confirm approves a version as it is on record. sum is the digest of what the
// approver has read; empty takes the one on record.
func (p Policy) Confirm(who Person, s Statement, sum string, now time.Time) (evidence.Record, error) {
	if s.Source != Source {
		return evidence.Record{}, refuse("approve it there", "version %s comes from %s", s.Version, s.Source)
	}
	if s.ApprovedBy != "" {
		return evidence.Record{}, refuse("nothing is left to do", "version %s was approved by %s on %s", s.Version, s.ApprovedBy, s.ApprovedAt.Format(time.DateOnly))
	}
	if err := p.may(who, ActApplicability, append([]Hand{{s.ProposedBy, s.ProposedAccount, Began}}, s.Hands...)); err != nil {
		return evidence.Record{}, err
	}
	current, err := s.sum()
	if err != nil {
		return evidence.Record{}, err
	}
	if current != s.ControlsSum || sum != "" && sum != s.ControlsSum {
		return evidence.Record{}, refuse("read it again with exhibit applicability show "+s.Version,
			"the text on record has the digest %s, which is not what was to be approved; the whole digest is needed", current)
	}
	s.ApprovedBy, s.ApprovedAccount, s.ApprovedAt, s.ApprovedSum = who.ID, who.Account, at(now), s.ControlsSum
	return s.record()
}

func (s Statement) sum() (string, error) {
	raw, err := json.Marshal(s.Controls)
	if err == nil {
		raw, err = evidence.Canonical(raw)
	}
	if err != nil {
		return "", fmt.Errorf("statement of applicability %s: %w", s.Version, err)
	}
	return evidence.Sum(raw).String(), nil
}

func (s Statement) record() (evidence.Record, error) {
	return record(KindStatement, evidence.Subject{Type: "organization", ID: "organization"}, s.Version, s.ApprovedAt.Time, s)
}

// InForce returns the newest version approved by now.
func InForce(list []Statement, now time.Time) (Statement, bool) {
	var best Statement
	found := false
	for _, s := range list {
		if s.ApprovedBy == "" || s.ApprovedAt.IsZero() || s.ApprovedAt.After(now) {
			continue
		}
		if !found || s.ApprovedAt.After(best.ApprovedAt.Time) {
			best, found = s, true
		}
	}
	return best, found
}

// Change is a control on which two versions differ.
type Change struct {
	ID       string    `json:"id"`
	From, To *Decision `json:",omitempty"`
}

// Diff lists the controls on which two versions differ, sorted by id as they
// stand in b, then those only a has.
func Diff(a, b Statement) []Change {
	find := func(s Statement, id string) *Decision {
		for i := range s.Controls {
			if s.Controls[i].ID == id {
				return &s.Controls[i]
			}
		}
		return nil
	}
	var out []Change
	for i := range b.Controls {
		to := &b.Controls[i]
		from := find(a, to.ID)
		if from == nil || !alike(*from, *to) {
			out = append(out, Change{ID: to.ID, From: from, To: to})
		}
	}
	for i := range a.Controls {
		if find(b, a.Controls[i].ID) == nil {
			out = append(out, Change{ID: a.Controls[i].ID, From: &a.Controls[i]})
		}
	}
	return out
}

func alike(a, b Decision) bool {
	same := a.Applicable == nil && b.Applicable == nil ||
		a.Applicable != nil && b.Applicable != nil && *a.Applicable == *b.Applicable
	return same && a.Justification == b.Justification && a.SourceOfNeed == b.SourceOfNeed && a.Implementation == b.Implementation &&
		a.ImplementedSince == b.ImplementedSince && slices.Equal(a.EvidenceRefs, b.EvidenceRefs)
}
