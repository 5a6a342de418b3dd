package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/gapreport"
	"github.com/exhibit-aims/exhibit/internal/store"
)

type reportOptions struct {
	asOf, baseline, against string
}

func newFindingsReportCommand(g *globals) *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report",
		Short: "The gap report: open shortfalls by cause",
		Long: `Groups every finding that is open under exactly one of four causes: a missing control, an unclear owner, weak
documentation, an inconsistent approval. The cause is the one that the expectation states. Where a failing or
missing result says that an approval is not there, too late, by the wrong person or of another text, it is
approval; else where it says that nobody is named, or nobody who is still there, it is owner. With -o json,
cause_from says which decided: expectation or reason.

Shortfalls of clauses that ISO/IEC 27001 has in the same place carry a hint: what is kept for that standard can be
reused, and what it says of AI is to be checked.

--baseline FILE freezes the report: it is written as JSON, and its digest, counts and findings go into the ledger as
what was handed out. It is no record: a report is a conclusion, not evidence. Later reports then say what became of
each of its findings; --against last takes the newest baseline instead of the first.`,
		Example: `  exhibit findings report
  exhibit findings report --baseline gap-report.json
  exhibit findings report -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runFindingsReport(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringVar(&o.asOf, "as-of", "", "report as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.baseline, "baseline", "", "write the report to this `file` and put its digest on record")
	f.StringVar(&o.against, "against", "first", "which `baseline` to compare with: first or last")
	return c
}

func runFindingsReport(ctx context.Context, g *globals, o reportOptions) error {
	if o.against != "first" && o.against != "last" {
		return usageError{fmt.Errorf("--against %q is neither first nor last", o.against), "first compares with the first baseline"}
	}
	if o.baseline != "" {
		return g.freezeReport(ctx, o)
	}
	r, err := g.gapReport(ctx, o.asOf, o.against)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, r)
	}
	printGapReport(g, r)
	return nil
}

// gapReport makes the report of what is open at an instant.
func (g *globals) gapReport(ctx context.Context, asOf, against string) (r gapreport.Report, err error) {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return r, err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return r, err
	}
	defer done()
	p := newProgress(g, "assessing")
	defer p.end()
	v, err := svc.Refresh(ctx)
	if asOf != "" {
		v, err = svc.At(ctx, at)
	}
	if err != nil {
		return r, err
	}
	return svc.GapReport(ctx, v, against)
}

// freezeReport writes the report and records what was written.
func (g *globals) freezeReport(ctx context.Context, o reportOptions) error {
	w, err := g.openToChange(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	r, err := g.gapReport(ctx, o.asOf, "")
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := printJSON(&text, "json", r); err != nil {
		return err
	}
	if err := writeWhole(o.baseline, text.Bytes()); err != nil {
		return err
	}
	b := gapreport.Freeze(r, text.Bytes(), currentUser(), filepath.Base(o.baseline))
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	entry := store.NewEntry{Type: evidence.EntryExport, At: time.Now().UTC(), Body: body}
	if _, err := w.store.Append(ctx, store.Batch{Entries: []store.NewEntry{entry}}); err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, b)
	}
	fmt.Fprintf(g.std.out, "Frozen: %d open as of %s, written to %s.\nIts SHA-256 is in the ledger: %s\n", b.Open, b.AsOf.Format(time.RFC3339),
		clean(o.baseline), b.SHA256)
	return nil
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".exhibit-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing there once it was renamed
	_, err = tmp.Write(text)
	if err := firstOf(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func printGapReport(g *globals, r gapreport.Report) {
	out := g.std.out
	fmt.Fprintf(out, "Gap report as of %s, ledger size %d: %d open%s.\n", r.AsOf.Format(time.RFC3339), r.Checkpoint.Size, r.Open, gapCounts(r.Counts))
	for _, group := range r.Causes {
		fmt.Fprintf(out, "\n%s: %d%s\n", group.Title, group.Open, gapCounts(group.Counts))
		if group.Open == 0 {
			continue
		}
		var areas []string
		for _, a := range group.Areas {
			areas = append(areas, fmt.Sprintf("%s %s %d", a.ID, a.Title, a.Open))
		}
		fmt.Fprintf(out, "By area: %s\n\n", clean(strings.Join(areas, ", ")))
		printCauseTable(g, group.Items)
	}
	printTwins(out, r.Hints)
	printSinceBaseline(out, r.Since)
}

func gapCounts(c gapreport.Counts) string {
	if c.Established+c.Unsettled == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d failing or missing, %d not settled; %d overdue, %d owned by nobody)", c.Established, c.Unsettled, c.Overdue, c.Unowned)
}

// printCauseTable prints a line for each expectation, with how many fall short.
func printCauseTable(g *globals, items []gapreport.Item) {
	t := table{head: []string{"CONTROL", "EXPECTATION", "OPEN", "STATUS", "GRADE", "OWNER", "DUE", "NEXT STEP"}}
	var statuses []assess.Status
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].Expectation == items[0].Expectation {
			n++
		}
		same := items[:n]
		items = items[n:]
		control := same[0].Control
		if same[0].Twin != "" {
			control += "²"
		}
		status := worstStatus(same)
		statuses = append(statuses, status)
		t.add(control, same[0].Expectation, fmt.Sprint(n), string(status), worstGrade(same), ownerWords(same), firstDue(same), short(same[0].NextStep, 70))
	}
	if g.coloured() {
		t.tint = func(row, col int) string {
			switch {
			case row < 0:
				return "\x1b[1m"
			case col == 3:
				return statusTint(statuses[row])
			}
			return ""
		}
	}
	t.print(g.std.out)
}

func worstStatus(items []gapreport.Item) assess.Status {
	for _, s := range []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale, assess.StatusPendingReview, assess.StatusDue} {
		if slices.ContainsFunc(items, func(i gapreport.Item) bool { return i.Status == s }) {
			return s
		}
	}
	return items[0].Status
}

func worstGrade(items []gapreport.Item) string {
	for _, grade := range []string{"major", "minor", "observation"} {
		if slices.ContainsFunc(items, func(i gapreport.Item) bool { return i.Grade == grade }) {
			return grade
		}
	}
	return "–"
}

// ownerWords names the owner, or how many there are.
func ownerWords(items []gapreport.Item) string {
	var who []string
	for _, i := range items {
		if !slices.Contains(who, i.Owner) {
			who = append(who, i.Owner)
		}
	}
	switch {
	case len(who) > 1 && slices.Contains(who, ""):
		return fmt.Sprintf("%d people, or nobody", len(who)-1)
	case len(who) > 1:
		return fmt.Sprintf("%d people", len(who))
	}
	return orDash(who[0])
}

func firstDue(items []gapreport.Item) string {
	var first *time.Time
	overdue := false
	for _, i := range items {
		if i.DueAt != nil && (first == nil || i.DueAt.Before(*first)) {
			first = i.DueAt
		}
		overdue = overdue || i.Overdue
	}
	if overdue {
		return dayOf(first) + " overdue"
	}
	return orDash(dayOf(first))
}

func printTwins(w io.Writer, hints []gapreport.Twin) {
	if len(hints) == 0 {
		return
	}
	var list []string
	for _, h := range hints {
		list = append(list, fmt.Sprintf("%s (%d)", h.Control, h.Open))
	}
	fmt.Fprintf(w, "\n² ISO/IEC 27001 has the same clause. What an information security management system keeps for it can be\n  %s: %s.\n", gapreport.ReusedHint, clean(strings.Join(list, ", ")))
}

func printSinceBaseline(w io.Writer, p *gapreport.Progress) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "\nSince the baseline of %s, SHA-256 %s: of %d then open %d are not any more, %d still are, %d are new.\n",
		p.AsOf.Format(time.RFC3339), p.SHA256.String()[:12], p.Then, p.Closed, p.Still, p.New)
	for _, c := range p.Causes {
		fmt.Fprintf(w, "  %s: of %d %d are not any more, %d still are, %d are new\n", c.Cause.Title(), c.Then, c.Closed, c.Still, c.New)
	}
	if p.OtherRules {
		fmt.Fprintln(w, "Other expectations or thresholds were in force then: part of the difference may come from them.")
	}
}
