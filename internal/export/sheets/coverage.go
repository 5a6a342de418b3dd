package sheets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

var coverageLayout = Layout{Name: "Coverage gaps",
	About: "Spans in which a part of a source could not be seen, and what that affects.",
	Tab:   "B3361B", Large: true, Frozen: 1, Columns: []Column{
		{"source", 18}, {"connector", 14}, {"kind", 28}, {"scope", 30}, {"from (UTC)", 18}, {"to (UTC)", 18}, {"hours", 9}, {"open", 7},
		{"affected expectations", 40}, {"reason", 14}, {"permission", 22}, {"cause", 50},
	}}

// gapKey is what makes two runs' gaps the same gap.
type gapKey struct{ source, kind, scope, reason, permission string }

// uncovered is a span in which a part of a source was not seen: from the last
// run that saw it, or from the first that did not, to the first run that saw
// it again, or to the as-of.
type uncovered struct {
	gapKey
	connector, detail string
	from, to          time.Time
	open              bool
}

// coverage writes one row per uncovered span.
func (b *Book) coverage(_ context.Context, w Writer) error {
	affected := make(map[string][]string)
	for _, slug := range sortedKeys(b.snap.Expectations) {
		for _, kind := range b.snap.Expectations[slug].Kinds {
			affected[kind] = append(affected[kind], slug)
		}
	}
	list := spans(b.snap.Runs, b.snap.AsOf)
	switch {
	case len(b.snap.Runs) == 0:
		return alone(w, coverageLayout, "no collection", "No collection had begun by the as-of: nothing was covered.")
	case len(list) == 0:
		return alone(w, coverageLayout, "none reported", "No collection reported a part of what it was asked for that it could not see. What nobody configured is not here.")
	}
	for _, u := range list {
		w.Text(u.source)
		w.Text(u.connector)
		w.Text(u.kind)
		w.Text(u.scope)
		w.Date(u.from)
		w.Date(u.to)
		w.Decimal(u.to.Sub(u.from).Hours())
		w.Yes(u.open)
		w.List(affected[u.kind])
		w.Text(u.reason)
		w.Text(u.permission)
		w.Text(u.detail)
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

// spans finds the uncovered spans of all sources.
func spans(runs []evidence.Run, asOf time.Time) []uncovered {
	bySource := make(map[string][]*evidence.Run)
	for i := range runs {
		if runs[i].Status != evidence.RunOpen || !runs[i].StartedAt.IsZero() {
			bySource[runs[i].Provenance.Source] = append(bySource[runs[i].Provenance.Source], &runs[i])
		}
	}
	var out []uncovered
	for _, source := range sortedKeys(bySource) {
		out = append(out, sourceSpans(bySource[source], asOf)...)
	}
	slices.SortStableFunc(out, func(a, b uncovered) int {
		return cmp.Or(cmp.Compare(a.source, b.source), a.from.Compare(b.from), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.scope, b.scope), cmp.Compare(a.reason, b.reason), cmp.Compare(a.permission, b.permission))
	})
	return out
}

func sourceSpans(runs []*evidence.Run, asOf time.Time) []uncovered {
	var out []uncovered
	open := make(map[gapKey]int) // index in out
	seenAt := make(map[string]time.Time)
	for _, r := range runs {
		now := runGaps(r)
		for key, i := range open {
			if _, still := now[key]; !still && r.Status != evidence.RunFailed && r.Status != evidence.RunOpen {
				out[i].to, out[i].open = r.FinishedAt, false
				delete(open, key)
			}
		}
		for _, key := range sortedGaps(now) {
			if _, known := open[key]; known {
				continue
			}
			from := r.StartedAt
			if t := seenAt[key.kind]; !t.IsZero() {
				from = t
			}
			open[key] = len(out)
			out = append(out, uncovered{gapKey: key, connector: r.Provenance.Connector, detail: now[key], from: from, to: asOf, open: true})
		}
		for kind, k := range r.Kinds {
			if k.Coverage == "complete" {
				seenAt[kind] = r.FinishedAt
			}
		}
		if r.Status == evidence.RunComplete {
			seenAt[wholeSource] = r.FinishedAt
		}
	}
	return out
}

// wholeSource stands for the kind where a run failed as a whole.
const wholeSource = "(whole source)"

// runGaps are the gaps of a run with what was said about each.
func runGaps(r *evidence.Run) map[gapKey]string {
	m := make(map[gapKey]string)
	for _, g := range r.Gaps {
		kinds := g.Kinds
		if len(kinds) == 0 {
			kinds = []string{wholeSource}
		}
		for _, kind := range kinds {
			m[gapKey{r.Provenance.Source, kind, g.Scope, g.Reason, g.Permission}] = g.Detail
		}
	}
	switch r.Status {
	case evidence.RunFailed:
		m[gapKey{r.Provenance.Source, wholeSource, "", "failed", ""}] = firstOf(r.Error, "the run failed")
	case evidence.RunOpen:
		m[gapKey{r.Provenance.Source, wholeSource, "", "not ended", ""}] = "the run was opened and never closed"
	}
	return m
}

func sortedGaps(m map[gapKey]string) []gapKey {
	keys := make([]gapKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b gapKey) int {
		return strings.Compare(a.kind+"\x00"+a.scope+"\x00"+a.reason+"\x00"+a.permission,
			b.kind+"\x00"+b.scope+"\x00"+b.reason+"\x00"+b.permission)
	})
	return keys
}
