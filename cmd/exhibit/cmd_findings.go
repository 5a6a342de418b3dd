package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

func newFindingsCommand(g *globals) *cobra.Command {
	var asOf, owner string
	c := &cobra.Command{
		Use:   "findings",
		Short: "Open shortfalls: whose move it is, by when, and the next step",
		Long: `Lists every result that is not in order, most severe and most urgent first, with
its owner, when it is due, and what to do next.`,
		Example: "  exhibit findings\n  exhibit findings --owner maria.keller -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runFindings(c.Context(), g, asOf, owner) },
	}
	c.Flags().StringVar(&asOf, "as-of", "", "evaluate as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	c.Flags().StringVar(&owner, "owner", "", "only what this `person` has to do")
	return c
}

func runFindings(ctx context.Context, g *globals, asOf, owner string) error {
	a, err := g.assessAsOf(ctx, asOf)
	if err != nil {
		return err
	}
	var rows []assess.Finding
	for _, f := range assess.Findings(a) {
		if owner == "" || f.Owner == owner {
			rows = append(rows, f)
		}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	if len(rows) == 0 {
		g.note("Nothing is open as of %s.", a.AsOf.Format(time.RFC3339))
		return nil
	}
	t := table{head: []string{"CONTROL", "EXPECTATION", "SUBJECT", "STATUS", "SEVERITY", "OWNER", "DUE", "NEXT STEP"}}
	for _, f := range rows {
		due := ""
		if f.DueAt != nil {
			due = f.DueAt.Format(time.DateOnly)
		}
		t.add(f.Control, f.Expectation, short(f.Subject.ID, 36), string(f.Status), f.Severity, f.Owner, due, short(f.NextStep, 70))
	}
	if g.coloured() {
		t.tint = func(row, col int) string {
			switch {
			case row < 0:
				return "\x1b[1m"
			case col == 3:
				return statusTint(rows[row].Status)
			}
			return ""
		}
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\n%d open as of %s.\n", len(rows), a.AsOf.Format(time.RFC3339))
	return nil
}
