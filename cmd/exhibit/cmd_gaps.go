package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// gapRow is what `exhibit gaps` prints of one gap.
type gapRow struct {
	Source string    `json:"source"`
	Run    string    `json:"run"`
	Status string    `json:"status"`
	At     time.Time `json:"finished_at"`
	evidence.Gap
}

func newGapsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "gaps",
		Short: "What the newest run of each source could not see, and why",
		Long: `Lists, for the newest run of each source, the part of the scope that could
not be seen: with the reason, the kinds of record that miss it, and the permission that would close it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runGaps(c.Context(), g) },
	}
}

// gapsOf returns what a run did not see: its gaps, why it failed or that it
// has not ended, and kinds that it does not claim to have seen whole.
func gapsOf(run evidence.Run) []evidence.Gap {
	var out []evidence.Gap
	switch {
	case run.Error != "":
		out = append(out, evidence.Gap{Kinds: []string{}, Scope: "run", Reason: "failed", Detail: run.Error})
	case run.Status == evidence.RunOpen:
		out = append(out, evidence.Gap{Kinds: []string{}, Scope: "run", Reason: "open", Detail: "the run has not ended, or its process died: it claims nothing"})
	}
	out = append(out, run.Gaps...)
	for _, kind := range slices.Sorted(maps.Keys(run.Kinds)) {
		k := run.Kinds[kind]
		named := slices.ContainsFunc(out, func(g evidence.Gap) bool { return slices.Contains(g.Kinds, kind) })
		if k.Coverage != "complete" && !named && run.Error == "" {
			out = append(out, evidence.Gap{Kinds: []string{kind}, Scope: "kind", Reason: cmp.Or(k.Coverage, "not read"), Detail: k.Query})
		}
	}
	return out
}

func runGaps(ctx context.Context, g *globals) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	newest := map[string]evidence.Run{}
	var order []string
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			return err
		}
		source := run.Provenance.Source
		if _, known := newest[source]; !known {
			order = append(order, source)
		}
		newest[source] = run
	}
	var rows []gapRow
	for _, source := range order {
		run := newest[source]
		for _, gap := range gapsOf(run) {
			rows = append(rows, gapRow{source, run.ID, string(run.Status), run.FinishedAt, gap})
		}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	if len(rows) == 0 {
		g.note("The newest run of each source saw all of its scope.")
		return nil
	}
	t := table{head: []string{"SOURCE", "SCOPE", "REASON", "KINDS", "PERMISSION", "DETAIL"}}
	for _, r := range rows {
		t.add(r.Source, short(r.Scope, 40), r.Reason, short(strings.Join(r.Kinds, " "), 40), r.Permission, short(r.Detail, 400))
	}
	t.print(g.std.out)
	return nil
}
