package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type traceOptions struct {
	asOf, chain string
}

func newTraceCommand(g *globals) *cobra.Command {
	var o traceOptions
	c := &cobra.Command{
		Use:   "trace SYSTEM",
		Short: "One AI system from intake to today: dated lines with evidence, and what is missing",
		Long: `Lays out the record of one AI system, stage by stage: intake and approval, risks and impacts, data, design, changes,
tests, releases, monitoring and human oversight, incidents, changes of vendors, audits, retirement. Each line has its
date, the digest of the evidence and where that was read; below a stage stands what falls short there.

The stages are links of four chains, by which a decision is defended: risk (how risk was assessed), deployment (how
going live was approved), monitoring (how output was watched), incident (how incidents were answered). --chain shows
one of them. Kinds of which there is a record each day are counted on one line, with the newest as evidence.

With -o json: as_of, checkpoint, system, stages[]{id, title, chain, lines[], gaps[]}, in the form of exhibit ask.`,
		Example: `  exhibit trace claims-triage
  exhibit trace claims-triage --chain deployment
  exhibit trace cv-screener --as-of 2026-06-30 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runTrace(c.Context(), g, o, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&o.asOf, "as-of", "", "trace as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.chain, "chain", "", "only this `chain`: "+strings.Join(ask.Chains(), ", "))
	return c
}

func runTrace(ctx context.Context, g *globals, o traceOptions, id string) error {
	if err := service.KnownChain(o.chain); err != nil {
		return err // before a store is asked for
	}
	var t ask.Trace
	err := g.fromBasis(ctx, o.asOf, func(svc *service.Service, b service.Basis) (err error) {
		t, err = svc.Trace(ctx, b, id, o.chain)
		return err
	})
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, t)
	}
	printTrace(g, t)
	return nil
}

func printTrace(g *globals, t ask.Trace) {
	out := g.std.out
	fmt.Fprintln(out, systemWord(t.System))
	gaps := 0
	for _, s := range t.Stages {
		chain := ""
		if s.Chain != "" {
			chain = " (chain " + s.Chain + ")"
		}
		fmt.Fprintf(out, "\n%s%s\n", s.Title, chain)
		if len(s.Lines) == 0 {
			fmt.Fprintln(out, "    nothing on record")
		}
		printFacts(out, s.Lines)
		printGaps(out, s.Gaps)
		gaps += len(s.Gaps)
	}
	fmt.Fprintf(out, "\n%d fall short as of %s, ledger size %d.\n", gaps, t.AsOf.Format(time.RFC3339), t.Checkpoint.Size)
}
