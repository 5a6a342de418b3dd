package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
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
	if w.Subject, err = waivedSubject(ctx, d, w.Expectation, subject); err != nil {
		return err
	}
	all, err := everOnRecord(ctx, d.store, people.KindWaiver, people.ParseWaiver,
		func(id string) people.Waiver { return people.Waiver{ID: id} })
	if err != nil {
		return err
	}
	w, rec, err := d.policy.Request(d.who, w, end, all, d.now)
	if err != nil {
		return err
	}
	if err := d.record(ctx, agent.MethodCommand, rec); err != nil {
		return err
	}
	return printWaiver(g, w, d.now)
}

// waivedSubject checks that an expectation and a subject of its results exist.
func waivedSubject(ctx context.Context, d *desk, slug, subject string) (evidence.Subject, error) {
	var none evidence.Subject
	if err := knownExpectation(d.cfg, slug); err != nil {
		return none, err
	}
	if subject == "*" {
		return evidence.Subject{Type: "*", ID: "*"}, nil
	}
	subjectType, id, ok := strings.Cut(subject, "/")
	if !ok || id == "" {
		return none, usageError{fmt.Errorf("--subject %q is not type/id", subject), "for example ai_system/claims-triage; exhibit findings names them"}
	}
	e, err := newEvaluator(d.cfg, d.store)
	if err != nil {
		return none, err
	}
	a, err := e.at(ctx, d.now)
	if err != nil {
		return none, err
	}
	var names []string
	for _, r := range a.Results {
		if r.Expectation != slug {
			continue
		}
		if r.Subject.Type == subjectType && r.Subject.ID == id {
			return r.Subject, nil
		}
		names = append(names, r.Subject.Type+"/"+r.Subject.ID)
	}
	hint := "it has " + strings.Join(names[:min(len(names), 5)], ", ")
	if near := yamlfile.Nearest(subject, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return none, usageError{fmt.Errorf("%s has no result for %s", slug, subject), hint}
}

// knownExpectation refuses a slug that no expectation in force has.
func knownExpectation(cfg *configfile.Config, slug string) error {
	eng, err := newEngine(cfg)
	if err != nil {
		return err
	}
	var slugs []string
	for _, e := range eng.Expectations() {
		if e.Slug == slug {
			return nil
		}
		slugs = append(slugs, e.Slug)
	}
	hint := "exhibit catalog explain lists them"
	if near := yamlfile.Nearest(slug, slugs); near != "" {
		hint = "did you mean " + near + "?"
	}
	return usageError{fmt.Errorf("no expectation is called %q", slug), hint}
}

// decision is one step on a waiver by somebody.
type decision func(p people.Policy, who people.Person, w people.Waiver, because string, now time.Time) (people.Waiver, evidence.Record, error)

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

func waiveStep(g *globals, use, short, long string, reason bool, do decision) *cobra.Command {
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

func runWaiveStep(ctx context.Context, g *globals, as, id, because string, do decision) error {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	w, err := findWaiver(ctx, d.store, id)
	if err != nil {
		return err
	}
	w, rec, err := do(d.policy, d.who, w, because, d.now)
	if err != nil {
		return err
	}
	if err := d.record(ctx, agent.MethodCommand, rec); err != nil {
		return err
	}
	return printWaiver(g, w, d.now)
}

// findWaiver returns the waiver with an id, one made by command before others.
func findWaiver(ctx context.Context, st store.Store, id string) (people.Waiver, error) {
	all, err := onRecord(ctx, st, people.KindWaiver, people.ParseWaiver)
	if err != nil {
		return people.Waiver{}, err
	}
	var ids []string
	var found *people.Waiver
	for i := range all {
		ids = append(ids, all[i].ID)
		if all[i].ID == id && (found == nil || all[i].Source == people.Source) {
			found = &all[i]
		}
	}
	if found == nil {
		hint := "exhibit waive list shows them"
		if near := yamlfile.Nearest(id, ids); near != "" {
			hint = "did you mean " + near + "?"
		}
		return people.Waiver{}, usageError{fmt.Errorf("there is no waiver %q", id), hint}
	}
	return *found, nil
}

// waiverRow is what is printed of a waiver.
type waiverRow struct {
	people.Waiver
	State    string `json:"state"`
	DaysLeft *int   `json:"days_left,omitempty"`
	Origin   string `json:"source"`
}

func rowOfWaiver(w people.Waiver, now time.Time) waiverRow {
	r := waiverRow{Waiver: w, State: w.State(now), Origin: w.Source}
	if r.State == people.WaiverActive {
		days := int(w.ExpiresAt.Sub(now).Hours() / 24)
		r.DaysLeft = &days
	}
	return r
}

func printWaiver(g *globals, w people.Waiver, now time.Time) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, rowOfWaiver(w, now))
	}
	r := rowOfWaiver(w, now)
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
	all, err := onRecord(ctx, st, people.KindWaiver, people.ParseWaiver)
	if err != nil {
		return err
	}
	now := time.Now()
	var rows []waiverRow
	for _, w := range all {
		if r := rowOfWaiver(w, now); len(states) == 0 || slices.Contains(states, r.State) {
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
			st, err := g.openStore(c.Context())
			if err != nil {
				return err
			}
			defer st.Close()
			w, err := findWaiver(c.Context(), st, args[0])
			if err != nil {
				return err
			}
			return printWaiver(g, w, time.Now())
		},
	}
}
