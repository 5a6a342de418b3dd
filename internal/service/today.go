package service

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

// OwnerView is what one person has to look after.
type OwnerView struct {
	Person   string        `json:"person"` // empty: nobody is named
	Systems  []OwnedSystem `json:"systems"`
	Duties   []FindingRow  `json:"duties"`   // whose deadline has not passed, the soonest first
	Findings []FindingRow  `json:"findings"` // open, the soonest first
}

// OwnedSystem is an AI system that the register gives somebody.
type OwnedSystem struct {
	ID string `json:"id"`
	As string `json:"as"` // owner or deputy
}

// ownerViews sorts everything open by whose move it is.
func ownerViews(rows []FindingRow, w *ask.World, a *assess.Assessment) []OwnerView {
	by := map[string]*OwnerView{}
	of := func(person string) *OwnerView {
		if by[person] == nil {
			by[person] = &OwnerView{Person: person, Systems: []OwnedSystem{}, Duties: []FindingRow{}, Findings: []FindingRow{}}
		}
		return by[person]
	}
	for _, s := range w.Systems() {
		if !s.RetiredAt.IsZero() && !s.RetiredAt.After(a.AsOf) {
			continue
		}
		of(s.Owner).Systems = append(of(s.Owner).Systems, OwnedSystem{s.ID, "owner"})
		if s.Deputy != "" && s.Deputy != s.Owner {
			of(s.Deputy).Systems = append(of(s.Deputy).Systems, OwnedSystem{s.ID, "deputy"})
		}
	}
	for _, r := range rows {
		switch v := of(r.Owner); {
		case r.State == StateDuty:
			v.Duties = append(v.Duties, r)
		case r.State.IsOpen():
			v.Findings = append(v.Findings, r)
		}
	}
	out := []OwnerView{}
	for _, v := range by {
		if len(v.Systems)+len(v.Duties)+len(v.Findings) == 0 {
			continue
		}
		slices.SortStableFunc(v.Duties, soonest)
		slices.SortStableFunc(v.Findings, soonest)
		out = append(out, *v)
	}
	slices.SortFunc(out, func(x, y OwnerView) int {
		return cmp.Or(-cmp.Compare(min(len(x.Person), 1), min(len(y.Person), 1)), strings.Compare(x.Person, y.Person))
	})
	return out
}

// soonest orders by due date; what has none comes last.
func soonest(x, y FindingRow) int {
	due := func(r FindingRow) int64 {
		if r.DueAt == nil {
			return 1<<63 - 1
		}
		return r.DueAt.Unix()
	}
	return cmp.Or(cmp.Compare(due(x), due(y)), MostUrgent(x, y))
}
