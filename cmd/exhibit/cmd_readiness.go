package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type readinessOptions struct {
	asOf, since   string
	failOnMissing bool
}

func newReadinessCommand(g *globals) *cobra.Command {
	var o readinessOptions
	c := &cobra.Command{
		Use:   "readiness STAGE",
		Short: "What an auditor expects at stage 1, stage 2 or surveillance, and what of it is there",
		Long: `Lists what an auditor asks for at a stage: stage1, stage2 or surveillance. Each item shows what is there, a document
or a piece of evidence with digest, date and approval, or names what is missing.

stage1        the documents: scope, policy, statement of applicability, newest risk and impact assessments, treatment
              plan, internal audit, management review, competence, key procedures
stage2        populations with their size, operating records by expectation, samples drawn, one chain per system, and
              whom to interview about what
surveillance  internal audit, management review, nonconformities, complaints, changes, use of the certificate, and what
              is different since the last audit

The audit programme follows: which clauses and controls it plans, and which were audited. Nothing here says that an
audit will be passed. --fail-on-missing ends with exit code 4 if anything is missing.`,
		Example: `  exhibit readiness stage1
  exhibit readiness stage2 -o json
  exhibit readiness surveillance --since 2025-11-14 --fail-on-missing`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runReadiness(c.Context(), g, o, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&o.asOf, "as-of", "", "as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.since, "since", "", "`time` of the last audit, for surveillance (default: a year before)")
	f.BoolVar(&o.failOnMissing, "fail-on-missing", false, "exit with 4 if anything is missing")
	return c
}

func runReadiness(ctx context.Context, g *globals, o readinessOptions, id string) error {
	at, err := parseAsOf(o.asOf, time.Now())
	if err != nil {
		return err
	}
	var since time.Time
	if o.since != "" {
		if since, err = parseAsOf(o.since, time.Now()); err != nil {
			return usageError{fmt.Errorf("--since: %w", err), hintOf(err)}
		}
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	if err := service.New(service.Options{Config: cfg}).KnownStage(id, since); err != nil {
		return err // before a store is asked for
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
	pack, err := svc.Readiness(ctx, id, v, since)
	if err != nil {
		return err
	}
	if g.output != "table" {
		err = printJSON(g.std.out, g.output, pack)
	} else {
		printPack(g, pack)
	}
	if err == nil && o.failOnMissing && pack.There < pack.Total {
		return exitWith{exitFailOn}
	}
	return err
}

func printPack(g *globals, p readiness.Pack) {
	w := g.std.out
	fmt.Fprintf(w, "%s\n", clean(p.Title))
	for _, line := range wrap(clean(p.About), 100) {
		fmt.Fprintln(w, line)
	}
	if !p.Since.IsZero() {
		fmt.Fprintf(w, "Since %s (%s).\n", p.Since.Format(time.DateOnly), p.SinceFrom)
	}
	for i, r := range p.Items {
		printReady(g, i+1, r)
	}
	printProgramme(g, p.Programme)
	fmt.Fprintf(w, "\n%d of %d items are there. As of %s, ledger size %d. This says what is there, not what an auditor will conclude.\n",
		p.There, p.Total, p.AsOf.Format(time.RFC3339), p.Checkpoint.Size)
}

func printReady(g *globals, n int, r readiness.Ready) {
	w := g.std.out
	fmt.Fprintf(w, "\n%d. %s: %s", n, clean(r.Title), r.State)
	if len(r.Controls) > 0 {
		fmt.Fprintf(w, " (%s)", strings.Join(r.Controls, ", "))
	}
	fmt.Fprintln(w)
	t := &table{head: []string{"  WHAT", "NAME", "VERSION", "DATE", "APPROVED", "EVIDENCE", "SHA-256"}}
	for _, s := range r.Shown {
		approved := s.Approval
		if s.ApprovedBy != "" {
			approved = approvedWords(s.ApprovedBy, s.ApprovedAt) + ", " + s.Approval
		}
		t.add("  "+s.What, short(s.Name, 36), cmp.Or(s.Version, "–"), dayOr(s.Date, "–"), short(cmp.Or(approved, "–"), 60), s.Evidence.String()[:12], cmp.Or(short(s.SHA256, 13), "–"))
	}
	if len(t.rows) > 0 {
		t.print(w)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "  and %d more\n", r.More)
	}
	for _, line := range r.Lines {
		fmt.Fprintf(w, "  %s\n", short(clean(line), 160))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(w, "  MISSING %s\n", clean(m))
	}
	var stand []string
	for _, s := range r.Expectations {
		stand = append(stand, fmt.Sprintf("%s %d / %d", s.Expectation, s.Satisfied, s.Total))
	}
	if len(stand) > 0 {
		fmt.Fprintf(w, "  satisfied: %s\n", strings.Join(stand, ", "))
	}
}

func dayOr(at time.Time, none string) string {
	if at.IsZero() {
		return none
	}
	return at.Format(time.DateOnly)
}

// printProgramme prints the audit programme by state; what is in order in one line.
func printProgramme(g *globals, rows []readiness.Audited) {
	fmt.Fprintln(g.std.out, "\nAudit programme")
	for _, state := range []string{readiness.AuditDone, readiness.AuditPlanned, readiness.AuditLate, readiness.AuditNone} {
		var ids []string
		for _, r := range rows {
			if r.State == state {
				ids = append(ids, r.Control)
			}
		}
		if len(ids) > 0 {
			fmt.Fprintf(g.std.out, "  %s: %d of %d (%s)\n", state, len(ids), len(rows), strings.Join(slices.Compact(ids), " "))
		}
	}
}
