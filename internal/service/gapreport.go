package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/gapreport"
)

// Which baseline a gap report is compared with.
const (
	AgainstFirst = "first"
	AgainstLast  = "last"
)

// GapReport groups what is open in a view by cause. against says with which of
// the reports that were frozen before it is compared; empty: with none.
func (s *Service) GapReport(ctx context.Context, v *View, against string) (gapreport.Report, error) {
	cross, err := NewCrosswalk(s.Catalog)
	if err != nil {
		return gapreport.Report{}, err
	}
	in := gapreport.Input{Assessment: v.Assessment, Catalog: s.Catalog, Frameworks: cross.Frameworks}
	for _, r := range v.Findings {
		if r.State.IsOpen() {
			in.Items = append(in.Items, gapItem(r))
		}
	}
	r := gapreport.Make(in)
	if against == "" {
		return r, nil
	}
	list, err := s.baselines(ctx)
	if err != nil {
		return r, err
	}
	list = slices.DeleteFunc(list, func(b gapreport.Baseline) bool { return b.AsOf.After(r.AsOf) })
	switch {
	case len(list) == 0:
	case against == AgainstLast:
		r.Since = gapreport.Compare(list[len(list)-1], r)
	default:
		r.Since = gapreport.Compare(list[0], r)
	}
	return r, nil
}

func gapItem(r FindingRow) gapreport.Item {
	grade := r.Grade
	if r.Judged != nil {
		grade = r.Judged.Grade
	}
	return gapreport.Item{ID: r.ID, Control: r.Control, Expectation: r.Expectation, Subject: r.Subject, Systems: r.Systems, Status: r.Status,
		Reason: r.Reason, Severity: r.Severity, Grade: grade, Owner: r.Owner, DueAt: r.DueAt, Overdue: r.Overdue, NextStep: r.NextStep}
}

// baselines returns the gap reports that were frozen, oldest first.
func (s *Service) baselines(ctx context.Context) ([]gapreport.Baseline, error) {
	var out []gapreport.Baseline
	err := entriesOf(ctx, s.store, func(e evidence.Entry) error {
		b, ok, err := gapreport.ParseBaseline(e.Body)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if ok {
			out = append(out, b)
		}
		return nil
	}, evidence.EntryExport)
	return out, err
}
