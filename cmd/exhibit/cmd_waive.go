package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

func newWaiveCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "waive",
		Short: "Accept, for a time, that an expectation is not met",
		Long: `A waiver accepts a deviation: it says why, what is done instead, and until when.
One person asks for it, another one approves it, and it ends within 365 days. While it is
valid the result shows as waived, with what it covers; when it lapses the finding opens
again. It never covers what could not be read. Every step is an entry of the ledger.

Waivers of the register file count as well; they are changed there.`,
		Example: `  exhibit waive request --expectation branch-protection-enforced --subject ai_system/claims-triage \
      --reason "the migration ends in May" --compensating "every merge is read by the owner" \
      --expires 2027-05-31 --as marek
  exhibit waive approve W-2026-01 --as ines
  exhibit waive list`,
	})
	c.AddCommand(newWaiveRequestCommand(g), newWaiveApproveCommand(g), newWaiveRejectCommand(g), newWaiveRevokeCommand(g),
		newWaiveListCommand(g), newWaiveShowCommand(g))
	return c
}

func newWaiveRequestCommand(g *globals) *cobra.Command {
	var as, subject, expires string
	var w people.Waiver
	c := &cobra.Command{
		Use:   "request",
		Short: "Ask for a waiver; it covers nothing until somebody else approves it",
		Long: `Puts a request on record and prints its id. The expectation and the subject must be
among the results of the newest evidence; --subject '*' asks for every subject.`,
		Example: `  exhibit waive request --expectation vendor-assessed --subject vendor/acme \
      --reason "assessed by the group, report expected in March" --compensating "no personal data is sent" \
      --expires 2027-03-31 --as marek`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runWaiveRequest(c.Context(), g, as, subject, expires, w)
		},
	}
	asFlag(c, &as)
	f := c.Flags()
	f.StringVar(&w.Expectation, "expectation", "", "`slug` of the expectation that is not met")
	f.StringVar(&subject, "subject", "", "what it is about, as `type/id`, or * for every subject")
	f.StringVar(&w.Reason, "reason", "", "why the deviation is accepted")
	f.StringVar(&w.CompensatingControls, "compensating", "", "what is done instead")
	f.StringVar(&w.RiskRef, "risk", "", "`id` of the risk that is accepted")
	f.StringVar(&expires, "expires", "", "the `day` or time it ends, at most 365 days ahead")
	return c
}

func runWaiveRequest(ctx context.Context, g *globals, as, subject, expires string, w people.Waiver) error {
	end, err := parseDay("--expires", expires, true)
	if err != nil {
		return err
	}
	if w.Expectation == "" || subject == "" || end.IsZero() {
		return usageError{fmt.Errorf("--expectation, --subject and --expires are needed"), "exhibit waive request --help shows an example"}
	}
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	if w, err = d.RequestWaiver(ctx, w, subject, end); err != nil {
		return err
	}
	return printWaiver(g, w, d.Now)
}

func newWaiveApproveCommand(g *globals) *cobra.Command {
	return waiveStep(g, "approve ID", "Approve a request that somebody else made",
		"Approves the request from now on. Whoever asked for it cannot, nor can somebody without the role that decides on waivers\n(people.approvers in the configuration), nor the same account of the machine.", false,
		func(p people.Policy, who people.Person, w people.Waiver, _ string, now time.Time) (people.Waiver, evidence.Record, error) {
			return p.Approve(who, w, now)
		})
}

func newWaiveRejectCommand(g *globals) *cobra.Command {
	return waiveStep(g, "reject ID", "Turn a request down", "Turns a request down, with the reason.", true, people.Policy.Reject)
}

func newWaiveRevokeCommand(g *globals) *cobra.Command {
	return waiveStep(g, "revoke ID", "End a waiver before its time", "Ends a waiver now, with the reason. What it covered shows again as it is.", true, people.Policy.Revoke)
}

func waiveStep(g *globals, use, short, long string, reason bool, do service.WaiverStep) *cobra.Command {
	var as, because string
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1),
		Example: "  exhibit waive " + strings.Replace(use, "ID", "W-2026-01", 1) + " --as ines",
		RunE: func(c *cobra.Command, args []string) error {
			return runWaiveStep(c.Context(), g, as, args[0], because, do)
		}}
	asFlag(c, &as)
	if reason {
		c.Example += ` --because "the migration ended"`
		c.Flags().StringVar(&because, "because", "", "the reason")
	}
	return c
}

