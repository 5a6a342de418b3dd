package service

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// AuditorsWord is what an auditor wrote into a workbook that came back.
type AuditorsWord struct {
	ID         string   `json:"id"`
	Control    string   `json:"control,omitempty"`
	Population string   `json:"population,omitempty"`
	Status     string   `json:"status,omitempty"` // of the control in the snapshot
	Conclusion string   `json:"conclusion,omitempty"`
	Note       string   `json:"note,omitempty"`
	Items      []string `json:"items,omitempty"`
	people.Returned
}

// AuditorsWords lists notes, conclusions and chosen items that were put on record,
// the newest snapshot last: about one control, or all.
func (s *Service) AuditorsWords(ctx context.Context, control string) ([]AuditorsWord, error) {
	conclusions, err := OnRecord(ctx, s.store, people.KindConclusion, people.ParseConclusion)
	if err != nil {
		return nil, err
	}
	selections, err := OnRecord(ctx, s.store, people.KindSelection, people.ParseSelection)
	if err != nil {
		return nil, err
	}
	var list []AuditorsWord
	for _, c := range conclusions {
		if control == "" || c.Control == control {
			list = append(list, AuditorsWord{ID: c.ID, Control: c.Control, Status: c.Status, Conclusion: c.Conclusion, Note: c.Note, Returned: c.Returned})
		}
	}
	for _, sel := range selections {
		if control == "" {
			list = append(list, AuditorsWord{ID: sel.ID, Population: sel.Expectation, Items: sel.Items, Returned: sel.Returned})
		}
	}
	slices.SortStableFunc(list, func(a, b AuditorsWord) int { return a.AsOf.Compare(b.AsOf.Time) })
	return list, nil
}
