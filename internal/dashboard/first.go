package dashboard

import (
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// move is something that needs doing, with where to do it.
type move struct {
	Title, Href string
	What        string    // in a few words: decide by, due
	At          time.Time // until when; zero: somebody waits for it already
	Overdue     bool
	rank        int
}

// stepsShown is how many steps the page of the day begins with.
const stepsShown = 3

// firstSteps is what to begin with: what is overdue, then what others wait for,
// then what is due soonest. Whoever acts as a person of the register gets their own.
func (c *call) firstSteps(t *todayData) []move {
	var out []move
	for _, k := range t.Cases[:min(len(t.Cases), stepsShown)] {
		if mine := c.Who.Person != "" && askedOf(&k) == c.Who.Person; t.Mine == nil || mine || c.May("decide_shadow") {
			out = append(out, move{Title: clip(120, k.Title), Href: c.Link("/shadow/" + k.ID), What: "decide by", At: k.Until(), Overdue: k.Overdue(t.At())})
		}
	}
	if c.May("approve") && c.Who.Person != "" {
		for _, w := range t.Waits.List {
			if w.By != c.Who.Person {
				out = append(out, move{Title: clip(120, w.ID+" "+w.Title), Href: c.WaitingLink(w), What: w.What + ", waits for a second person"})
			}
		}
	}
	for _, o := range t.firstOwners() {
		for _, r := range dueRows(o, stepsShown) {
			if r.DueAt != nil {
				out = append(out, move{Title: c.RuleTitle(r.Expectation) + ": " + clip(80, named(r.Subject)), Href: c.FindingLink(r.ID), What: "due", At: *r.DueAt, Overdue: r.Overdue})
			}
		}
	}
	for i := range out {
		switch s := &out[i]; {
		case s.Overdue:
		case s.At.IsZero():
			s.rank = 1
		default:
			s.rank = 2
		}
	}
	slices.SortStableFunc(out, func(x, y move) int {
		if x.rank != y.rank {
			return x.rank - y.rank
		}
		return x.At.Compare(y.At)
	})
	return out[:min(len(out), stepsShown)]
}

// named is what a finding is about, in words.
func named(s evidence.Subject) string {
	if s.Type == s.ID {
		return s.ID
	}
	return words(s.Type) + " " + s.ID
}

// firstOwners are those whose findings a reader begins with: their own, or
// everybody's.
func (t *todayData) firstOwners() []service.OwnerView {
	if t.Mine != nil {
		return []service.OwnerView{*t.Mine}
	}
	var out []service.OwnerView
	for _, o := range t.Others {
		out = append(out, o.OwnerView)
	}
	return out
}