func runWaiveStep(ctx context.Context, g *globals, as, id, because string, do service.WaiverStep) error {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	w, err := d.StepWaiver(ctx, id, because, do)
	if err != nil {
		return err
	}
	return printWaiver(g, w, d.Now)
}

func printWaiver(g *globals, w people.Waiver, now time.Time) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, service.RowOfWaiver(w, now))
	}
	r := service.RowOfWaiver(w, now)
	fmt.Fprintf(g.std.out, "%s  %s  %s %s/%s\n", clean(w.ID), r.State, clean(w.Expectation), clean(w.Subject.Type), clean(w.Subject.ID))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(g.std.out, "  %-13s %s\n", name, clean(text))
		}
	}
	by := func(who string, at time.Time) string {
		if who == "" {
			return ""
		}
		if at.IsZero() {
			return who
		}
		return who + " on " + at.Format(time.DateOnly)
	}
	line("reason", w.Reason)
	line("instead", w.CompensatingControls)
	line("risk", w.RiskRef)
	line("requested by", by(w.RequestedBy, w.RequestedAt.Time))
	line("approved by", by(w.ApprovedBy, w.ApprovedAt.Time))
	line("rejected by", by(w.RejectedBy, w.RejectedAt.Time))
	line("because", w.RejectedBecause)
	line("revoked by", by(w.RevokedBy, w.RevokedAt.Time))
	line("because", w.RevokedBecause)
	if !w.ExpiresAt.IsZero() {
		line("ends", w.ExpiresAt.UTC().Format(time.RFC3339))
	}
	line("source", w.Source)
	if r.State == people.WaiverRequested {
		g.note("It covers nothing until somebody other than %s approves it: exhibit waive approve %s --as PERSON", clean(w.RequestedBy), clean(w.ID))
	}
	return nil
}

func newWaiveListCommand(g *globals) *cobra.Command {
	var states []string
	c := &cobra.Command{
		Use:     "list",
		Short:   "All waivers, with what state they are in",
		Long:    "Lists every waiver on record, of any source: requested, active, lapsed, rejected, revoked, or invalid\n(approved by the one who asked for it, without an end, or for longer than a year).",
		Example: "  exhibit waive list --state requested,active",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runWaiveList(c.Context(), g, states) },
	}
	c.Flags().StringSliceVar(&states, "state", nil, "only waivers in these `states`")
	return c
}

func runWaiveList(ctx context.Context, g *globals, states []string) error {
	known := []string{people.WaiverRequested, people.WaiverActive, people.WaiverLapsed, people.WaiverRejected, people.WaiverRevoked, people.WaiverInvalid}
	for _, s := range states {
		if !slices.Contains(known, s) {
			return usageError{fmt.Errorf("state %q is not known", s), "states: " + strings.Join(known, ", ")}
		}
	}
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := service.OnRecord(ctx, st, people.KindWaiver, people.ParseWaiver)
	if err != nil {
		return err
	}
	now := time.Now()
	var rows []service.WaiverRow
	for _, w := range all {
		if r := service.RowOfWaiver(w, now); len(states) == 0 || slices.Contains(states, r.State) {
			rows = append(rows, r)
		}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"WAIVER", "STATE", "EXPECTATION", "SUBJECT", "REQUESTED BY", "APPROVED BY", "ENDS", "SOURCE"}}
	for _, r := range rows {
		ends := ""
		if !r.ExpiresAt.IsZero() {
			ends = r.ExpiresAt.UTC().Format(time.DateOnly)
		}
		t.add(r.ID, r.State, r.Expectation, short(r.Subject.Type+"/"+r.Subject.ID, 40), r.RequestedBy, r.ApprovedBy, ends, r.Source)
	}
	t.print(g.std.out)
	return nil
}

func newWaiveShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "One waiver in full", Args: cobra.ExactArgs(1),
		Long:    "Prints a waiver with who asked, who decided, and when.",
		Example: "  exhibit waive show W-2026-01",
		RunE: func(c *cobra.Command, args []string) error {
			svc, done, err := g.reading(c.Context())
			if err != nil {
				return err
			}
			defer done()
			w, err := svc.FindWaiver(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printWaiver(g, w, time.Now())
		},
	}
}
