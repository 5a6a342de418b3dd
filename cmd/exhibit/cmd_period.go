package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
)

// periodOptions are the flags of commands that speak of a span of time.
type periodOptions struct {
	span      string
	lateAfter time.Duration
}

func (o *periodOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.span, "period", "", "the record across a `span`, A..B: dates (whole days, UTC) or RFC 3339 times")
	c.Flags().DurationVar(&o.lateAfter, "late-capture-after", period.DefaultLateAfter,
		"with --period: evidence first read this `long` after its event is a late capture")
}

// parseSpan reads A..B, which must lie in the past. A date means its first
// second as A and its last as B; a day that is not over ends now.
func parseSpan(s string, now time.Time) (from, to time.Time, err error) {
	p, err := parsePeriod(s)
	if err != nil {
		return from, to, err
	}
	if to = p.To; to.After(now) {
		_, end, _ := strings.Cut(s, "..")
		if to, err = parseAsOf(end, now); err != nil {
			return from, to, usageError{fmt.Errorf("--period %s ends in the future", s), "evidence of the future cannot be read; end it now at the latest"}
		}
	}
	if !p.From.Before(to) {
		return from, to, usageError{fmt.Errorf("--period %s ends before it begins", s), "write the earlier date first"}
	}
	return p.From, to, nil
}

// runPeriod prints the record of a span: of all controls, or of what args name.
func runPeriod(ctx context.Context, g *globals, o periodOptions, asOf string, failOn, args []string) error {
	if asOf != "" || len(failOn) > 0 {
		return usageError{errors.New("--period does not go with --as-of or --fail-on"), "ask for a span or for an instant"}
	}
	if o.lateAfter <= 0 {
		return usageError{errors.New("--late-capture-after must be more than nothing"), "for example 72h"}
	}
	from, to, err := parseSpan(o.span, time.Now())
	if err != nil {
		return err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	bar := newProgress(g, "assessing")
	p, err := svc.Period(ctx, period.Options{From: from, To: to, LateAfter: o.lateAfter})
	bar.end()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return printPeriod(g, p)
	}
	return printRecordsOf(g, p, args[0])
}

func printPeriod(g *globals, p *period.Period) error {
	if g.output == "json" {
		return printJSON(g.std.out, g.output, p)
	}
	if g.output == "jsonl" {
		return printRows(g.std.out, g.output, p.Records)
	}
	t := table{head: []string{"CONTROL", "TITLE", "DAYS SATISFIED", "NOT READ", "NOT SATISFIED", "EVENTS", "FIRST OPERATED", "GAPS", "LATE DUTIES", "READ LATE", "AT THE END"}}
	quiet := 0
	for _, c := range p.Controls {
		if nothingToSay(c) {
			quiet++
			continue
		}
		t.add(c.ID, short(c.Title, 40), fmt.Sprintf("%d of %d", c.Days.Satisfied, c.Days.Total), fmt.Sprint(c.Days.NotRead),
			fmt.Sprint(c.Days.NotSatisfied+c.Days.Waived), eventsCell(c.Events), dateOr(c.First, "–"), fmt.Sprint(c.Gaps), fmt.Sprint(c.Late), fmt.Sprint(c.Captured), c.Status)
	}
	t.print(g.std.out)
	if quiet > 0 {
		fmt.Fprintf(g.std.out, "\n%d controls were not_assessed, or had nothing to apply to, throughout (-o json has each).\n", quiet)
	}
	printNotes(g, p.Controls)
	printReads(g, p.Reads)
	printPeriodEnd(g, p)
	return nil
}

// nothingToSay reports whether a control was never assessed, or never applied.
func nothingToSay(c period.Control) bool {
	return c.First == nil && !slices.ContainsFunc(c.Intervals, func(iv period.Interval) bool {
		return iv.Status != assess.StatusNotAssessed && iv.Status != assess.StatusNotApplicable
	})
}

func eventsCell(e period.Events) string {
	if e.Total == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d", e.Satisfied, e.Total)
}

func dateOr(o *period.Operating, none string) string {
	if o == nil {
		return none
	}
	return o.At.Format(time.DateOnly)
}

func printNotes(g *globals, controls []period.Control) {
	head := "\nWhat an auditor would ask about:\n"
	for _, c := range controls {
		for _, n := range c.Notes {
			fmt.Fprintf(g.std.out, "%s  %s: %s\n", head, c.ID, clean(n))
			head = ""
		}
	}
}

