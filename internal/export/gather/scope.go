package gather

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// statement is what is read of a scope.statement.
type statement struct {
	Statement  string    `json:"statement"`
	Boundaries string    `json:"boundaries"`
	ApprovedBy string    `json:"approved_by"`
	ApprovedAt time.Time `json:"approved_at"`
	Headcount  []struct {
		Role   string `json:"role"`
		People int    `json:"people"`
	} `json:"headcount"`

	from evidence.Evidence
}

func (p statement) approved() bool { return p.ApprovedBy != "" && !p.ApprovedAt.IsZero() }

// scope fills in the management system's scope: the newest statement of it
// that was approved, or the newest that was not, which is said. Headcounts are
// those of the newest statement that has any: nobody approves them.
func (g *gatherer) scope(ctx context.Context, s *export.Snapshot) error {
	list, err := g.inForce(ctx, "scope.statement")
	if err != nil {
		return err
	}
	var all []statement
	for _, ev := range list {
		var p statement
		if decode(ev, &p) != nil { // a source may send anything: it stops no export
			g.used[ev.Digest] = true
			p = statement{Statement: "not established: evidence " + ev.Digest.String() + " is a statement of the scope that cannot be read"}
		}
		if p.ApprovedAt.After(g.asOf) {
			p.ApprovedBy, p.ApprovedAt = "", time.Time{}
		}
		p.from = ev
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(x, y statement) int { // the newest last
		return cmp.Or(x.ApprovedAt.Compare(y.ApprovedAt), x.from.CollectedAt.Compare(y.from.CollectedAt))
	})
	for _, p := range all {
		if len(p.Headcount) > 0 {
			s.Headcount = nil
			for _, c := range p.Headcount {
				s.Headcount = append(s.Headcount, export.Count{Name: c.Role, N: c.People})
			}
			g.used[p.from.Digest] = true
		}
	}
	if len(all) == 0 {
		return nil
	}
	last := all[len(all)-1]
	if i := slices.IndexFunc(all, statement.approved); i >= 0 {
		for _, p := range all[i:] {
			if p.approved() {
				last = p
			}
		}
	}
	g.used[last.from.Digest] = true
	s.Scope = last.words()
	if last.approved() {
		s.ScopeBy, s.ScopeAt = last.ApprovedBy, last.ApprovedAt
	}
	return nil
}

// words are the statement, and its boundaries where they say more.
func (p statement) words() string {
	switch {
	case p.Statement == "" || p.Statement == p.Boundaries:
		return p.Boundaries
	case p.Boundaries == "":
		return p.Statement
	}
	return p.Statement + "\n" + p.Boundaries
}
