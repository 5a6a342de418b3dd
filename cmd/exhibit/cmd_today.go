package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type todayOptions struct {
	owner, asOf string
}

func newTodayCommand(g *globals) *cobra.Command {
	var o todayOptions
	c := &cobra.Command{
		Use:   "today",
		Short: "Whose move it is: systems, deadlines and open findings of each person",
		Long: `Shows, for one person or for everybody who has something to do, the AI systems that the register gives them as owner
or deputy, duties whose deadline has not passed, and open findings with their due dates, the most urgent first. What
nobody is named for stands last.

With -o json each person is an object: person, systems[]{id, as}, duties[], findings[]; the last two in the form of
exhibit findings.`,
		Example: "  exhibit today\n  exhibit today --owner maria.keller\n  exhibit today -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runToday(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringVar(&o.owner, "owner", "", "only for this `person`")
	f.StringVar(&o.asOf, "as-of", "", "as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	return c
}

func runToday(ctx context.Context, g *globals, o todayOptions) error {
	v, err := g.view(ctx, o.asOf)
	if err != nil {
		return err
	}
	views, at := v.Owners, v.Assessment.AsOf
	if o.owner != "" {
		all := views
		views = slices.DeleteFunc(slices.Clone(views), func(v service.OwnerView) bool { return v.Person != o.owner })
		if len(views) == 0 && g.output == "table" {
			g.note("%s has no system, no duty and no open finding; these have: %s.", clean(o.owner), personWords(all))
		}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, views)
	}
	for _, v := range views {
		printOwner(g, v)
	}
	fmt.Fprintf(g.std.out, "As of %s.\n", at.Format(time.RFC3339))
	return nil
}

func personWords(views []service.OwnerView) string {
	var out []string
	for _, v := range views {
		if v.Person != "" {
			out = append(out, clean(v.Person))
		}
	}
	return orDash(strings.Join(out, ", "))
}

func printOwner(g *globals, v service.OwnerView) {
	out := g.std.out
	overdue := 0
	for _, r := range v.Findings {
		if r.Overdue {
			overdue++
		}
	}
	var systems []string
	for _, s := range v.Systems {
		systems = append(systems, clean(s.ID)+" ("+s.As+")")
	}
	name := clean(v.Person)
	if v.Person == "" {
		name = "Nobody is named"
	}
	fmt.Fprintf(out, "%s: %d duties, %d open findings, %d overdue\nAI systems: %s\n\n", name, len(v.Duties), len(v.Findings), overdue, orDash(strings.Join(systems, ", ")))
	if len(v.Duties)+len(v.Findings) == 0 {
		return
	}
	t := table{head: []string{"DUE", "WHAT", "CONTROL", "EXPECTATION", "SUBJECT", "STATUS", "NEXT STEP"}}
	for _, r := range append(slices.Clone(v.Duties), v.Findings...) {
		what := "finding"
		if r.State == service.StateDuty {
			what = "duty"
		}
		t.add(dueWord(r), what, r.Control, r.Expectation, short(subjectWord(r.Subject), 44), string(r.Status), short(r.NextStep, 70))
	}
	t.print(out)
	fmt.Fprintln(out)
}

func subjectWord(s evidence.Subject) string { return s.Type + " " + s.ID }
