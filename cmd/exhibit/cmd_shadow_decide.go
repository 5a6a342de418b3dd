package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// verdicts are the decisions by the words of the command.
var verdicts = map[string]string{
	"take": people.CaseTaken, "registered": people.CaseRegistered, "accept": people.CaseAccepted, "block": people.CaseBlocked,
	"false-positive": people.CaseFalsePositive,
}

type shadowDecideOptions struct {
	as, because, expires, due string
}

func newShadowDecideCommand(g *globals) *cobra.Command {
	var o shadowDecideOptions
	c := &cobra.Command{
		Use:   "decide CASE take|registered|accept|block|false-positive [SYSTEM]",
		Short: "Put on record what was decided on a case, by whom and why",
		Long: `Puts a decision on record:

  take               you see to it, until --due; the case stays open
  registered SYSTEM  a system of the register accounts for it; better, let its entry name the place
  accept             it may be used until --expires, at most 365 days; a second person approves
  block              it has to stop; if it is used later, or still there after 30 days, it opens again
  false-positive     it is no use of AI; remembered; a second person approves

A decision holds for what was seen when it was made: another provider, another scope or another
part of a repository opens the case again. Registering is not approving: the use of the system is
still to be approved.`,
		Example: `  exhibit shadow decide SC-3f9a0c11d2 take --as marek --due 2026-12-15 --because "I ask the team"
  exhibit shadow decide SC-3f9a0c11d2 registered notes-lab --as marek --because "it is a part of it"
  exhibit shadow decide SC-3f9a0c11d2 accept --as marek --expires 2027-03-31 --because "a trial, no personal data"
  exhibit shadow decide SC-3f9a0c11d2 false-positive --as marek --because "the word openai in a list of names"`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error { return runShadowDecide(c.Context(), g, o, args) },
	}
	asFlag(c, &o.as)
	f := c.Flags()
	f.StringVar(&o.because, "because", "", "the reason")
	f.StringVar(&o.due, "due", "", "the `day` until which whoever takes it up sees to it")
	f.StringVar(&o.expires, "expires", "", "the `day` or time an acceptance ends, at most 365 days ahead")
	return c
}

func runShadowDecide(ctx context.Context, g *globals, o shadowDecideOptions, args []string) error {
	d, t, err := parseVerdict(o, args[1:])
	if err != nil {
		return err
	}
	desk, err := g.openDesk(ctx, o.as, false)
	if err != nil {
		return err
	}
	defer desk.Close()
	made, c, err := desk.DecideCase(ctx, args[0], d, t)
	if err != nil {
		return err
	}
	return desk.decided(made, c)
}

// parseVerdict reads what was decided.
func parseVerdict(o shadowDecideOptions, args []string) (d people.CaseDecision, t people.Deadlines, err error) {
	d = people.CaseDecision{Decision: verdicts[args[0]], Reason: o.because}
	switch {
	case d.Decision == "":
		return d, t, usageError{fmt.Errorf("%q is no decision", args[0]), "take, registered SYSTEM, accept, block or false-positive"}
	case d.Decision == people.CaseRegistered && len(args) != 2:
		return d, t, usageError{errors.New("registered needs the system"), "exhibit shadow decide CASE registered SYSTEM"}
	case d.Decision != people.CaseRegistered && len(args) != 1:
		return d, t, usageError{fmt.Errorf("%s takes no system", args[0]), "exhibit shadow decide --help shows examples"}
	case o.expires != "" && d.Decision != people.CaseAccepted:
		return d, t, usageError{errors.New("--expires goes with accept only"), "leave it out"}
	case o.due != "" && d.Decision != people.CaseTaken:
		return d, t, usageError{errors.New("--due goes with take only"), "leave it out"}
	}
	if len(args) == 2 {
		d.System = args[1]
	}
	if t.Due, err = parseDay("--due", o.due, true); err != nil {
		return d, t, err
	}
	t.Expires, err = parseDay("--expires", o.expires, true)
	return d, t, err
}

// decided prints how the case stands on which something was decided.
func (d *desk) decided(made people.CaseDecision, c shadow.Case) error {
	if d.g.output != "table" {
		return printJSON(d.g.std.out, d.g.output, struct {
			people.CaseDecision
			Status string `json:"status"`
		}{made, c.Status})
	}
	fmt.Fprintf(d.g.std.out, "%s  %s  %s\n", clean(made.ID), clean(strings.TrimSpace(made.Decision+" "+made.System)), clean(c.Title))
	fmt.Fprintf(d.g.std.out, "%s is %s\n", clean(c.ID), clean(stateText(&c, d.Now)))
	switch {
	case made.NeedsSecond() && made.ApprovedBy == "":
		d.g.note("It counts once somebody other than %s approves it: exhibit shadow approve %s --as PERSON", clean(made.DecidedBy), clean(made.ID))
	case made.Decision == people.CaseRegistered:
		d.g.note("Registering is not approving: the use of %s is still to be approved, if it was not.", clean(made.System))
	}
	return nil
}

func newShadowApproveCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "approve DECISION",
		Short: "Approve that AI stays in use unregistered, or is none, as somebody else decided",
		Long: `Approves an acceptance, or that a case is no use of AI, from now on. Whoever decided it cannot, nor
can somebody without the role that decides on it (people.approvers in the configuration, under
shadow), nor the same account of the machine. DECISION is its id, or the case it waits for.`,
		Example: "  exhibit shadow approve SD-2026-01 --as ines",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runShadowApprove(c.Context(), g, as, args[0]) },
	}
	asFlag(c, &as)
	return c
}

func runShadowApprove(ctx context.Context, g *globals, as, id string) error {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	made, c, err := d.ApproveCase(ctx, id)
	if err != nil {
		return err
	}
	return d.decided(made, c)
}

func newShadowDraftCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "draft CASE", Short: "An entry for the register, with what was seen filled in", Args: cobra.ExactArgs(1),
		Long: `Prints an entry for register.yaml: vendors, models and place are filled in from what was seen;
what only people know (name, purpose, owner, tier, stage …) is left blank and marked. A register in
which a needed blank is still empty is refused, with its line. Nothing is written anywhere.`,
		Example: "  exhibit shadow draft SC-3f9a0c11d2 > entry.yaml",
		RunE:    func(c *cobra.Command, args []string) error { return runShadowDraft(c.Context(), g, args[0]) },
	}
}

func runShadowDraft(ctx context.Context, g *globals, id string) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := agent.ReconcileShadow(ctx, svc.Store(), time.Now().UTC())
	if err != nil {
		return err
	}
	c, err := service.FindCase(res, id)
	if err != nil {
		return err
	}
	draft, err := svc.DraftEntry(c)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, map[string]string{"finding_id": c.ID, "entry": draft})
	}
	_, err = fmt.Fprint(g.std.out, draft)
	return err
}
