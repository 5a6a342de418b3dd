package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
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

// ownerView is what one person has to look after.
type ownerView struct {
	Person   string        `json:"person"` // empty: nobody is named
	Systems  []ownedSystem `json:"systems"`
	Duties   []findingRow  `json:"duties"`
	Findings []findingRow  `json:"findings"`
}

type ownedSystem struct {
	ID string `json:"id"`
	As string `json:"as"` // owner or deputy
}

func runToday(ctx context.Context, g *globals, o todayOptions) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return err
	}
	defer st.Close()
	views, at, err := g.ownerViews(ctx, cfg, st, o.asOf)
	if err != nil {
		return err
	}
	if o.owner != "" {
		all := views
		views = slices.DeleteFunc(slices.Clone(views), func(v ownerView) bool { return v.Person != o.owner })
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

func personWords(views []ownerView) string {
	var out []string
	for _, v := range views {
		if v.Person != "" {
			out = append(out, clean(v.Person))
		}
	}
	return orDash(strings.Join(out, ", "))
}

// ownerViews sorts everything open by whose move it is.
func (g *globals) ownerViews(ctx context.Context, cfg *configfile.Config, st store.Store, asOf string) ([]ownerView, time.Time, error) {
	rows, a, err := g.findingsIn(ctx, cfg, st, asOf)
	if err != nil {
		return nil, time.Time{}, err
	}
	w, err := worldOf(ctx, st, a)
	if err != nil {
		return nil, time.Time{}, err
	}
	by := map[string]*ownerView{}
	of := func(person string) *ownerView {
		if by[person] == nil {
			by[person] = &ownerView{Person: person, Systems: []ownedSystem{}, Duties: []findingRow{}, Findings: []findingRow{}}
		}
		return by[person]
	}
	for _, s := range w.Systems() {
		if !s.RetiredAt.IsZero() && !s.RetiredAt.After(a.AsOf) {
			continue
		}
		of(s.Owner).Systems = append(of(s.Owner).Systems, ownedSystem{s.ID, "owner"})
		if s.Deputy != "" && s.Deputy != s.Owner {
			of(s.Deputy).Systems = append(of(s.Deputy).Systems, ownedSystem{s.ID, "deputy"})
		}
	}
	for _, r := range rows {
		switch v := of(r.Owner); {
		case r.State == stateDuty:
			v.Duties = append(v.Duties, r)
		case r.State.IsOpen():
			v.Findings = append(v.Findings, r)
		}
	}
	var out []ownerView
	for _, v := range by {
		if len(v.Systems)+len(v.Duties)+len(v.Findings) == 0 {
			continue
		}
		slices.SortStableFunc(v.Duties, soonest)
		slices.SortStableFunc(v.Findings, soonest)
		out = append(out, *v)
	}
	slices.SortFunc(out, func(x, y ownerView) int {
		return cmp.Or(-cmp.Compare(min(len(x.Person), 1), min(len(y.Person), 1)), strings.Compare(x.Person, y.Person))
	})
	return out, a.AsOf, nil
}

// worldOf reads the register as of an assessment.
func worldOf(ctx context.Context, st store.Store, a *assess.Assessment) (*ask.World, error) {
	q := store.EvidenceQuery{Kinds: []string{"inventory.ai_system"}, Before: a.Checkpoint.Size, Payloads: true}
	return ask.NewWorld(a, st.Evidence(ctx, q), ask.Options{})
}

// soonest orders by due date; what has none comes last.
func soonest(x, y findingRow) int {
	due := func(r findingRow) int64 {
		if r.DueAt == nil {
			return 1<<63 - 1
		}
		return r.DueAt.Unix()
	}
	return cmp.Or(cmp.Compare(due(x), due(y)), mostUrgent(x, y))
}

func printOwner(g *globals, v ownerView) {
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
		if r.State == stateDuty {
			what = "duty"
		}
		t.add(r.dueWord(), what, r.Control, r.Expectation, short(subjectWord(r.Subject), 44), string(r.Status), short(r.NextStep, 70))
	}
	t.print(out)
	fmt.Fprintln(out)
}

func subjectWord(s evidence.Subject) string { return s.Type + " " + s.ID }
