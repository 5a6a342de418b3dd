package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func newShadowCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "shadow",
		Short: "AI that was seen, and the registered system that accounts for it, or none",
		Long: `What every source saw of AI (code, cloud, vendors' accounts, apps, grants, logs, workloads,
expenses) is held against the register. One case is one real use: a repository, a cloud
resource, a project of a vendor, a workload, a network; for what people use and for
assistants that write code, one vendor in the whole organisation. Each says what was seen,
since when, on which evidence, and by what a registered system accounts for it.

A decision is a record by a person, on what was seen at that time. When that changes, the
case opens again and says why. A source that is quiet makes nothing gone.`,
		Example: `  exhibit shadow list
  exhibit shadow show SC-3f9a0c11d2
  exhibit shadow decide SC-3f9a0c11d2 take --as marek --due 2026-12-15 --because "I ask the team"
  exhibit shadow draft SC-3f9a0c11d2
  exhibit shadow coverage`,
	})
	c.AddCommand(newShadowScanCommand(g), newShadowListCommand(g), newShadowShowCommand(g), newShadowDecideCommand(g), newShadowApproveCommand(g),
		newShadowDraftCommand(g), newShadowCoverageCommand(g))
	return c
}

// shadowNow is how things stand at this moment, whether or not it is on record
// yet.
func (g *globals) shadowNow(ctx context.Context) (shadow.Result, time.Time, error) {
	st, err := g.openStore(ctx)
	if err != nil {
		return shadow.Result{}, time.Time{}, err
	}
	defer st.Close()
	now := time.Now().UTC()
	res, err := agent.ReconcileShadow(ctx, st, now)
	return res, now, err
}

type shadowListOptions struct {
	states    []string
	providers []string
	places    []string
	fresh     bool
	failOn    string
}

