package sheets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var runsLayout = Layout{Name: "Collector runs",
	About: "Every collection: by whom, what was asked, what was seen, what it counted.",
	Tab:   "8C6D46", Large: true, Frozen: 1, Columns: []Column{
		{"run", 33}, {"source", 16}, {"connector", 14}, {"version", 10}, {"connector binary sha256", 24}, {"identity", 26},
		{"permissions missing", 24}, {"scope asked", 60}, {"scope seen", 30}, {"started (UTC)", 18}, {"finished (UTC)", 18}, {"status", 11},
		{"error", 34}, {"requests", 9}, {"not modified", 9}, {"retries", 8}, {"rate limited", 8}, {"seen", 9}, {"new", 9}, {"revised", 9},
		{"unchanged", 11}, {"gone", 9}, {"independent count", 20}, {"truncation", 24}, {"gaps", 7}, {"confinement", 40},
	}}

// runStatus are the colours of a run's status, by the status that a result
// would have for it.
var runStatus = map[evidence.RunStatus]assess.Status{
	evidence.RunComplete: assess.StatusSatisfied,
	evidence.RunPartial:  assess.StatusStale,
	evidence.RunFailed:   assess.StatusFailing,
	evidence.RunOpen:     assess.StatusNotAssessed,
}

// runs writes one row per collection.
func (b *Book) runs(_ context.Context, w Writer) error {
	if len(b.snap.Runs) == 0 {
		return alone(w, runsLayout, "no collection", "No collection had begun by the as-of. What a reason says of a run that looked is of a later one.")
	}
	for i := range b.snap.Runs {
		r := &b.snap.Runs[i]
		w.Code(r.ID)
		w.Text(r.Provenance.Source)
		w.Text(r.Provenance.Connector)
		w.Text(r.Provenance.ConnectorVersion)
		w.Code(r.Provenance.Binary)
		w.Text(r.Provenance.Identity)
		w.List(missingPermissions(r))
		asked, seen, independent, sum := kindsOf(r)
		w.List(asked)
		w.List(seen)
		w.Date(r.StartedAt)
		w.Date(r.FinishedAt)
		w.Mark(firstOf(string(r.Status), "not ended"), runStatus[r.Status])
		w.Text(r.Error)
		for _, n := range []int64{r.Calls.Requests, r.Calls.NotModified, r.Calls.Retries, r.Calls.RateLimited,
			sum.Seen, sum.New, sum.Revised, sum.Unchanged, sum.Gone} {
			w.Number(n)
		}
		w.List(independent)
		w.List(truncations(r))
		w.Number(int64(len(r.Gaps)))
		w.Text(r.Confinement)
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

func missingPermissions(r *evidence.Run) []string {
	var out []string
	for _, g := range r.Gaps {
		if g.Permission != "" && !slices.Contains(out, g.Permission) {
			out = append(out, g.Permission)
		}
	}
	slices.Sort(out)
	return out
}

// kindsOf lists what a run asked for, each query once, what it saw of each kind,
// and adds up its counts.
func kindsOf(r *evidence.Run) (asked, seen, independent []string, sum evidence.KindRead) {
	var queries []string // in the order of the first kind of each
	by := map[string][]string{}
	for _, kind := range sortedKeys(r.Kinds) {
		k := r.Kinds[kind]
		if by[k.Query] == nil {
			queries = append(queries, k.Query)
		}
		by[k.Query] = append(by[k.Query], kind)
		seen = append(seen, kind+": "+firstOf(k.Coverage, "not read"))
		if k.IndependentCount >= 0 {
			independent = append(independent, fmt.Sprintf("%s: %d counted, %d seen", kind, k.IndependentCount, k.Seen))
		}
		sum.Seen += k.Seen
		sum.New += k.New
		sum.Revised += k.Revised
		sum.Unchanged += k.Unchanged
		sum.Gone += k.Gone
	}
	for _, q := range queries {
		asked = append(asked, joined(": ", strings.Join(by[q], ", "), q))
	}
	return asked, seen, independent, sum
}

func truncations(r *evidence.Run) []string {
	var out []string
	for _, g := range r.Gaps {
		if g.Reason == "truncated" || g.Reason == "rate_limited" || g.Reason == "hidden" {
			out = append(out, g.Reason+": "+firstOf(g.Scope, strings.Join(g.Kinds, ", ")))
		}
	}
	return out
}
