package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// printReturned shows what a workbook brought.
func printReturned(g *globals, b *broughtBack) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, b)
	}
	w := g.std.out
	program := "another program"
	if b.Program != "" {
		program = short(b.Program, 40)
	}
	fmt.Fprintf(w, "%s: of the snapshot %s, as of %s, by %s.\n", clean(b.File), b.Snapshot[:16], b.AsOf.UTC().Format("2006-01-02 15:04:05Z"), clean(b.Auditor))
	fmt.Fprintf(w, "Its seal does not hold any more, since %s saved it: only the columns left empty for the auditor are taken.\n", clean(program))
	for _, c := range b.Conflicts {
		fmt.Fprintf(w, "NOT INDEPENDENT: %s %s.\n", clean(b.Auditor), clean(c))
	}
	printBrought(w, b)
	if len(b.Refused) > 0 {
		fmt.Fprintf(w, "\nRefused, and not imported:\n")
		t := table{head: []string{"WHERE", "TEXT", "WHY"}}
		for _, r := range b.Refused {
			t.add(r.Place, short(oneLine(r.Text), 50), r.Why)
		}
		t.print(w)
	}
	printChanged(w, b)
	fmt.Fprintln(w)
	switch {
	case b.DryRun:
		fmt.Fprintln(w, "Nothing was put on record (--dry-run).")
	case b.Recorded == 0 && (len(b.Refused) == 0 || len(b.records) == 0):
		fmt.Fprintln(w, "Nothing new: all of it is on record already, or nothing was written.")
	case b.Recorded > 0:
		fmt.Fprintf(w, "%d put on record. They change no status: exhibit review notes lists them.\n", b.Recorded)
	}
	return nil
}

func printBrought(w io.Writer, b *broughtBack) {
	if len(b.Notes)+len(b.Samples) == 0 {
		fmt.Fprintln(w, "\nNo note, conclusion or mark is in it.")
		return
	}
	fmt.Fprintln(w)
	t := table{head: []string{"CONTROL", "CONCLUSION", "NOTE", "STATE"}}
	for _, n := range b.Notes {
		t.add(n.Control, n.Conclusion, short(oneLine(n.Note), 70), n.State)
	}
	for _, s := range b.Samples {
		t.add(s.Expectation, "sample", short(fmt.Sprintf("%d items: %s", len(s.Items), strings.Join(s.Items, ", ")), 70), s.State)
	}
	t.print(w)
}

func printChanged(w io.Writer, b *broughtBack) {
	switch {
	case !b.Compared:
		fmt.Fprintf(w, "\nThe rest could not be held against what was exported: %s.\n", clean(b.Why))
	case b.Changed.Total == 0:
		fmt.Fprintln(w, "\nOutside these columns it says what was exported.")
	default:
		fmt.Fprintf(w, "\nChanged by a reader, and not imported (%d):\n", b.Changed.Total)
		t := table{head: []string{"WHERE", "WHAT", "WAS", "IS"}}
		for _, c := range b.Changed.List {
			t.add(c.Place, c.What, short(oneLine(c.Was), 40), short(oneLine(c.Is), 40))
		}
		t.print(w)
		if n := b.Changed.Total - len(b.Changed.List); n > 0 {
			fmt.Fprintf(w, "and %d more\n", n)
		}
	}
}

// oneLine joins the lines of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func newReviewNotesCommand(g *globals) *cobra.Command {
	var control string
	c := &cobra.Command{
		Use:   "notes",
		Short: "What auditors wrote into workbooks that came back",
		Long: `Lists notes, conclusions and chosen items that exhibit review import put on record, newest snapshot last. They are
statements of an auditor about the evidence: they change no status.`,
		Example: "  exhibit review notes\n  exhibit review notes --control A.6.2.5 -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runReviewNotes(c.Context(), g, control) },
	}
	c.Flags().StringVar(&control, "control", "", "only about this control, by its `id`")
	return c
}

func runReviewNotes(ctx context.Context, g *globals, control string) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	list, err := svc.AuditorsWords(ctx, control)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, list)
	}
	t := table{head: []string{"ABOUT", "CONCLUSION", "NOTE", "AUDITOR", "INDEPENDENT", "AS OF", "BROUGHT BY"}}
	for _, l := range list {
		about, said := l.Control, l.Conclusion
		if l.Population != "" {
			about, said, l.Note = l.Population, "sample", strings.Join(l.Items, ", ")
		}
		independent := "no conflict found"
		if !l.Independent {
			independent = "NO: " + l.Conflicts[0]
		}
		t.add(about, said, short(oneLine(l.Note), 60), short(l.Auditor, 30), short(independent, 50), l.AsOf.UTC().Format("2006-01-02 15:04Z"), l.ImportedBy)
	}
	t.print(g.std.out)
	return nil
}
