package coverage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Misses gathers what could not be read of many things alike, so that a
// permission that is missing is one gap and not a hundred.
type Misses struct {
	Each string // what one of the things is: project, workspace

	list []missed
}

// missed is a part that could not be read for one reason.
type missed struct {
	part   Part
	reason connector.Reason
	detail string
	of     []string
}

// maxNamed is how many things a gap names.
const maxNamed = 8

// Miss notes that a part of one thing could not be read. It returns an error
// only when the run must end.
func (m *Misses) Miss(ctx context.Context, p Part, of string, err error) error {
	if fatal := Fatal(ctx, err); fatal != nil {
		return fatal
	}
	reason := ReasonOf(err)
	i := slices.IndexFunc(m.list, func(x missed) bool { return x.part.Scope == p.Scope && x.reason == reason })
	if i < 0 {
		i = len(m.list)
		m.list = append(m.list, missed{part: p, reason: reason, detail: err.Error()})
	}
	m.list[i].of = append(m.list[i].of, of)
	return nil
}

// Tell emits a gap for each part and reason.
func (m *Misses) Tell(b *Book) error {
	for _, x := range m.list {
		slices.Sort(x.of)
		scope := fmt.Sprintf("%s of %s %s", x.part.Scope, m.Each, x.of[0])
		if n := len(x.of); n > 1 {
			scope = fmt.Sprintf("%s of %d %ss: %s", x.part.Scope, n, m.Each, strings.Join(x.of[:min(n, maxNamed)], ", "))
			if n > maxNamed {
				scope += " …"
			}
		}
		g := connector.Gap{Kinds: x.part.Kinds, Scope: scope, Reason: x.reason, Detail: x.detail}
		if x.reason == connector.Denied {
			g.Permission = x.part.Permission
		}
		if err := b.Gap(g); err != nil {
			return err
		}
	}
	return nil
}
