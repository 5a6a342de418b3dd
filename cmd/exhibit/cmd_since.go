package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// delta is what `status --since` prints.
type delta struct {
	*assess.Delta
	// Rules is set if recorded assessments show that the expectations were
	// others at the first instant. Both instants are judged by those in force now.
	Rules *rulesChange `json:"rules_changed,omitempty"`
}

type rulesChange struct {
	Before recordedRules `json:"before"`
	After  recordedRules `json:"after"`
}

// recordedRules are the expectations that a recorded assessment was made from.
type recordedRules struct {
	At      time.Time       `json:"recorded_at"`
	Catalog string          `json:"catalog"`
	Digest  evidence.Digest `json:"digest"`
}

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
	d, err := g.since(ctx, from, to)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		d.only(args[0])
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, d)
	}
	return printDelta(g, d)
}

// since compares two instants.
func (g *globals) since(ctx context.Context, from, to time.Time) (*delta, error) {
	var d *delta
	err := g.withState(ctx, func(st *assess.State, cp assess.Checkpoint) error {
		after, err := st.Moment(to, cp)
		if err != nil {
			return err
		}
		before, err := st.Moment(from, cp)
		if err != nil {
			return err
		}
		d = &delta{Delta: assess.Compare(before, after)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	st, err := g.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	payload, err := gather.ChangedPayloads(ctx, st, d.Records, 0)
	if err != nil {
		return nil, err
	}
	if err := d.Describe(payload); err != nil {
		return nil, err
	}
	d.Rules, err = rulesChanged(ctx, st, from, to)
	return d, err
}

// rulesChanged looks at the assessments that the ledger records.
func rulesChanged(ctx context.Context, st store.Store, from, to time.Time) (*rulesChange, error) {
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return nil, err
	}
	var c rulesChange
	for e, err := range st.Entries(ctx, 0, cp.Size, evidence.EntryAssessment) {
		if err != nil {
			return nil, err
		}
		var body struct {
			Catalog assess.CatalogRef `json:"catalog"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		r := recordedRules{At: e.At, Catalog: body.Catalog.ID + " " + body.Catalog.Version, Digest: body.Catalog.Digest}
		if !e.At.After(from) {
			c.Before = r
		}
		if !e.At.After(to) {
			c.After = r
		}
	}
	if c.Before.At.IsZero() || c.Before.Digest == c.After.Digest {
		return nil, nil
	}
	return &c, nil
}

// only leaves what concerns a control, a system or a subject.
func (d *delta) only(what string) {
	concerns := func(r assess.ResultChange) bool {
		return r.Control == what || r.Subject.ID == what || slices.Contains(r.Systems, what)
	}
	d.Controls = slices.DeleteFunc(d.Controls, func(c assess.ControlChange) bool { return c.ID != what })
	d.Applicability = slices.DeleteFunc(d.Applicability, func(c assess.ControlChange) bool { return c.ID != what })
	d.Results = slices.DeleteFunc(d.Results, func(r assess.ResultChange) bool { return !concerns(r) })
	d.Records = slices.DeleteFunc(d.Records, func(r assess.RecordChange) bool { return r.Subject.ID != what })
	slugs := map[string]bool{}
	for _, r := range d.Results {
		slugs[r.Expectation] = true
	}
	d.Waivers = slices.DeleteFunc(d.Waivers, func(w assess.WaiverChange) bool { return !slugs[waiverSide(w).Expectation] })
	d.Populations = slices.DeleteFunc(d.Populations, func(p assess.PopulationChange) bool { return !slugs[p.Expectation] })
	d.Expectations = slices.DeleteFunc(d.Expectations, func(e assess.ExpectationChange) bool { return !slugs[e.Slug] })
	d.SoA = assess.VersionChange{}
}

func waiverSide(w assess.WaiverChange) *assess.ValidWaiver {
	if w.After != nil {
		return w.After
	}
	return w.Before
}

func printDelta(g *globals, d *delta) error {
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
	return nil
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
func printRecordChanges(g *globals, d *delta) {
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
		t.add(w.ID, waiverSide(w).Expectation, what, waiverSide(w).Expires.Format(time.DateOnly))
	}
	section(g, "Waivers", &t)
}
