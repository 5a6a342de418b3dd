package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func newCrosswalkCommand(g *globals) *cobra.Command {
	var o service.CrosswalkWanted
	c := &cobra.Command{
		Use:   "crosswalk [CONTROL]",
		Short: "What the evidence may serve beside ISO/IEC 42001: NIST AI RMF, EU AI Act, ISO/IEC 27001",
		Long: `Relates controls to items of other frameworks, many to many, with the status of the control where there
is a store. A pair says that evidence of one may serve the other once somebody has looked at it. It never
says that one covers the other, and evidence of ISO/IEC 42001 gives no presumption of conformity with a
law. Each pair names its basis: published by a body, published by an author, or PROPOSED by us.
A twin is a clause that management system standards share: reuse the evidence, check what it says of AI.

--evidence shows everything that one piece of evidence may serve.`,
		Example: `  exhibit crosswalk A.10.3
  exhibit crosswalk --framework nist-ai-rmf --group MAP
  exhibit crosswalk --framework eu-ai-act --item "Art. 14"
  exhibit crosswalk --evidence 3f2a9c01d4e5`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Control = strings.Join(args, "")
			return runCrosswalk(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Framework, "framework", "", "only this `framework`: nist-ai-rmf, eu-ai-act, iso27001")
	f.StringVar(&o.Item, "item", "", "only pairs with this `item` of a framework")
	f.StringVar(&o.Group, "group", "", "only items of this `group`, for example GOVERN")
	f.StringVar(&o.Basis, "basis", "", "only pairs on this `basis`: published_institutional, published_community, proposed")
	f.StringVar(&o.Evidence, "evidence", "", "only controls whose results rest on the evidence with this `digest` (12 digits are enough)")
	return c
}

func runCrosswalk(ctx context.Context, g *globals, want service.CrosswalkWanted) error {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return err
	}
	cross, err := service.NewCrosswalk(cat)
	if err != nil {
		return err
	}
	if err := cross.Check(want); err != nil {
		return err // before a store is asked for
	}
	a, err := g.assessIfThere(ctx)
	if err != nil {
		return err
	}
	rows, err := cross.Rows(a, want)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	printCrosswalk(g, cross.Frameworks, rows)
	return nil
}

// assessIfThere assesses as of now; without a store it returns nil.
func (g *globals) assessIfThere(ctx context.Context) (*assess.Assessment, error) {
	a, err := g.assessAsOf(ctx, "")
	if errors.Is(err, store.ErrNoStore) {
		return nil, nil
	}
	return a, err
}

func printCrosswalk(g *globals, list []crosswalk.Framework, rows []service.CrossRow) {
	t := table{head: []string{"FRAMEWORK", "ITEM", "CONTROL", "STATUS", "SATISFIED", "BASIS", "SOURCES", "NOTE"}}
	shown := map[string]bool{}
	for _, r := range rows {
		shown[r.Framework] = true
		status, satisfied := string(r.Status), fmt.Sprintf("%d / %d", r.Satisfied, r.Total)
		if r.Status == "" {
			status, satisfied = "–", "–"
		}
		item := r.Item
		if r.ItemTitle != "" {
			item += " " + r.ItemTitle
		}
		note := r.Note
		if r.Twin {
			note = strings.TrimSpace("twin: reuse, AI content to check " + note)
		}
		if r.AppliesFrom.After(time.Now()) {
			note = strings.TrimSpace("applies from " + r.AppliesFrom.Format(time.DateOnly) + " " + note)
		}
		t.add(r.Framework, short(item, 50), r.Control, status, satisfied, r.Basis.Words(), strings.Join(r.Sources, ", "), short(note, 70))
	}
	t.print(g.std.out)
	for _, fw := range list {
		if shown[fw.ID] {
			fmt.Fprintf(g.std.out, "\n%s, %s (%s). As of %s.\n", clean(fw.Title), clean(fw.Version), fw.Date.Format(time.DateOnly), fw.AsOf.Format(time.DateOnly))
			for _, line := range wrap(fw.Note, 100) {
				fmt.Fprintln(g.std.out, line)
			}
		}
	}
}
