package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

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
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	rows, err := svc.Gaps(ctx)
	if err != nil {
		return err
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
