package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

type askOptions struct {
	system, asOf, seed string
}

func newAskCommand(g *globals) *cobra.Command {
	var o askOptions
	c := &cobra.Command{
		Use:   "ask [QUESTION]",
		Short: "The five questions that an auditor asks first, answered from evidence",
		Long: `Answers a question for each AI system from what was read, with date, digest and address of each piece of
evidence: who-approves, human-review, testing, vendor-change, incidents. Without a question it lists them. One in
your own words is taken for the nearest of the five.

Facts do not judge. What falls short stands below them: the expectation, its status, why, and the next step. Where
no evidence bears on a question, these are the answer. A date after which something should have happened before is
marked "late", what is not on record "absent", a deadline that has not passed "pending".

human-review shows up to ten decisions, drawn by rank like exhibit sample draws; --seed chooses others.

With -o json each answer is an object: as_of, checkpoint, question, asked, system{id,risk_tier,…}, answered (yes,
in_part, no), parts[]{title, note, facts[]{event_time, text, mark, kind, subject, digest, url, status}} and
gaps[]{expectation, control, subject, status, reason, next_step, owner, due_at, severity}.`,
		Example: `  exhibit ask
  exhibit ask who-approves --system claims-triage
  exhibit ask incidents --as-of 2026-06-30 -o json
  exhibit ask "what happens if a vendor swaps the model?"`,
		RunE: func(c *cobra.Command, args []string) error {
			return runAsk(c.Context(), g, o, strings.Join(args, " "))
		},
	}
	f := c.Flags()
	f.StringVar(&o.system, "system", "", "only for this AI `system`")
	f.StringVar(&o.asOf, "as-of", "", "answer as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.seed, "seed", "", "what the sample of human-review depends on: any `text` (default the system and the month)")
	return c
}

func runAsk(ctx context.Context, g *globals, o askOptions, text string) error {
	if strings.TrimSpace(text) == "" {
		return listQuestions(g)
	}
	q, named, err := service.QuestionOf(text)
	if err != nil {
		return err
	}
	if !named {
		g.note("Taken for %s: %s", q.Name, q.Asked)
	}
	var answers []ask.Answer
	err = g.fromBasis(ctx, o.asOf, func(svc *service.Service, b service.Basis) error {
		answers, err = svc.Ask(ctx, b, q, o.system, o.seed)
		return err
	})
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, answers)
	}
	printAnswers(g, q, answers)
	at := time.Now()
	if len(answers) > 0 {
		at = answers[0].AsOf
	}
	return g.noteWholeness(ctx, at)
}

func listQuestions(g *globals) error {
	list := ask.Questions()
	if g.output != "table" {
		return printRows(g.std.out, g.output, list)
	}
	t := table{head: []string{"QUESTION", "ASKED", "JUDGED BY"}}
	for _, q := range list {
		t.add(q.Name, q.Asked, strings.Join(q.Expectations, " "))
	}
	t.print(g.std.out)
	return nil
}

// fromBasis assesses as of an instant, for what is answered from that.
func (g *globals) fromBasis(ctx context.Context, asOf string, answer func(*service.Service, service.Basis) error) error {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	p := newProgress(g, "assessing")
	defer p.end()
	b, err := svc.BasisAt(ctx, at)
	if err != nil {
		return err
	}
	return answer(svc, b)
}

func printAnswers(g *globals, q ask.Question, answers []ask.Answer) {
	out := g.std.out
	fmt.Fprintf(out, "%s  %s\n", q.Name, q.Asked)
	for _, a := range answers {
		fmt.Fprintf(out, "\n%s: %s\n", systemWord(a.System), answeredWord(a.Answered))
		for _, p := range a.Parts {
			fmt.Fprintf(out, "\n  %s\n", clean(p.Title))
			if p.Note != "" {
				fmt.Fprintf(out, "    (%s)\n", clean(p.Note))
			}
			printFacts(out, p.Facts)
		}
		printGaps(out, a.Gaps)
	}
	if len(answers) > 0 {
		fmt.Fprintf(out, "\nAs of %s, ledger size %d.\n", answers[0].AsOf.Format(time.RFC3339), answers[0].Checkpoint.Size)
	}
}

func systemWord(s ask.System) string {
	if s.ID == "" {
		return "No registered AI system"
	}
	out := clean(s.ID)
	for _, w := range []struct{ label, value string }{{"tier", s.Tier}, {"stage", s.Stage}, {"owner", s.Owner}} {
		if w.value == "" {
			w.value = "not stated"
		}
		out += ", " + w.label + " " + clean(w.value)
	}
	if !s.GoLive.IsZero() {
		out += ", live since " + dayOf(&s.GoLive)
	}
	if !s.RetiredAt.IsZero() {
		out += ", retired on " + dayOf(&s.RetiredAt)
	}
	return out
}

func answeredWord(a ask.Answered) string {
	switch a {
	case ask.Yes:
		return "answered"
	case ask.InPart:
		return "answered, and something falls short"
	}
	return "not answered by evidence"
}

// printFacts prints one fact on each line: when, what, and where it was read.
func printFacts(w io.Writer, facts []ask.Fact) {
	for _, f := range facts {
		when := "          "
		switch {
		case !f.At.IsZero():
			when = dayOf(&f.At)
		case !f.Due.IsZero():
			when = dayOf(&f.Due)
		}
		text := clean(f.Text)
		if f.Mark != "" {
			text = strings.ToUpper(string(f.Mark)) + " " + text
		}
		if f.Status != "" && f.Status != assess.StatusSatisfied {
			text += " (" + string(f.Status) + ")"
		}
		if where := whereRead(f); where != "" {
			text += "  [" + where + "]"
		}
		fmt.Fprintf(w, "    %s  %s\n", when, text)
	}
}

func whereRead(f ask.Fact) string {
	var out []string
	if !f.Digest.IsZero() {
		out = append(out, f.Digest.String()[:12])
	}
	switch {
	case f.URL != "":
		out = append(out, clean(f.URL))
	case f.Locator != "":
		out = append(out, clean(f.Locator))
	}
	if f.Records > 0 {
		out = append(out, fmt.Sprintf("%d records", f.Records))
	}
	return strings.Join(out, " ")
}

func printGaps(w io.Writer, gaps []ask.Gap) {
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintln(w, "\n  What is missing")
	for _, gap := range gaps {
		fmt.Fprintf(w, "    %s %s: %s", clean(gap.Control), clean(gap.Expectation), gap.Status)
		if gap.Subject.ID != "" {
			fmt.Fprintf(w, ", %s %s", clean(gap.Subject.Type), clean(gap.Subject.ID))
		}
		fmt.Fprintf(w, "\n      %s\n", clean(short(gap.Reason, 300)))
		if gap.NextStep != "" {
			fmt.Fprintf(w, "      Next: %s%s\n", clean(gap.NextStep), moveWord(gap))
		}
	}
}

// moveWord says whose move it is, and by when.
func moveWord(gap ask.Gap) string {
	out := " Nobody is named as owner"
	if gap.Owner != "" {
		out = " Owner " + clean(gap.Owner)
	}
	if !gap.DueAt.IsZero() {
		out += ", due " + dayOf(&gap.DueAt)
	}
	return out + "."
}
