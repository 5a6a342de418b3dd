package shadow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// scopeKind is the kind of which the query of a run says which repositories it
// was set to look at.
const scopeKind = "github.repository"

// setting is what a source was set to look at, in a run.
type setting struct {
	at    time.Time
	query string
}

// settings notes what a run was set to look at.
func (r *reader) setting(run *evidence.Run) {
	k, read := run.Kinds[scopeKind]
	if !read || k.Coverage == "" || k.Query == "" || run.Status == evidence.RunFailed {
		return
	}
	source := run.Provenance.Source
	r.settings[source] = append(r.settings[source], setting{run.FinishedAt, k.Query})
}

// leftOut says that a record of code went not because it is not there any more,
// but because its source was set to look at other repositories in the run that
// missed it: nothing is known of it then. Empty if that is not so.
func (r *reader) leftOut(ev *evidence.Evidence) string {
	if ev.GoneAt.IsZero() || !strings.HasPrefix(ev.Kind, "code.") && !strings.HasPrefix(ev.Kind, "github.") {
		return ""
	}
	list := r.settings[ev.Source]
	if len(list) < 2 {
		return ""
	}
	if !r.sorted[ev.Source] {
		slices.SortFunc(list, func(a, b setting) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.query, b.query)) })
		r.sorted[ev.Source] = true
	}
	i, _ := slices.BinarySearchFunc(list, ev.GoneAt.Add(-time.Millisecond), func(s setting, at time.Time) int { return s.at.Compare(at) })
	if i == 0 || i >= len(list) || list[i].at.Sub(ev.GoneAt) > time.Millisecond || list[i].query == list[i-1].query {
		return ""
	}
	return "left out of source " + ev.Source + " on " + ev.GoneAt.UTC().Format(time.DateOnly)
}
