package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/finding"
)

type findingsOptions struct {
	asOf    string
	owner   string
	control string
	system  string
	state   string
}

func newFindingsCommand(g *globals) *cobra.Command {
	var o findingsOptions
	c := &cobra.Command{
		Use:   "findings",
		Short: "Open shortfalls: whose move it is, by when, and the next step",
		Long: `A finding is one shortfall: one expectation that one subject does not meet. exhibit assess
and the agent open it, and resolve it once its result is in order and everything it rests on was
read again with no part unseen; a partial or failed run never resolves one. Falling short
again reopens it, with the cause. A waived finding is not open; when the waiver lapses, it
is. Nothing is taken back: exhibit findings show has the history. Duties whose deadline has
not passed are no findings yet and stand apart.

Without --state what is open is listed, acknowledged or not, most severe and most urgent
first. With -o json each is an object:

  id, control, expectation, subject{type,id}, systems   what falls short
  state                      open, acknowledged, waived, resolved; duty for a duty
  status, underlying, waiver, reason, evidence          the result now
  opened_at, reopened_at, acknowledged_at, acknowledged_by, resolved_at, age_days
  severity, due_at, overdue  due by severity, from the opening or the last reopening
  duty_at                    the deadline of the duty itself
  owner, owner_from          assigned, vendor, system, expectation or role; empty if nobody is named
  suggested_grade, extent, grade_reason    extent is isolated or systemic
  judged{grade,because,by,at}              a person's grade, which then counts
  next_step                  what to do
  recorded                   false: no assessment has put its last change in the ledger yet`,
		Example: `  exhibit findings
  exhibit findings --owner maria.keller -o json
  exhibit findings --state all --control A.6.2.5
  exhibit findings show F-0123456789ab
  exhibit findings report`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runFindings(c.Context(), g, o) },
	}
	f := c.Flags()
	f.StringVar(&o.asOf, "as-of", "", "evaluate as of this `time` (RFC 3339, or a date: the end of that day, UTC)")
	f.StringVar(&o.owner, "owner", "", "only what this `person` has to do")
	f.StringVar(&o.control, "control", "", "only what concerns this `control`")
	f.StringVar(&o.system, "system", "", "only what concerns this AI `system`")
	f.StringVar(&o.state, "state", "", "only this `state`: open, acknowledged, waived, resolved, duty or all")
	c.AddCommand(newFindingsShowCommand(g), newFindingsAcknowledgeCommand(g), newFindingsAssignCommand(g), newFindingsGradeCommand(g), newFindingsReportCommand(g))
	return c
}

// stateAll selects everything.
const stateAll finding.State = "all"

func runFindings(ctx context.Context, g *globals, o findingsOptions) error {
	states := []finding.State{finding.Open, finding.Noted, finding.Covered, finding.Concluded, service.StateDuty, stateAll}
	if o.state != "" && !slices.Contains(states, finding.State(o.state)) {
		return usageError{fmt.Errorf("state %q is not known", o.state), "states: open, acknowledged, waived, resolved, duty, all"}
	}
	v, err := g.view(ctx, o.asOf)
	if err != nil {
		return err
	}
	rows, at := slices.Clone(v.Findings), v.Assessment.AsOf
	rows = slices.DeleteFunc(rows, func(r service.FindingRow) bool { return !o.wants(r) })
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	duties := slices.DeleteFunc(slices.Clone(rows), func(r service.FindingRow) bool { return r.State != service.StateDuty })
	rows = slices.DeleteFunc(rows, func(r service.FindingRow) bool { return r.State == service.StateDuty })
	if len(rows)+len(duties) == 0 {
		g.note("Nothing is %s as of %s%s.", o.adjective(), at.Format(time.RFC3339), o.narrowed())
		return nil
	}
	printFindings(g, rows, at, o.adjective())
	printDuties(g, duties)
	return nil
}

func (o findingsOptions) wants(r service.FindingRow) bool {
	switch {
	case o.owner != "" && r.Owner != o.owner,
		o.control != "" && r.Control != o.control,
		o.system != "" && !slices.Contains(r.Systems, o.system):
		return false
	case o.state == "":
		return r.State.IsOpen() || r.State == service.StateDuty
	}
	return o.state == string(stateAll) || string(r.State) == o.state
}

// narrowed says what was asked for alone, so that nothing found under a name
// that nobody bears does not read as nothing to do.
func (o findingsOptions) narrowed() string {
	var only []string
	for _, f := range [][2]string{{"owner", o.owner}, {"control", o.control}, {"system", o.system}} {
		if f[1] != "" {
			only = append(only, f[0]+" "+clean(f[1]))
		}
	}
	if len(only) == 0 {
		return ""
	}
	return " for " + strings.Join(only, ", ") + "; others are not counted"
}

// adjective says what the findings listed are.
func (o findingsOptions) adjective() string {
	switch finding.State(o.state) {
	case "":
		return "open"
	case stateAll:
		return "on record"
	}
	return o.state
}

