package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

func newPopulationsCommand(g *globals) *cobra.Command {
	var asOf string
	var items bool
	c := &cobra.Command{
		Use:   "populations [EXPECTATION]",
		Short: "What each expectation was held against, and how that is known to be whole",
		Long: `Lists the population of each expectation: how many subjects, whether all of them were seen, the SHA-256
over their sorted ids, one per line, and the canary. With an expectation: who enumerated the population, as whom,
with which query, in which run; the independent count and the difference; canaries; permissions; what was excluded
and why; what is not covered. What is not known says "not established".

With --items the ids, each with its result. Their list is what the digest is over:
  exhibit populations EXPECTATION --items -o jsonl | jq -r .subject.id | LC_ALL=C sort | sha256sum`,
		Example: `  exhibit populations
  exhibit populations release-change-approved
  exhibit populations release-change-approved --items -o jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runPopulations(c.Context(), g, asOf, items, args)
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	c.Flags().BoolVar(&items, "items", false, "list the ids, each with its result")
	return c
}

func runPopulations(ctx context.Context, g *globals, asOf string, items bool, args []string) error {
	if items && len(args) == 0 {
		return usageError{errors.New("--items needs an expectation"), "exhibit populations lists them"}
	}
	a, err := g.assessAsOf(ctx, asOf)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return printPopulations(g, a)
	}
	p, err := service.PopulationOf(a, args[0])
	if err != nil {
		return err
	}
	if items {
		return printItems(g, a, p)
	}
	return printPopulation(g, a, p)
}

func printPopulations(g *globals, a *assess.Assessment) error {
	if g.output != "table" {
		return printRows(g.std.out, g.output, a.Populations)
	}
	t := table{head: []string{"EXPECTATION", "OF", "ITEMS", "COMPLETE", "COUNTED", "CANARY", "IDS"}}
	for i := range a.Populations {
		p := &a.Populations[i]
		t.add(p.Expectation, p.SubjectType, fmt.Sprint(p.Count), yes(p.Complete), countWords(p), canaryWords(p), p.IDs.String()[:12])
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\nAs of %s, ledger size %d. COUNTED: another way of counting gave the same.\n", a.AsOf.Format(time.RFC3339), a.Checkpoint.Size)
	return nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// countWords says whether all readings were counted in another way too.
func countWords(p *assess.Population) string {
	counted, differs := 0, 0
	for _, r := range p.Readings {
		if r.Difference != nil {
			counted++
			if *r.Difference != 0 {
				differs++
			}
		}
	}
	switch {
	case differs > 0:
		return fmt.Sprintf("differs in %d of %d", differs, len(p.Readings))
	case counted == 0:
		return "not established"
	}
	return fmt.Sprintf("%d of %d", counted, len(p.Readings))
}

// canaryWords is the worst of what the readings say.
func canaryWords(p *assess.Population) string {
	order := []assess.CanaryResult{assess.CanaryNotFound, assess.CanaryNotEstablished, assess.CanaryNone, assess.CanaryFound}
	worst := len(order) - 1
	for _, r := range p.Readings {
		worst = min(worst, slices.Index(order, r.Canary.Result))
	}
	if len(p.Readings) == 0 {
		return "not established"
	}
	return strings.ReplaceAll(string(order[worst]), "_", " ")
}

func printPopulation(g *globals, a *assess.Assessment, p *assess.Population) error {
	page, err := service.PopulationPageOf(a, p.Expectation)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, page)
	}
	fmt.Fprintf(g.std.out, "%s: %d items (%s), complete: %s\nids: SHA-256 %s\n\n%s\n", p.Expectation, p.Count, p.SubjectType, yes(p.Complete), p.IDs, clean(p.Statement))
	t := table{head: []string{"STATUS", "ITEMS"}}
	for _, s := range allStatuses {
		if n := page.Results[s]; n > 0 {
			t.add(string(s), fmt.Sprint(n))
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(g.std.out)
		t.print(g.std.out)
	}
	fmt.Fprintf(g.std.out, "\nAs of %s, ledger size %d.\n", a.AsOf.Format(time.RFC3339), a.Checkpoint.Size)
	return nil
}

func printItems(g *globals, a *assess.Assessment, p *assess.Population) error {
	var rows []service.PopulationItem
	for _, r := range assess.Items(a, p.Expectation) {
		rows = append(rows, service.ItemOf(r))
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"ITEM", "STATUS", "REASON"}}
	for _, r := range rows {
		t.add(r.Subject.ID, string(r.Status), short(r.Reason, 90))
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\n%d items, SHA-256 over their sorted ids: %s\n", p.Count, p.IDs)
	return nil
}
