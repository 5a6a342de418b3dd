package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type planOptions struct {
	asOf, start string
	failOnLate  bool
}

func newPlanCommand(g *globals) *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use:   "plan",
		Short: "The way to an audit in 30, 60 and 90 days, computed from the evidence",
		Long: `Shows each item of the roadmap: done, open or late, what shows it and what is missing, who holds the role that
answers for it, and by when it is due. Nothing can be ticked: an item is done when its conditions hold in the evidence.

Dates count from the start of the project: --start, else plan.start of the configuration, else the day of the first
entry of the ledger. Another start computes every date anew. With --as-of, how it stood then.`,
		Example: `  exhibit plan
  exhibit plan --start 2026-09-01
  exhibit plan --as-of 2026-10-31 -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runPlan(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringVar(&o.asOf, "as-of", "", "as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.start, "start", "", "`date` on which the project began (default: plan.start of the configuration, else the first entry of the ledger)")
	f.BoolVar(&o.failOnLate, "fail-on-late", false, "exit with 4 if an item is late")
	return c
}

func runPlan(ctx context.Context, g *globals, o planOptions) error {
	start, err := planStart(o.start)
	if err != nil {
		return err
	}
	at, err := parseAsOf(o.asOf, time.Now())
	if err != nil {
		return err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	roadmap, err := svc.Roadmap()
	if err != nil {
		return err
	}
	v, err := stateAt(ctx, g, svc, at)
	if err != nil {
		return err
	}
	r, err := svc.Plan(ctx, roadmap, v, start)
	if err != nil {
		return err
	}
	if g.output != "table" {
		err = printJSON(g.std.out, g.output, r)
	} else {
		printPlan(g, roadmap, r)
	}
	if err == nil && o.failOnLate && r.Counts[plan.Late] > 0 {
		return exitWith{exitFailOn}
	}
	return err
}

// planStart reads on which day the project began; none is given by zero.
func planStart(asked string) (time.Time, error) {
	if asked == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, asked)
	if err != nil {
		return day, usageError{fmt.Errorf("--start %q is not a date", asked), "write 2026-09-01"}
	}
	return day, service.CheckTime("--start", day)
}

func printPlan(g *globals, roadmap *plan.Plan, r plan.Report) {
	w := g.std.out
	fmt.Fprintf(w, "Day %d. Start %s (%s).\n", r.Day, r.Start.Format(time.DateOnly), r.StartFrom)
	for _, phase := range roadmap.Phases {
		fmt.Fprintf(w, "\n%s\n", clean(phase.Title))
		var items []plan.Progress
		t := &table{head: []string{"STATE", "ID", "ITEM", "DUE", "OWNER", "DONE WHEN"}}
		for _, i := range r.Items {
			if i.Phase == phase.ID {
				items = append(items, i)
				t.add(stateWords(i), i.ID, i.Title, i.DueAt.Format(time.DateOnly), cmp.Or(strings.Join(i.Owners, " "), "nobody is "+i.OwnerRole), i.DoneWhen)
			}
		}
		if g.coloured() {
			t.tint = func(row, col int) string { return planTint(items, row, col) }
		}
		t.print(w)
		for _, i := range items {
			printPlanItem(w, i)
		}
	}
	fmt.Fprintf(w, "\n%d done, %d open, %d late. As of %s, ledger size %d.\n", r.Counts[plan.Done], r.Counts[plan.Open], r.Counts[plan.Late],
		r.AsOf.Format(time.RFC3339), r.Checkpoint.Size)
}

func stateWords(i plan.Progress) string {
	if i.State == plan.Late {
		return fmt.Sprintf("late, %d days", i.DaysLate)
	}
	return i.State
}

func planTint(items []plan.Progress, row, col int) string {
	switch {
	case row < 0:
		return "\x1b[1m"
	case col > 0:
		return ""
	case items[row].State == plan.Done:
		return statusTint(assess.StatusSatisfied)
	case items[row].State == plan.Late:
		return statusTint(assess.StatusFailing)
	}
	return statusTint(assess.StatusDue)
}

// printPlanItem says what shows an item and what is missing.
func printPlanItem(w io.Writer, i plan.Progress) {
	for n, list := range [][]string{i.Shown, i.Missing} {
		for _, line := range list {
			fmt.Fprintf(w, "  %s: %s %s\n", i.ID, []string{"shown", "MISSING"}[n], short(clean(line), 170))
		}
	}
	if len(i.Evidence) > 0 {
		var digests []string
		for _, d := range i.Evidence[:min(3, len(i.Evidence))] {
			digests = append(digests, d.String()[:12])
		}
		more := ""
		if n := len(i.Evidence) - len(digests); n > 0 {
			more = fmt.Sprintf(" +%d", n)
		}
		fmt.Fprintf(w, "  %s: evidence %s%s\n", i.ID, strings.Join(digests, " "), more)
	}
}
