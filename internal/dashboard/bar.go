package dashboard

import (
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// bar is how many have which status, as a drawing 100 wide.
type bar struct {
	Parts []barPart
	Says  string
}

type barPart struct {
	X, W   string
	Status assess.Status
}

// barOf draws what applies; nil if nothing does.
func barOf(counts map[assess.Status]int) *bar {
	total := 0
	for s, n := range counts {
		if s != assess.StatusNotApplicable {
			total += n
		}
	}
	if total == 0 {
		return nil
	}
	b := &bar{}
	var says []string
	at := 0
	for i := len(statuses) - 1; i >= 0; i-- { // satisfied first
		s := statuses[i]
		n := counts[s]
		if n == 0 || s == assess.StatusNotApplicable {
			continue
		}
		place := func(n int) float64 { return 100 * float64(n) / float64(total) }
		b.Parts = append(b.Parts, barPart{coordinate(place(at)), coordinate(place(at+n) - place(at)), s})
		says = append(says, count(n)+" "+words(s))
		at += n
	}
	b.Says = strings.Join(says, ", ")
	return b
}
