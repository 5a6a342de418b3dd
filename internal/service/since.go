package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
)

// Delta is what changed between two instants.
type Delta struct {
	*assess.Delta
	// Rules is set if recorded assessments show that the expectations were
	// others at the first instant. Both instants are judged by those in force now.
	Rules *RulesChange `json:"rules_changed,omitempty"`
}

// RulesChange is the expectations that were in force at two instants.
type RulesChange struct {
	Before RecordedRules `json:"before"`
	After  RecordedRules `json:"after"`
}

// RecordedRules are the expectations that a recorded assessment was made from.
type RecordedRules struct {
	At      time.Time       `json:"recorded_at"`
	Catalog string          `json:"catalog"`
	Digest  evidence.Digest `json:"digest"`
}

// Since compares two instants.
func (s *Service) Since(ctx context.Context, from, to time.Time) (*Delta, error) {
	if now := s.clock(); from.After(now) || to.After(now) {
		return nil, mistake("choose an instant up to now", "evidence of the future cannot be read")
	}
	if !from.Before(to) {
		return nil, mistake("give the earlier instant first", "%s is not before %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	var d *Delta
	err := s.onState(ctx, func(st *assess.State, cp assess.Checkpoint) error {
		after, err := st.Moment(to, cp)
		if err != nil {
			return err
		}
		before, err := st.Moment(from, cp)
		if err != nil {
			return err
		}
		d = &Delta{Delta: assess.Compare(before, after)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	payload, err := gather.ChangedPayloads(ctx, s.store, d.Records, 0)
	if err != nil {
		return nil, err
	}
	if err := d.Describe(payload); err != nil {
		return nil, err
	}
	d.Rules, err = s.rulesChanged(ctx, from, to)
	return d, err
}

// Period says how each control stood across a span that is over.
func (s *Service) Period(ctx context.Context, o period.Options) (p *period.Period, err error) {
	switch {
	case o.LateAfter <= 0:
		return nil, mistake("for example 72h", "a late capture needs more than no time")
	case o.To.After(s.clock()):
		return nil, mistake("end it now at the latest", "the span ends in the future: evidence of the future cannot be read")
	case !o.From.Before(o.To):
		return nil, mistake("write the earlier date first", "the span ends before it begins")
	}
	err = s.onState(ctx, func(st *assess.State, cp assess.Checkpoint) error {
		p, err = period.Of(st, cp, o)
		return err
	})
	return p, err
}

// onState hands f all that the store holds. Nothing else is evaluated meanwhile.
func (s *Service) onState(ctx context.Context, f func(*assess.State, assess.Checkpoint) error) error {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	e, err := s.rules()
	if err != nil {
		return err
	}
	defer s.assessed()
	cp, err := e.Load(ctx)
	if err != nil {
		return err
	}
	return f(e.State(), cp)
}

// rulesChanged looks at the assessments that the ledger records.
func (s *Service) rulesChanged(ctx context.Context, from, to time.Time) (*RulesChange, error) {
	var c RulesChange
	err := entriesOf(ctx, s.store, func(e evidence.Entry) error {
		var body struct {
			Catalog assess.CatalogRef `json:"catalog"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		r := RecordedRules{At: e.At, Catalog: body.Catalog.ID + " " + body.Catalog.Version, Digest: body.Catalog.Digest}
		if !e.At.After(from) {
			c.Before = r
		}
		if !e.At.After(to) {
			c.After = r
		}
		return nil
	}, evidence.EntryAssessment)
	if err != nil {
		return nil, err
	}
	if c.Before.At.IsZero() || c.Before.Digest == c.After.Digest {
		return nil, nil
	}
	return &c, nil
}

// Only leaves what concerns a control, a system or a subject.
func (d *Delta) Only(what string) {
	concerns := func(r assess.ResultChange) bool {
		return r.Control == what || r.Subject.ID == what || slices.Contains(r.Systems, what)
	}
	d.Controls = slices.DeleteFunc(d.Controls, func(c assess.ControlChange) bool { return c.ID != what })
	d.Applicability = slices.DeleteFunc(d.Applicability, func(c assess.ControlChange) bool { return c.ID != what })
	d.Results = slices.DeleteFunc(d.Results, func(r assess.ResultChange) bool { return !concerns(r) })
	d.Records = slices.DeleteFunc(d.Records, func(r assess.RecordChange) bool { return r.Subject.ID != what })
	slugs := map[string]bool{}
	for _, r := range d.Results {
		slugs[r.Expectation] = true
	}
	d.Waivers = slices.DeleteFunc(d.Waivers, func(w assess.WaiverChange) bool { return !slugs[WaiverSide(w).Expectation] })
	d.Populations = slices.DeleteFunc(d.Populations, func(p assess.PopulationChange) bool { return !slugs[p.Expectation] })
	d.Expectations = slices.DeleteFunc(d.Expectations, func(e assess.ExpectationChange) bool { return !slugs[e.Slug] })
	d.SoA = assess.VersionChange{}
}

// WaiverSide is a waiver as it is, or as it was if it is not valid any more.
func WaiverSide(w assess.WaiverChange) *assess.ValidWaiver {
	if w.After != nil {
		return w.After
	}
	return w.Before
}