func newShadowListCommand(g *globals) *cobra.Command {
	var o shadowListOptions
	c := &cobra.Command{
		Use:   "list",
		Short: "Every use of AI that was seen, open ones first",
		Long: `Lists the cases, open ones first, and says what was looked at. States: new (nobody
decided), due (taken up by somebody), registered, accepted (until a day), blocked,
false_positive, gone. Without --state, what is gone or no AI is left out.

--fail-on ends with exit code 4: on new (a case nobody has decided on or taken up), open
(that, or one that was taken up), or overdue (open, and past its time).`,
		Example: `  exhibit shadow list
  exhibit shadow list --state new,due --provider openai
  exhibit shadow list --new --fail-on new
  exhibit shadow list -o jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runShadowList(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringSliceVar(&o.states, "state", nil, "only cases in these `states`, or all")
	f.StringSliceVar(&o.providers, "provider", nil, "only uses of these `providers`, by id or vendor")
	f.StringSliceVar(&o.places, "place", nil, "only places of these `types`, or whose name holds this text")
	f.BoolVar(&o.fresh, "new", false, "only cases that nobody has decided on or taken up")
	f.StringVar(&o.failOn, "fail-on", "", "exit with 4 if a case of the list is `new`, open or overdue")
	return c
}

// shadowFailOn says which cases --fail-on means.
var shadowFailOn = map[string]func(c *shadow.Case, now time.Time) bool{
	"":        func(*shadow.Case, time.Time) bool { return false },
	"new":     func(c *shadow.Case, _ time.Time) bool { return c.Status == shadow.New },
	"open":    func(c *shadow.Case, _ time.Time) bool { return c.Open() },
	"overdue": func(c *shadow.Case, now time.Time) bool { return c.Overdue(now) },
}

func (o shadowListOptions) check() error {
	for _, s := range o.states {
		if s != "all" && !slices.Contains(shadow.States, s) {
			return usageError{fmt.Errorf("state %q is not known", s), "states: " + strings.Join(shadow.States, ", ") + ", or all"}
		}
	}
	if shadowFailOn[o.failOn] == nil {
		return usageError{fmt.Errorf("--fail-on %q is not known", o.failOn), "new, open or overdue"}
	}
	return nil
}

func (o shadowListOptions) shows(c *shadow.Case) bool {
	switch {
	case o.fresh && c.Status != shadow.New:
		return false
	case len(o.states) == 0 && (c.Status == shadow.Gone || c.Status == shadow.FalsePositive):
		return false
	case len(o.states) > 0 && !slices.Contains(o.states, "all") && !slices.Contains(o.states, c.Status):
		return false
	case len(o.providers) > 0 && !slices.ContainsFunc(o.providers, func(p string) bool { return ofProvider(c, p) }):
		return false
	}
	return len(o.places) == 0 || slices.ContainsFunc(o.places, func(p string) bool {
		return c.PlaceType == p || strings.Contains(strings.ToLower(c.Ref), strings.ToLower(p))
	})
}

func ofProvider(c *shadow.Case, name string) bool {
	same := func(s string) bool { return strings.EqualFold(s, name) }
	return slices.ContainsFunc(c.Providers, same) || slices.ContainsFunc(c.Vendors, same)
}

func runShadowList(ctx context.Context, g *globals, o shadowListOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	res, now, err := g.shadowNow(ctx)
	if err != nil {
		return err
	}
	var rows []shadow.Case
	failed := false
	for _, c := range res.Cases {
		if o.shows(&c) {
			rows = append(rows, c)
			failed = failed || shadowFailOn[o.failOn](&c, now)
		}
	}
	if g.output != "table" {
		err = printRows(g.std.out, g.output, rows)
	} else {
		printCases(g, res, rows, now)
	}
	if err == nil && failed {
		return exitWith{exitFailOn}
	}
	return err
}

func printCases(g *globals, res shadow.Result, rows []shadow.Case, now time.Time) {
	t := table{head: []string{"CASE", "STATE", "WHAT", "SINCE", "DUE", "CONFIDENCE", "ACCOUNTED FOR BY", "OWNER"}}
	for i := range rows {
		c := &rows[i]
		t.add(c.ID, stateText(c, now), short(c.Title, 60), c.FirstSeen.Format(time.DateOnly), dueText(c), c.Confidence, short(accountText(c), 40), short(ownerText(c), 30))
	}
	if len(rows) > 0 {
		t.print(g.std.out)
		fmt.Fprintln(g.std.out)
	}
	open := 0
	for i := range res.Cases {
		if res.Cases[i].Open() {
			open++
		}
	}
	fmt.Fprintf(g.std.out, "%s open, of %d in all.\n", counted(open, "case", "cases"), len(res.Cases))
	printCoverageLine(g, res.Coverage)
	if len(res.Unread) > 0 {
		fmt.Fprintf(g.std.out, "%s could not be read: %s\n", counted(len(res.Unread), "record", "records"), clean(short(strings.Join(res.Unread, ", "), 120)))
	}
}

// counted is a number with what it counts.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printCoverageLine says what was looked at: a short list is worth no more than
// that.
func printCoverageLine(g *globals, c shadow.Coverage) {
	if !c.LookedAt() {
		fmt.Fprintln(g.std.out, "No source that could show AI was ever read. That is no clean result: nobody looked.")
		return
	}
	fmt.Fprintf(g.std.out, "Looked at: %s.\nA quiet source is not a clean source; exhibit shadow coverage says what was not looked at.\n", clean(c.Scope()))
}

func stateText(c *shadow.Case, now time.Time) string {
	s := c.Status
	if c.Overdue(now) {
		s += ", overdue"
	}
	if c.Reopened != "" {
		s += ", reopened"
	}
	if c.Pending != "" {
		s += ", " + c.Pending + " waits"
	}
	return s
}

func dueText(c *shadow.Case) string {
	switch {
	case !c.Until().IsZero():
		return c.Until().Format(time.DateOnly)
	case !c.ExpiresAt.IsZero():
		return "ends " + c.ExpiresAt.Format(time.DateOnly)
	}
	return ""
}

func accountText(c *shadow.Case) string {
	if len(c.Systems) == 0 {
		return ""
	}
	s := strings.Join(c.Systems, ", ") + " by " + c.Basis
	if shadow.Weak(c.Basis) {
		s += " only"
	}
	return s
}

func ownerText(c *shadow.Case) string {
	switch {
	case c.Owner != "":
		return c.Owner
	case c.Hint != "":
		return c.Hint + "? (" + c.HintFrom + ")"
	}
	return ""
}
