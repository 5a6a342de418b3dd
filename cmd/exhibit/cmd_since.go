package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func runSince(ctx context.Context, g *globals, o statusOptions, args []string) error {
	if len(o.failOn) > 0 {
		return usageError{errors.New("--since does not go with --fail-on"), "ask for what changed, or for where things stand"}
	}
	now := time.Now()
	to, err := parseAsOf(o.asOf, now)
	if err != nil {
		return err
	}
	from, err := parseAsOf(o.since, now)
	if err != nil {
		return usageError{fmt.Errorf("--since: %w", err), hintOf(err)}
	}
	if !from.Before(to) {
		return usageError{fmt.Errorf("--since %s is not before %s", o.since, to.Format(time.RFC3339)), "give the earlier instant to --since, the later one to --as-of"}
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	p := newProgress(g, "assessing")
	d, err := svc.Since(ctx, from, to)
	p.end()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		d.Only(args[0])
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, d)
	}
	printDelta(g, d)
	return nil
}

func printDelta(g *globals, d *service.Delta) {
	out := g.std.out
	if d.Empty() {
		fmt.Fprintf(out, "Nothing changed between %s and %s.\n", d.From.Format(time.RFC3339), d.To.Format(time.RFC3339))
	}
	statuses(g, "Controls", d.Controls)
	if d.SoA.Before != d.SoA.After {
		fmt.Fprintf(out, "Statement of applicability: version %s, was %s\n\n", clean(orNone(d.SoA.After)), clean(orNone(d.SoA.Before)))
	}
	statuses(g, "Applicability", d.Applicability)
	printResultChanges(g, d.Results)
	printRecordChanges(g, d)
	if len(d.Expectations) > 0 {
		t := table{head: []string{"EXPECTATION", "BEFORE", "AFTER"}}
		for _, e := range d.Expectations {
			t.add(e.Slug, short(orNone(e.Before), 80), short(orNone(e.After), 80))
		}
		section(g, "Expectations", &t)
	}
	if d.Rules != nil {
		fmt.Fprintf(out, "The expectations are others than those of the assessment recorded at %s (digest %s, now %s).\nBoth instants are judged here by those in force now.\n\n",
			d.Rules.Before.At.Format(time.RFC3339), d.Rules.Before.Digest.String()[:12], d.Rules.After.Digest.String()[:12])
	}
	t := table{head: []string{"SOURCE", "COMPLETE", "PARTIAL", "FAILED"}}
	for _, r := range d.Runs {
		t.add(r.Source, fmt.Sprint(r.Complete), fmt.Sprint(r.Partial), fmt.Sprint(r.Failed))
	}
	section(g, "Runs that ended between", &t)
	fmt.Fprintf(out, "From %s to %s, ledger size %d.\n", d.From.Format(time.RFC3339), d.To.Format(time.RFC3339), d.Checkpoint.Size)
}

// section prints a table under a heading, if it has rows.
func section(g *globals, name string, t *table) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(g.std.out, "%s\n", name)
	t.print(g.std.out)
	fmt.Fprintln(g.std.out)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func statuses(g *globals, name string, changes []assess.ControlChange) {
	t := table{head: []string{"CONTROL", "TITLE", "BEFORE", "AFTER", "REASON"}}
	for _, c := range changes {
		before, after := orNone(string(c.Before.Status)), orNone(string(c.After.Status))
		if name == "Applicability" {
			before, after = applies(c.Before), applies(c.After)
		}
		t.add(c.ID, short(c.Title, 40), before, after, short(c.After.Reason, 80))
	}
	section(g, name, &t)
}

func applies(s assess.Side) string {
	if s.Status == "" {
		return "applies"
	}
	return "excluded"
}

// printResultChanges lists results, those that came satisfied only as a count.
func printResultChanges(g *globals, changes []assess.ResultChange) {
	t := table{head: []string{"EXPECTATION", "SUBJECT", "BEFORE", "AFTER", "REASON"}}
	came := map[string]int{}
	for _, r := range changes {
		if r.Came() && (r.After.Status == assess.StatusSatisfied || r.After.Status == assess.StatusNotApplicable) {
			came[r.Expectation]++
			continue
		}
		before, after := orNone(string(r.Before.Status)), string(r.After.Status)
		if r.Left() {
			after = "gone"
		}
		t.add(r.Expectation, short(r.Subject.ID, 40), before, after, short(r.After.Reason, 80))
	}
	section(g, "Results", &t)
	t = table{head: []string{"EXPECTATION", "CAME AND SATISFIED"}}
	for _, slug := range sortedKeys(came) {
		t.add(slug, fmt.Sprint(came[slug]))
	}
	section(g, "Subjects that came", &t)
}

func sortedKeys(m map[string]int) []string {
	return slices.Sorted(maps.Keys(m))
}

// printRecordChanges lists what was declared, and waivers.
func printRecordChanges(g *globals, d *service.Delta) {
	t := table{head: []string{"KIND", "SUBJECT", "CHANGE", "WHAT"}}
	for _, r := range d.Records {
		what, fields := "changed", []string{}
		switch {
		case r.Before == nil:
			what = "came"
		case r.After == nil:
			what = "gone"
		}
		for _, f := range r.Fields {
			fields = append(fields, fmt.Sprintf("%s: %s → %s", f.Name, short(orNone(string(f.Before)), 40), short(orNone(string(f.After)), 40)))
		}
		t.add(r.Kind, short(r.Subject.ID, 40), what, short(strings.Join(fields, "; "), 160))
	}
	section(g, "Declared", &t)
	t = table{head: []string{"WAIVER", "EXPECTATION", "CHANGE", "EXPIRES"}}
	for _, w := range d.Waivers {
		what := "changed"
		switch {
		case w.Before == nil:
			what = "became valid"
		case w.After == nil:
			what = "no longer valid"
		}
		t.add(w.ID, service.WaiverSide(w).Expectation, what, service.WaiverSide(w).Expires.Format(time.DateOnly))
	}
	section(g, "Waivers", &t)
}