// printReads names the kinds that were not read on every day.
func printReads(g *globals, reads []period.Reads) {
	t := table{head: []string{"KIND", "SOURCE", "DAYS READ", "IN PART", "NOT READ"}}
	for _, r := range reads {
		if r.Read < r.Days || r.Partly > 0 {
			t.add(r.Kind, r.Source, fmt.Sprintf("%d of %d", r.Read, r.Days), fmt.Sprint(r.Partly), spanWords(r.Unread))
		}
	}
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintln(g.std.out, "\nStates that were not read completely on every day; a reading shows nothing about the days before and after:")
	t.print(g.std.out)
}

// spanWords names the first stretches of days.
func spanWords(list []period.Span) string {
	var out []string
	for i, s := range list {
		if i == 3 {
			out = append(out, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		if s.From == s.To {
			out = append(out, s.From)
		} else {
			out = append(out, s.From+".."+s.To)
		}
	}
	return strings.Join(out, ", ")
}

func printPeriodEnd(g *globals, p *period.Period) {
	fmt.Fprintf(g.std.out, "\nFrom %s to %s, %d days, ledger size %d, catalog %s %s.\nResolution: %s.\n", p.From.Format(time.RFC3339), p.To.Format(time.RFC3339),
		p.Days, p.Checkpoint.Size, p.Catalog.ID, p.Catalog.Version, p.Resolution)
}

// printRecordsOf prints the records of a control, a system or a subject.
func printRecordsOf(g *globals, p *period.Period, what string) error {
	var records []*period.Record
	control := slices.IndexFunc(p.Controls, func(c period.Control) bool { return c.ID == what })
	for _, r := range p.Records {
		if r.Control == what || slices.Contains(r.Systems, what) || r.Subject.ID == what {
			records = append(records, r)
		}
	}
	if control < 0 && len(records) == 0 {
		return usageError{fmt.Errorf("%q is neither a control nor an AI system or subject with results in this period", what),
			"exhibit status lists the controls, exhibit register show the AI systems"}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, records)
	}
	if control >= 0 {
		printControlRecord(g, p.Controls[control])
	}
	t := table{head: []string{"EXPECTATION", "SUBJECT", "FROM", "UNTIL", "STATUS", "REASON"}}
	for _, r := range records {
		for i, iv := range r.Intervals {
			name, subject := "", ""
			if i == 0 {
				name, subject = r.Expectation, r.Subject.ID
			}
			t.add(name, short(subject, 40), minute(iv.From), untilWords(iv), string(iv.Status), short(iv.Reason, 90))
		}
	}
	t.print(g.std.out)
	printLate(g, records)
	printPeriodEnd(g, p)
	return nil
}

func minute(t time.Time) string { return t.Format("2006-01-02 15:04Z") }

func untilWords(iv period.Interval) string {
	if iv.Until == nil {
		return "the end"
	}
	return minute(*iv.Until)
}

func printControlRecord(g *globals, c period.Control) {
	fmt.Fprintf(g.std.out, "%s %s\nsatisfied on %d of %d days; %d days satisfied but not read, %d waived, %d not satisfied\n", c.ID, clean(c.Title),
		c.Days.Satisfied, c.Days.Total, c.Days.NotRead, c.Days.Waived, c.Days.NotSatisfied)
	if c.Events.Total > 0 {
		fmt.Fprintf(g.std.out, "events of the period: %d of %d satisfied\n", c.Events.Satisfied, c.Events.Total)
	}
	fmt.Fprintf(g.std.out, "first operating record: %s\n\n", dateOr(c.First, "none"))
}

// printLate names duties and evidence that came late.
func printLate(g *globals, records []*period.Record) {
	t := table{head: []string{"EXPECTATION", "SUBJECT", "LATE"}}
	for _, r := range records {
		if d := r.Duty; d != nil {
			what := "not answered; was due " + minute(d.DueAt) + ", " + d.Late + " late at the end"
			if d.AnsweredAt != nil {
				what = "answered " + minute(*d.AnsweredAt) + ", " + d.Late + " after it was due"
			}
			t.add(r.Expectation, short(r.Subject.ID, 40), what)
		}
		if c := r.Captured; c != nil {
			t.add(r.Expectation, short(r.Subject.ID, 40), fmt.Sprintf("%d of %d events read late; the latest %s after it happened on %s", c.Count, c.Of, c.Worst, c.At.Format(time.DateOnly)))
		}
		for _, n := range r.Notes {
			t.add(r.Expectation, short(r.Subject.ID, 40), n)
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(g.std.out)
		t.print(g.std.out)
	}
}
