package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/readiness"
)

func newBodiesCommand(g *globals) *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use:   "bodies",
		Short: "Worksheet for choosing a certification body",
		Long: `Lays out what is on record of each certification body that was asked: accreditation, experience, competence in AI,
references in the sector, sites, terms, and its answers to the four questions that matter for AI. Each criterion is
filled, an open question, or a warning: an accreditation that ends before stage 2, a site of the scope without
audit plan, an offer whose scope is not the statement of 4.3. An empty field keeps a worksheet from being complete.
It ranks nothing and recommends nobody; the order is that of the alphabet.

The cards are what to show them: our own populations for monitoring (A.6.2.6), human oversight (A.9.2), vendors
(A.10.3) and changes (8.1), satisfied of all, with three samples each, drawn by the ledger's root.

Fill in registers/certification-bodies.yaml (exhibit template certification-bodies); the documents connector reads it.`,
		Example: `  exhibit bodies
  exhibit bodies -o json
  exhibit template certification-bodies`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runBodies(c.Context(), g, asOf) },
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	return c
}

func runBodies(ctx context.Context, g *globals, asOf string) error {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	v, err := stateAt(ctx, g, svc, at)
	if err != nil {
		return err
	}
	sheet, err := svc.Bodies(ctx, v)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, sheet)
	}
	w := g.std.out
	fmt.Fprintf(w, "Scope of 4.3: %s\n", clean(cmp.Or(sheet.Scope, "no statement is approved")))
	if len(sheet.Bodies) == 0 {
		fmt.Fprintln(w, "\nNo certification body is on record. Fill in what exhibit template certification-bodies prints.")
	}
	for _, b := range sheet.Bodies {
		printBody(g, b)
	}
	for _, c := range sheet.Cards {
		printCard(g, c)
	}
	fmt.Fprintf(w, "\nAs of %s. Nothing here ranks anybody.\n", sheet.AsOf.Format(time.RFC3339))
	return nil
}

func printBody(g *globals, b readiness.Body) {
	state := "worksheet complete"
	if !b.Complete {
		state = fmt.Sprintf("worksheet not complete: %d open", b.Open)
	}
	if b.Warnings > 0 {
		state += fmt.Sprintf(", %d with warnings", b.Warnings)
	}
	fmt.Fprintf(g.std.out, "\n%s (%s)\n", clean(b.Name), state)
	t := &table{head: []string{"CRITERION", "MARK", "KNOWN", "TO ASK OR TO MIND"}}
	for _, c := range b.Criteria {
		t.add(c.Title, c.Mark, short(cmp.Or(strings.Join(c.Known, "; "), "–"), 70), short(strings.Join(c.Asks, "; "), 160))
	}
	t.print(g.std.out)
}

func printCard(g *globals, c readiness.Card) {
	fmt.Fprintf(g.std.out, "\nCard %s %s: %s\n%s\n", c.Control, clean(c.Title), c.Status, clean(c.Question))
	t := &table{head: []string{"POPULATION", "SATISFIED", "WHOLE"}}
	for _, p := range c.Of {
		t.add(p.Expectation, fmt.Sprintf("%d / %d", p.Satisfied, p.Total), yes(p.Complete))
	}
	t.print(g.std.out)
	t = &table{head: []string{"SAMPLE", "OF", "STATUS", "REASON", "EVIDENCE"}}
	for _, s := range c.Samples {
		t.add(short(s.Subject.ID, 40), s.Expectation, string(s.Status), short(s.Reason, 70), s.Evidence[0].String()[:12])
	}
	if len(t.rows) > 0 {
		t.print(g.std.out)
	} else {
		fmt.Fprintln(g.std.out, "no evidence to sample from")
	}
}