func printFindings(g *globals, rows []service.FindingRow, at time.Time, what string) {
	if len(rows) > 0 {
		t := table{head: []string{"FINDING", "CONTROL", "EXPECTATION", "SUBJECT", "STATUS", "STATE", "OPENED", "AGE", "DUE", "OWNER", "GRADE", "NEXT STEP"}}
		for _, r := range rows {
			t.add(r.ID, r.Control, r.Expectation, short(r.Subject.ID, 36), string(r.Status), string(r.State), dayOf(r.OpenedAt),
				fmt.Sprintf("%dd", r.AgeDays), dueWord(r), orDash(r.Owner), gradeWord(r), short(r.NextStep, 70))
		}
		if g.coloured() {
			t.tint = func(row, col int) string {
				switch {
				case row < 0:
					return "\x1b[1m"
				case col == 4:
					return statusTint(rows[row].Status)
				case col == 8 && rows[row].Overdue:
					return "\x1b[1;31m"
				}
				return ""
			}
		}
		t.print(g.std.out)
		fmt.Fprintln(g.std.out)
	}
	overdue, unowned, unrecorded := 0, 0, 0
	for _, r := range rows {
		if r.Overdue {
			overdue++
		}
		if r.Owner == "" {
			unowned++
		}
		if !r.Recorded {
			unrecorded++
		}
	}
	line := fmt.Sprintf("%d %s as of %s", len(rows), what, at.Format(time.RFC3339))
	if overdue > 0 {
		line += fmt.Sprintf(", %d overdue", overdue)
	}
	if unowned > 0 {
		line += fmt.Sprintf(", %d owned by nobody", unowned)
	}
	fmt.Fprintln(g.std.out, line+".")
	if unrecorded > 0 {
		g.note("%d are not in the ledger as they are shown: exhibit assess records them.", unrecorded)
	}
}

// printDuties lists what has to be done by a deadline that has not passed.
func printDuties(g *globals, rows []service.FindingRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(g.std.out, "\nDuties whose deadline has not passed")
	t := table{head: []string{"CONTROL", "EXPECTATION", "SUBJECT", "OWNER", "UNTIL", "NEXT STEP"}}
	for _, r := range rows {
		until := ""
		if r.DutyAt != nil {
			until = dayOf(r.DutyAt)
		}
		t.add(r.Control, r.Expectation, short(r.Subject.ID, 36), orDash(r.Owner), until, short(r.NextStep, 70))
	}
	t.print(g.std.out)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func dayOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func newFindingsShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "The history of a finding",
		Long: `Prints a finding as the ledger has it, with everything that happened to it: when, by whom or by
which assessment (its ledger size), the status at the time, and the cause. With -o json the
object has the finding's fields, and history[]: {finding, type, at, by, account, cause, status,
checkpoint{size,root}, facts}. Types: opened, reopened, changed, waived, resolved,
acknowledged, reassigned, graded.`,
		Example: "  exhibit findings show F-0123456789ab",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runFindingsShow(c.Context(), g, args[0]) },
	}
}

func runFindingsShow(ctx context.Context, g *globals, id string) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	l, err := svc.Life(ctx, id)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, l)
	}
	printLife(g, l)
	return nil
}

func printLife(g *globals, l *finding.Life) {
	owner, from := l.OwnedBy()
	grade, why := l.GradedAs()
	owned := "nobody is named as owner"
	if owner != "" {
		owned = "owner " + owner + " (" + from + ")"
	}
	due := "no due date"
	if l.DueAt != nil {
		due = "due " + l.DueAt.UTC().Format(time.RFC3339)
	}
	graded := "no grade yet"
	switch {
	case l.Judged != nil:
		graded = "graded " + grade + " by " + l.Judged.By + ": " + why
	case grade != "":
		graded = "suggested grade " + grade + ", " + why
	}
	out := g.std.out
	fmt.Fprintf(out, "%s  %s %s, %s %s\n", clean(l.ID), clean(l.Control), clean(l.Expectation), clean(l.Subject.Type), clean(l.Subject.ID))
	fmt.Fprintf(out, "%s: %s, severity %s, since %s\n", l.State, l.Status, clean(l.Severity), l.Since().UTC().Format(time.RFC3339))
	if len(l.Systems) > 0 {
		fmt.Fprintf(out, "systems: %s\n", clean(strings.Join(l.Systems, ", ")))
	}
	fmt.Fprintf(out, "%s; %s\n%s\n\n", clean(owned), due, clean(graded))
	t := table{head: []string{"AT", "WHAT", "BY", "STATUS", "LEDGER", "CAUSE"}}
	for _, e := range l.History {
		by := e.By
		if by == "" {
			by = "assessment"
		}
		cause := e.Cause
		if e.Owner != "" {
			cause = "to " + e.Owner + ": " + cause
		}
		if e.Grade != "" {
			cause = e.Grade + ": " + cause
		}
		t.add(e.At.UTC().Format(time.RFC3339), string(e.Type), by, string(e.Status), fmt.Sprint(e.Checkpoint.Size), cause)
	}
	t.print(out)
}
