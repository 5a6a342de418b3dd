package anthropic

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
)

// misses gathers what could not be read of single workspaces, so that a
// permission that is missing is one gap and not a hundred.
type misses []missed

// missed is what could not be read for one reason.
type missed struct {
	what, permission, detail string
	reason                   connector.Reason
	kinds, workspaces        []string
}

// miss notes that something of a workspace could not be read. It returns an error
// only when the run must end.
func (r *run) miss(ctx context.Context, p coverage.Part, workspace string, err error) error {
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return fatal
	}
	reason := coverage.ReasonOf(err)
	for i, m := range r.missed {
		if m.what == p.Scope && m.reason == reason {
			r.missed[i].workspaces = append(m.workspaces, workspace)
			return nil
		}
	}
	m := missed{what: p.Scope, detail: err.Error(), reason: reason, kinds: p.Kinds, workspaces: []string{workspace}}
	if reason == connector.Denied {
		m.permission = p.Permission
	}
	r.missed = append(r.missed, m)
	return nil
}

// named workspaces a gap holds at most.
const named = 8

func (r *run) tellMissed(context.Context) error {
	for _, m := range r.missed {
		slices.Sort(m.workspaces)
		scope := m.what + " of workspace " + m.workspaces[0]
		if n := len(m.workspaces); n > 1 {
			scope = fmt.Sprintf("%s of %d workspaces: %s", m.what, n, strings.Join(m.workspaces[:min(n, named)], ", "))
			if n > named {
				scope += " …"
			}
		}
		if err := r.book.Gap(connector.Gap{Kinds: m.kinds, Scope: scope, Reason: m.reason, Permission: m.permission, Detail: m.detail}); err != nil {
			return err
		}
	}
	return nil
}
