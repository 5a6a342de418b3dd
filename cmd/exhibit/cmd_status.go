package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

type statusOptions struct {
	asOf   string
	since  string
	period periodOptions
	failOn []string
}

func newStatusCommand(g *globals) *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status [CONTROL|SYSTEM]",
		Short: "Where things stand, for people",
		Long: `Without an argument: every control with its status. With a control's id
(A.6.2.5): its results and what each rests on. With an AI system's id: every result that concerns it.

With --period: the record across a span, interval by interval, with gaps, the first operating record and what
came late. With --since: what changed between that instant and --as-of, or now: controls and results, systems,
vendors, waivers, the statement of applicability, the scope, and how often each source was read.`,
		Example: `  exhibit status
  exhibit status A.6.2.5
  exhibit status cv-screener --as-of 2026-06-30
  exhibit status A.8.4 --period 2026-01-01..2026-06-30
  exhibit status --since 2025-11-14`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case o.period.span != "" && o.since != "":
				return usageError{errors.New("--period does not go with --since"), "ask for a span, or for what changed"}
			case o.period.span != "":
				return runPeriod(c.Context(), g, o.period, o.asOf, o.failOn, args)
			case o.since != "":
				return runSince(c.Context(), g, o, args)
			}
			return runStatus(c.Context(), g, o, args)
		},
	}
	c.Flags().StringVar(&o.asOf, "as-of", "", "evaluate as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	c.Flags().StringVar(&o.since, "since", "", "what changed since this `time` (RFC 3339, or a date: the end of that day, UTC)")
	c.Flags().StringSliceVar(&o.failOn, "fail-on", nil, "exit with 4 if what is shown has one of these `statuses`")
	o.period.flags(c)
	return c
}

func runStatus(ctx context.Context, g *globals, o statusOptions, args []string) error {
	failOn, err := parseStatuses(o.failOn)
	if err != nil {
		return err
	}
	a, err := g.assessAsOf(ctx, o.asOf)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return statusOfAll(g, a, failOn)
	}
	if i := slices.IndexFunc(a.Controls, func(c assess.Control) bool { return c.ID == args[0] }); i >= 0 {
		inForce := slices.DeleteFunc(slices.Clone(a.Expectations), func(e assess.InForce) bool { return e.Control != a.Controls[i].ID })
		return statusOfControl(g, a.Controls[i], inForce, failOn)
	}
	var results []*assess.Result
	for _, r := range a.Results {
		if slices.Contains(r.Systems, args[0]) || r.Subject.ID == args[0] {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return usageError{fmt.Errorf("%q is neither a control nor an AI system or subject with results", args[0]),
			"exhibit status lists the controls, exhibit register show the AI systems"}
	}
	printed := printResults(g, results, failOn)
	if err := g.noteWholeness(ctx, a.AsOf); err != nil {
		return err
	}
	return printed
}

func statusOfAll(g *globals, a *assess.Assessment, failOn []assess.Status) error {
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, a.Controls); err != nil {
			return err
		}
		return failIf(a, failOn)
	}
	t := table{head: []string{"CONTROL", "TITLE", "STATUS", "SATISFIED", "FAILING", "MISSING", "STALE", "DUE", "WAIVED"}}
	for _, c := range a.Controls {
		n := func(s assess.Status) string { return fmt.Sprint(c.Counts[s]) }
		t.add(c.ID, short(c.Title, 52), string(c.Status), fmt.Sprintf("%d / %d", c.Satisfied, c.Total),
			n(assess.StatusFailing), n(assess.StatusMissing), n(assess.StatusStale), n(assess.StatusDue), n(assess.StatusWaived))
	}
	if g.coloured() {
		t.tint = func(row, col int) string {
			switch {
			case row < 0:
				return "\x1b[1m"
			case col == 2:
				return statusTint(a.Controls[row].Status)
			}
			return ""
		}
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\nAs of %s, ledger size %d.\n", a.AsOf.Format(time.RFC3339), a.Checkpoint.Size)
	if len(a.Runs) == 0 {
		fmt.Fprintln(g.std.out, "No source had been read by then: most cannot be assessed, and what can rests on records that were read later.")
	}
	return failIf(a, failOn)
}

func statusOfControl(g *globals, c assess.Control, inForce []assess.InForce, failOn []assess.Status) error {
	if g.output == "table" {
		fmt.Fprintf(g.std.out, "%s %s\n%s: %s (%d / %d satisfied)\n\n", c.ID, clean(c.Title), c.Status, clean(c.Reason), c.Satisfied, c.Total)
	}
	err := printResults(g, c.Results, failOn)
	if g.output == "table" {
		printThresholds(g, inForce)
	}
	return err
}

// printThresholds says what each expectation of a control was held against.
func printThresholds(g *globals, inForce []assess.InForce) {
	fmt.Fprintln(g.std.out)
	for _, e := range inForce {
		fmt.Fprintf(g.std.out, "%s%s: %s\n", e.Slug, mark(e), clean(e.Thresholds()))
	}
}

func printResults(g *globals, results []*assess.Result, failOn []assess.Status) error {
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, results); err != nil {
			return err
		}
	} else {
		t := table{head: []string{"EXPECTATION", "SUBJECT", "STATUS", "REASON", "EVIDENCE"}}
		for _, r := range results {
			digest := "–"
			if len(r.Evidence) > 0 {
				digest = r.Evidence[0].String()[:12]
				if more := len(r.Evidence) - 1; more > 0 {
					digest += fmt.Sprintf(" +%d", more)
				}
			}
			t.add(r.Expectation, short(r.Subject.ID, 40), string(r.Status), short(lateMark(r)+r.Reason, 90), digest)
		}
		if g.coloured() {
			t.tint = func(row, col int) string {
				switch {
				case row < 0:
					return "\x1b[1m"
				case col == 2:
					return statusTint(results[row].Status)
				}
				return ""
			}
		}
		t.print(g.std.out)
	}
	for _, r := range results {
		if slices.Contains(failOn, r.Status) {
			return exitWith{exitFailOn}
		}
	}
	return nil
}

// lateMark says that a result rests on evidence read after the instant.
func lateMark(r *assess.Result) string {
	if r.LateCapture {
		return "(read later) "
	}
	return ""
}
