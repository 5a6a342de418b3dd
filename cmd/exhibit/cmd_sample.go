package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/people"
)

type sampleOptions struct {
	asOf   string
	as     string
	record bool
	chosen bool // --always was given
	assess.SampleOptions
}

func newSampleCommand(g *globals) *cobra.Command {
	var o sampleOptions
	c := &cobra.Command{
		Use:   "sample EXPECTATION",
		Short: "Draw a sample of a population, so that anybody can draw it again",
		Long: `Draws items of an expectation's population. The auditor chooses the seed; the same population and seed give the
same items on any machine. An item's rank is the SHA-256 over the seed, a line feed and the item's id, without a
line feed at the end:
  printf '%s\n%s' SEED ID | sha256sum
Exceptions (whatever is not satisfied) are always in the sample, and so is what --always names; then come the lowest
ranks of the rest, --size of them. Without --size: a population of at most 5 whole, 25 transactions, 5 of anything
else. Without --always: of AI systems, all high-risk ones.

With --record the draw goes on record in the ledger, with the digest of the population that it was drawn from.`,
		Example: `  exhibit sample release-change-approved --seed 2026-stage-2
  exhibit sample release-change-approved --size 40 --seed 7 --always high-risk --record --as ines`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.chosen = c.Flags().Changed("always")
			return runSample(c.Context(), g, o, args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.Seed, "seed", "", "what the draw depends on: any `text` that the auditor chooses")
	f.IntVar(&o.Size, "size", 0, "draw this many by rank, beside what is always in (default by kind of population)")
	f.StringSliceVar(&o.Always, "always", nil, "take all of these: high-risk, or `statuses` (default: of AI systems, the high-risk ones)")
	f.StringVar(&o.asOf, "as-of", "", "draw as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.BoolVar(&o.record, "record", false, "put the draw on record")
	asFlag(c, &o.as)
	return c
}

func runSample(ctx context.Context, g *globals, o sampleOptions, slug string) error {
	if o.Seed == "" || strings.ContainsAny(o.Seed, "\n\x00") {
		return usageError{errors.New("a draw needs a seed, on one line"), "--seed, chosen by whoever audits: nobody else should know it beforehand"}
	}
	if o.Size < 0 {
		return usageError{fmt.Errorf("--size %d is less than nothing", o.Size), "leave it out for the default"}
	}
	for _, name := range o.Always {
		if name == assess.AlwaysHighRisk {
			continue
		}
		if _, err := parseStatuses([]string{name}); err != nil {
			return usageError{fmt.Errorf("--always: %w", err), "high-risk, or " + hintOf(err)}
		}
	}
	if o.record && o.as == "" {
		return usageError{errors.New("nobody is named who draws"), "--as PERSON, with an id of the register, or $" + personEnv}
	}
	a, err := g.assessAsOf(ctx, o.asOf)
	if err != nil {
		return err
	}
	p, err := service.PopulationOf(a, slug)
	if err != nil {
		return err
	}
	if !o.chosen && p.SubjectType == "ai_system" {
		o.Always = []string{assess.AlwaysHighRisk}
	}
	s, err := assess.Draw(a, slug, o.SampleOptions)
	if err != nil {
		return err
	}
	id := ""
	if o.record {
		if id, err = g.recordSample(ctx, o.as, s, a.AsOf); err != nil {
			return err
		}
	}
	return printSample(g, s, id)
}

// recordSample puts a draw on record and returns its id.
func (g *globals) recordSample(ctx context.Context, as string, s *assess.Sample, asOf time.Time) (string, error) {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return "", err
	}
	defer d.Close()
	return d.RecordSample(ctx, s, asOf)
}

// sampleOutput is a draw with its id, if it is on record.
type sampleOutput struct {
	ID string `json:"sample_id,omitempty"`
	*assess.Sample
}

func printSample(g *globals, s *assess.Sample, id string) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, sampleOutput{id, s})
	}
	t := table{head: []string{"ITEM", "WHY", "STATUS", "RANK", "REASON"}}
	for _, i := range s.Items {
		t.add(i.Subject.ID, i.Why, string(i.Status), i.Rank[:12], short(i.Reason, 70))
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\n%d of %d items, seed %q, %d by rank (%s), always: exceptions%s.\nPopulation: SHA-256 over the sorted ids %s, complete: %s.\nAs of %s, ledger size %d.\n",
		len(s.Items), s.Count, s.Seed, s.Size, s.SizeReason, andMore(s.Always), s.Population, yes(s.Complete), s.AsOf, s.Checkpoint.Size)
	if id != "" {
		fmt.Fprintf(g.std.out, "On record as %s.\n", id)
	}
	return nil
}

func andMore(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}

type retestOptions struct {
	as, result, note, file, sample string
}

func newRetestCommand(g *globals) *cobra.Command {
	var o retestOptions
	c := &cobra.Command{
		Use:   "retest EXPECTATION SUBJECT",
		Short: "Put on record that somebody tested an item again",
		Long: `Records what a person found who looked at an item again: pass or fail, a note, and a file if there is one. It is a
new fact beside the result, which it never changes; the record says which status the result had, whether the two
agree, and whether whoever tested has the next move on the item. SUBJECT is an id, or type/id.`,
		Example: `  exhibit retest release-change-approved acme/scoring#41 --as ines --result pass --note "read the review of 3 March"
  exhibit retest vendor-assessed vendor/acme --as ines --result fail --note "the report is of another product" --file report.pdf`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return runRetest(c.Context(), g, o, args[0], args[1]) },
	}
	f := c.Flags()
	f.StringVar(&o.result, "result", "", "`pass` or fail")
	f.StringVar(&o.note, "note", "", "what was looked at and what was found")
	f.StringVar(&o.file, "file", "", "a `file` that shows it")
	f.StringVar(&o.sample, "sample", "", "the `id` of the draw on record that the item was in")
	asFlag(c, &o.as)
	return c
}

func runRetest(ctx context.Context, g *globals, o retestOptions, slug, subject string) error {
	if o.result != people.Pass && o.result != people.Fail {
		return usageError{fmt.Errorf("--result %q is neither pass nor fail", o.result), "say what was found: --result pass or --result fail"}
	}
	d, err := g.openDesk(ctx, o.as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	var file *service.File
	if o.file != "" {
		if file, err = readLimited(o.file); err != nil {
			return err
		}
	}
	r, err := d.RetestItem(ctx, slug, subject, people.Retest{Result: o.result, Note: o.note, Sample: o.sample}, file)
	if err != nil {
		return err
	}
	return printRetest(g, r)
}

func printRetest(g *globals, r people.Retest) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, r)
	}
	fmt.Fprintf(g.std.out, "%s  %s  %s %s/%s, by %s\n", r.ID, r.Result, r.Expectation, clean(r.About.Type), clean(r.About.ID), clean(r.TestedBy))
	if !r.Agrees {
		fmt.Fprintf(g.std.out, "The result says %s and stays so: a retest is a fact beside it.\n", r.Status)
	}
	if !r.Independent {
		fmt.Fprintf(g.std.out, "%s has the next move on this item: the record says that the retest is not independent.\n", clean(r.TestedBy))
	}
	return nil
}
