package main

import (
	"context"
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
		if run.Error != "" {
			rows = append(rows, gapRow{source, run.ID, string(run.Status), run.FinishedAt,
				evidence.Gap{Kinds: []string{}, Scope: "run", Reason: "failed", Detail: run.Error}})
		}
		for _, gap := range run.Gaps {
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
