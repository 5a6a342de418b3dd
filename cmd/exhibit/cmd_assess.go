package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type assessOptions struct {
	asOf   string
	period periodOptions
	failOn []string
}

func newAssessCommand(g *globals) *cobra.Command {
	var o assessOptions
	c := &cobra.Command{
		Use:   "assess",
		Short: "Hold the evidence against every expectation",
		Long: `Evaluates all expectations against the evidence in the store, as of now or as
of any past instant, and prints each control with its status, with the ledger's size and root and the digest
of the catalog that it was made from. Where the signing key is, the evaluation is recorded in the ledger.

With --period it says how each control stood across a span, day by day: on how
many days it was satisfied and read, where the gaps are, when it first operated,
and what came late. A day without a complete reading of the settings that a
control rests on is no satisfied day. Nothing is recorded then.`,
		Example: `  exhibit assess
  exhibit assess --as-of 2026-06-30T23:59:59Z -o json
  exhibit assess --period 2026-01-01..2026-06-30
  exhibit assess --fail-on failing,missing`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.period.span != "" {
				return runPeriod(c.Context(), g, o.period, o.asOf, o.failOn, nil)
			}
			return runAssess(c.Context(), g, o)
		},
	}
	c.Flags().StringVar(&o.asOf, "as-of", "", "evaluate as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	c.Flags().StringSliceVar(&o.failOn, "fail-on", nil, "exit with 4 if a control has one of these `statuses`")
	o.period.flags(c)
	return c
}

func runAssess(ctx context.Context, g *globals, o assessOptions) error {
	failOn, err := parseStatuses(o.failOn)
	if err != nil {
		return err
	}
	a, err := g.assessAsOf(ctx, o.asOf)
	if err != nil {
		return err
	}
	if g.output == "table" {
		printControls(g, a)
	} else if err := printJSON(g.std.out, g.output, a); err != nil {
		return err
	}
	if err := g.record(ctx, a, o.asOf == ""); err != nil {
		return err
	}
	return failIf(a, failOn)
}

// record appends the assessment to the ledger. Where the signing key is not, as
// on an auditor's copy, nothing can be appended, and nothing is.
func (g *globals) record(ctx context.Context, a *assess.Assessment, asOfNow bool) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Key); err != nil {
		g.note("The assessment was not recorded in the ledger: there is no signing key at %s.", cfg.Key)
		return nil
	}
	w, err := g.openForWriting(ctx)
	if err != nil {
		return fmt.Errorf("the assessment was not recorded: %w", err)
	}
	defer w.Close()
	return w.svc.RecordAssessment(ctx, a, asOfNow)
}

// failIf returns exit code 4 if a control has one of the statuses.
func failIf(a *assess.Assessment, statuses []assess.Status) error {
	for _, c := range a.Controls {
		if slices.Contains(statuses, c.Status) {
			return exitWith{exitFailOn}
		}
	}
	return nil
}

var allStatuses = []assess.Status{
	assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale, assess.StatusPendingReview,
	assess.StatusDue, assess.StatusWaived, assess.StatusSatisfied, assess.StatusNotApplicable,
}

func parseStatuses(words []string) ([]assess.Status, error) {
	var out []assess.Status
	for _, w := range words {
		s := assess.Status(strings.TrimSpace(w))
		if !slices.Contains(allStatuses, s) {
			var known []string
			for _, k := range allStatuses {
				known = append(known, string(k))
			}
			return nil, usageError{fmt.Errorf("status %q is not known", w), "statuses: " + strings.Join(known, ", ")}
		}
		out = append(out, s)
	}
	return out, nil
}

// parseAsOf reads an instant; a date means its last second, UTC.
func parseAsOf(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now.UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		if t.After(now) {
			return time.Time{}, usageError{fmt.Errorf("--as-of %s is in the future", s), "evidence of the future cannot be read; choose an instant up to now"}
		}
		return t.UTC(), service.CheckTime("--as-of", t)
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--as-of %q is not a time", s), "use RFC 3339 (2026-06-30T12:00:00Z) or a date (2026-06-30)"}
	}
	if err := service.CheckTime("--as-of", day); err != nil {
		return time.Time{}, err
	}
	end := day.Add(24*time.Hour - time.Second)
	if day.After(now) {
		return time.Time{}, usageError{fmt.Errorf("--as-of %s is in the future", s), "evidence of the future cannot be read; choose an instant up to now"}
	}
	if end.After(now) {
		return now.UTC(), nil
	}
	return end, nil
}

// printControls lists the controls that something applies to, worst first
// within their order in the catalog, then what the counts add up to.
func printControls(g *globals, a *assess.Assessment) {
	t := table{head: []string{"CONTROL", "TITLE", "STATUS", "SATISFIED", "REASON"}}
	var shown []assess.Status
	quietControls := 0
	for _, c := range a.Controls {
		if c.Total == 0 && c.Status == assess.StatusNotAssessed {
			quietControls++
			continue
		}
		t.add(c.ID, short(c.Title, 44), string(c.Status), fmt.Sprintf("%d / %d", c.Satisfied, c.Total), short(c.Reason, 70))
		shown = append(shown, c.Status)
	}
	if g.coloured() {
		t.tint = func(row, col int) string {
			if row < 0 {
				return "\x1b[1m"
			}
			if col == 2 {
				return statusTint(shown[row])
			}
			return ""
		}
	}
	t.print(g.std.out)
	if quietControls > 0 {
		fmt.Fprintf(g.std.out, "\n%d controls have no evidence yet and are not_assessed (exhibit status shows each).\n", quietControls)
	}
	fmt.Fprintf(g.std.out, "As of %s, ledger size %d, catalog %s %s.\n", a.AsOf.Format(time.RFC3339), a.Checkpoint.Size, a.Catalog.ID, a.Catalog.Version)
}
