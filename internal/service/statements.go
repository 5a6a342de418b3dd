package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// contradictionSlug is the expectation that finds excluded controls whose
// activity is seen.
const contradictionSlug = "soa-exclusion-not-contradicted"

// Contradiction says which controls are excluded although evidence shows the
// activity; empty if none is.
func (v *View) Contradiction() string {
	out := ""
	for _, r := range v.Assessment.Results {
		if r.Expectation == contradictionSlug && r.Status == assess.StatusFailing {
			out = r.Reason
		}
	}
	return out
}

// StatementRow is a version as it is shown.
type StatementRow struct {
	people.Statement
	Origin        string `json:"source"`
	Contradiction string `json:"contradiction,omitempty" doc:"Controls that are excluded although evidence shows the activity."`
}

// Proposed says what came of a proposal.
type Proposed struct {
	Version string `json:"version"`
	Changed int    `json:"changed" doc:"Controls that it decides otherwise than the version in force."`
}

// StatementForm is a statement that is still to be decided on.
type StatementForm struct {
	Version  string            `json:"version"`
	Controls []people.Decision `json:"controls" nullable:"false"`
}

// StatementForm lists every control that has to be decided on, as the version in
// force decides it. Where nobody decided, applicable is left out.
func (s *Service) StatementForm(ctx context.Context) (StatementForm, error) {
	all, err := s.Statements(ctx)
	if err != nil {
		return StatementForm{}, err
	}
	before, _ := people.InForce(all, s.clock())
	out := StatementForm{Version: s.clock().UTC().Format(time.DateOnly)}
	for _, id := range s.MustDecide() {
		d := people.Decision{ID: id}
		if i := slices.IndexFunc(before.Controls, func(d people.Decision) bool { return d.ID == id }); i >= 0 {
			d = before.Controls[i]
		}
		out.Controls = append(out.Controls, d)
	}
	return out, nil
}

// FindStatement returns a version of the statement of applicability; without
// one, the version in force.
func (s *Service) FindStatement(ctx context.Context, version string, now time.Time) (people.Statement, error) {
	all, err := s.Statements(ctx)
	if err != nil {
		return people.Statement{}, err
	}
	if version == "" {
		if st, ok := people.InForce(all, now); ok {
			return st, nil
		}
		return people.Statement{}, NotFound{Mistake{errNoStatement, "exhibit applicability propose, then approve; or applicability: in the register"}}
	}
	var versions []string
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Version == version {
			return all[i], nil
		}
		versions = append(versions, all[i].Version)
	}
	return people.Statement{}, notFound(version, nil, "on record: "+strings.Join(versions, ", "), "there is no version %q", version)
}

// MustDecide are the ids of the controls that a statement has to decide on.
func (s *Service) MustDecide() []string {
	var must []string
	for _, c := range s.Catalog.Controls {
		if c.Annex() {
			must = append(must, c.ID)
		}
	}
	return must
}

// ProposeStatement puts a version on record, for somebody else to approve, and
// says how many controls it decides otherwise than the version in force.
func (d *Desk) ProposeStatement(ctx context.Context, s people.Statement) (changed int, err error) {
	all, err := EverOnRecord(ctx, d.s.store, people.KindStatement, people.ParseStatement,
		func(id string) people.Statement {
			return people.Statement{Version: id, Source: "a record that was erased"}
		})
	if err != nil {
		return 0, err
	}
	rec, err := d.Policy.Propose(d.Who, s, d.s.MustDecide(), all, d.Now)
	if err != nil {
		return 0, err
	}
	before, _ := people.InForce(all, d.Now)
	return len(people.Diff(before, s)), d.byCommand(ctx, rec)
}

// ApproveStatement puts a version in force that somebody else proposed. sum is
// the digest of the text that was read; it is needed where the text was
// replaced after it was first proposed.
func (d *Desk) ApproveStatement(ctx context.Context, version, sum string) (people.Statement, error) {
	s, err := d.s.FindStatement(ctx, version, d.Now)
	if err != nil {
		return s, err
	}
	if sum == "" {
		if err := d.s.onlyText(ctx, s); err != nil {
			return s, err
		}
	}
	if s.Hands, err = d.s.handsOn(ctx, recordKey{people.Source, people.KindStatement, s.Version}); err != nil {
		return s, err
	}
	rec, err := d.Policy.Confirm(d.Who, s, sum, d.Now)
	if err != nil {
		return s, d.onStatement(err, s)
	}
	if err := d.byCommand(ctx, rec); err != nil {
		return s, err
	}
	return d.s.FindStatement(ctx, version, d.Now)
}

// onlyText refuses a version whose text was replaced: whoever approves it says
// which text they have read.
func (s *Service) onlyText(ctx context.Context, st people.Statement) error {
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindStatement}, Payloads: true}) {
		if err != nil {
			return err
		}
		if ev.Source != people.Source || ev.Key != st.Version || ev.Payload == nil {
			continue
		}
		before, err := people.ParseStatement(ev)
		if err != nil {
			return err
		}
		if before.ControlsSum != st.ControlsSum {
			return mistake("exhibit applicability show "+st.Version+" prints it with its digest; then --digest DIGEST",
				"the text of version %s was replaced on %s: say which one you have read", st.Version, st.ProposedAt.Format(time.RFC3339))
		}
	}
	return nil
}
