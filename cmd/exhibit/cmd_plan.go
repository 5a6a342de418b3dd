package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/store"
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
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if _, _, err := planStart(o.start, cfg.Plan.Start, time.Time{}); err != nil {
		return err
	}
	engine, err := newEngine(cfg)
	if err != nil {
		return err
	}
	roadmap, err := plan.Load(config.FS, plan.Known{Kinds: engine.Catalog().KindIDs(), Expectations: slugs(engine)})
	if err != nil {
		return err
	}
	p, err := g.programme(ctx, o.asOf, roadmap.Kinds())
	if err != nil {
		return err
	}
	w := plan.World{Assessment: p.assessment, Records: p.records, Runs: p.runs, Operates: p.operates,
		Retention: cfg.Retention.Default > 0 || len(cfg.Retention.Kinds) > 0}
	for _, s := range cfg.Sources {
		w.Sources = append(w.Sources, s.Name)
	}
	if err := g.planLedger(ctx, p, &w); err != nil {
		return err
	}
	if w.Start, w.StartFrom, err = planStart(o.start, cfg.Plan.Start, w.Start); err != nil {
		return err
	}
	r := roadmap.Compute(w)
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

// planStart says when the project began: as asked for, as configured, or with
// the ledger.
func planStart(asked string, configured, first time.Time) (time.Time, string, error) {
	switch {
	case asked != "":
		day, err := time.Parse(time.DateOnly, asked)
		if err != nil {
			return day, "", usageError{fmt.Errorf("--start %q is not a date", asked), "write 2026-09-01"}
		}
		return day, "as asked for", nil
	case !configured.IsZero():
		return configured.UTC(), "plan.start of the configuration", nil
	}
	return first.UTC().Truncate(24 * time.Hour), "the first entry of the ledger", nil
}

// planLedger reads from the ledger what no record says: when it began, what it
// records of assessments and exports, and which findings are open.
func (g *globals) planLedger(ctx context.Context, p *programme, w *plan.World) error {
	st, err := openStore(ctx, p.cfg, nil, readOnly)
	if err != nil {
		return err
	}
	defer st.Close()
	if w.Start, err = firstEntry(ctx, st); err != nil {
		return err
	}
	if w.Recorded, err = recorded(ctx, st, p.asOf); err != nil {
		return err
	}
	w.Grades, err = openGrades(ctx, st, p.assessment)
	return err
}

// recorded returns when an assessment and a bundle were first recorded.
func recorded(ctx context.Context, st store.Store, until time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := entriesOf(ctx, st, func(e evidence.Entry) error {
		var body struct {
			What string `json:"what"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		what := plan.RecordedAssessment
		if e.Type == evidence.EntryExport {
			what = body.What
		}
		if _, known := out[what]; !known && !e.At.After(until) {
			out[what] = e.At
		}
		return nil
	}, evidence.EntryAssessment, evidence.EntryExport)
	return out, err
}

// openGrades lists open findings by grade: a person's, else the suggested one.
func openGrades(ctx context.Context, st store.Store, a *assess.Assessment) (map[string][]string, error) {
	var book lifeBook
	if err := book.read(ctx, st, a.AsOf); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range assess.Findings(a) {
		if f.Status == assess.StatusDue {
			continue
		}
		grade := f.Grade
		if l, ok := book.Life(f.ID); ok && l.Judged != nil {
			grade = l.Judged.Grade
		}
		out[grade] = append(out[grade], f.ID)
	}
	return out, nil
}

func printPlan(g *globals, roadmap *plan.Plan, r plan.Report) {
	w := g.std.out
	fmt.Fprintf(w, "Day %d. Start %s (%s).\n", r.Day, r.Start.Format(time.DateOnly), r.StartFrom)
	for _, phase := range roadmap.Phases {
		fmt.Fprintf(w, "\n%s\n", clean(phase.Title))
		var items []plan.Progress
		t := &table{head: []string{"STATE", "ITEM", "DUE", "OWNER", "DONE WHEN"}}
		for _, i := range r.Items {
			if i.Phase == phase.ID {
				items = append(items, i)
				t.add(stateWords(i), i.Title, i.DueAt.Format(time.DateOnly), cmp.Or(strings.Join(i.Owners, " "), "nobody is "+i.OwnerRole), i.DoneWhen)
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
