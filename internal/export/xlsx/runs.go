package xlsx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var runsLayout = layout{name: "Collector runs", tab: "8C6D46", large: true, frozen: 1, columns: []column{
	{"run", 26}, {"source", 16}, {"connector", 14}, {"version", 10}, {"connector binary sha256", 24}, {"identity", 26},
	{"permissions missing", 24}, {"scope asked", 40}, {"scope seen", 30}, {"started (UTC)", 18}, {"finished (UTC)", 18}, {"status", 11},
	{"error", 34}, {"requests", 9}, {"not modified", 9}, {"retries", 8}, {"rate limited", 8}, {"seen", 9}, {"new", 9}, {"revised", 9},
	{"unchanged", 11}, {"gone", 9}, {"independent count", 20}, {"truncation", 24}, {"gaps", 7},
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
func (b *book) runs(_ context.Context, s *sheet) error {
	for i := range b.snap.Runs {
		var err error
		if s, err = s.room(); err != nil {
			return err
		}
		r := &b.snap.Runs[i]
		s.code(r.ID)
		s.text(r.Provenance.Source)
		s.text(r.Provenance.Connector)
		s.text(r.Provenance.ConnectorVersion)
		s.code(r.Provenance.Binary)
		s.text(r.Provenance.Identity)
		s.list(missingPermissions(r))
		asked, seen, independent, sum := kindsOf(r)
		s.list(asked)
		s.list(seen)
		s.date(r.StartedAt)
		s.date(r.FinishedAt)
		s.styled(firstOf(string(r.Status), "not ended"), b.st.status[runStatus[r.Status]])
		s.text(r.Error)
		for _, n := range []int64{r.Calls.Requests, r.Calls.NotModified, r.Calls.Retries, r.Calls.RateLimited,
			sum.Seen, sum.New, sum.Revised, sum.Unchanged, sum.Gone} {
			s.put(n, b.st.number)
		}
		s.list(independent)
		s.list(truncations(r))
		s.number(len(r.Gaps))
		if err := s.end(); err != nil {
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

// kindsOf lists what a run asked for and saw of each kind, and adds up its counts.
func kindsOf(r *evidence.Run) (asked, seen, independent []string, sum evidence.KindRead) {
	for _, kind := range sortedKeys(r.Kinds) {
		k := r.Kinds[kind]
		line := kind
		if k.Query != "" {
			line += ": " + k.Query
		}
		asked = append(asked, line)
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
