package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// undecided are the uses of AI that wait for somebody to decide, the soonest
// first, and those of one date by who is to be asked. What waits for a second
// person was decided by a first.
func (p *prepared) undecided() []shadow.Case {
	return once(p, "undecided", func(v *service.View) []shadow.Case {
		var out []shadow.Case
		for i := range v.Shadow.Cases {
			if k := &v.Shadow.Cases[i]; k.Open() && k.Pending == "" {
				out = append(out, *k)
			}
		}
		slices.SortStableFunc(out, func(x, y shadow.Case) int {
			return cmp.Or(cmp.Compare(boolInt(x.Until().IsZero()), boolInt(y.Until().IsZero())), x.Until().Compare(y.Until()),
				strings.Compare(askedOf(&x), askedOf(&y)), strings.Compare(x.ID, y.ID))
		})
		return out
	})
}

// askedOf is who is to be asked of a case: who took it up, or else who seems to
// have begun it. It is empty where nobody is known, which sorts first.
func askedOf(k *shadow.Case) string { return cmp.Or(k.Owner, k.Hint) }
