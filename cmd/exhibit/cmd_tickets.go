package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/tell"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

func newTicketsCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "tickets",
		Short: "Findings as tickets in Jira or GitHub, one each",
		Long: `Opens a ticket for each finding that tickets.for selects, keeps it up to date, closes it when
evidence resolves the finding, and opens it again when that reopens. A ticket is never opened
twice: it carries the finding's id, and where an answer was lost the tracker is asked before
anything is opened. What a person closes by hand stays closed. The agent does it after each
assessment; exhibit tickets sync does it once.`,
		Example: `  exhibit tickets sync --dry-run
  exhibit tickets list`,
	})
	c.AddCommand(newTicketsSyncCommand(g), newTicketsListCommand(g))
	return c
}

// withTickets opens the trackers of the configuration.
func (g *globals) withTickets(ctx context.Context, f func(*telling, *ticket.Syncer) error) error {
	return g.withTelling(ctx, func(t *telling) error {
		s, err := t.opts.Tickets(ctx)
		if errors.Is(err, tell.ErrNoTracker) {
			return usageError{err, "add tickets.jira or tickets.github to exhibit.yaml"}
		}
		if err != nil {
			return err
		}
		return f(t, s)
	})
}

func newTicketsSyncCommand(g *globals) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "sync",
		Short: "Make the tickets as the findings are now",
		Long: `Assesses as of now and opens, changes, closes and reopens tickets. With --dry-run, or where
tickets.dry_run is set, it reads the trackers and says what it would do. New tickets are
bounded by the hour (tickets.per_hour, in each tracker), the most severe and most urgent first.

With -o json each tracker is an object: tracker, acts[]{tracker, finding, key, what, because},
waiting, skipped, doubles[], error. what is open, take_over, update, comment, close, reopen or
leave. Where a tracker fails the exit code is 1.`,
		Example: `  exhibit tickets sync --dry-run
  exhibit tickets sync -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.withTickets(c.Context(), func(t *telling, s *ticket.Syncer) error { return runTicketsSync(c.Context(), t, s, dry) })
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	return c
}

// ticketsResult is what tickets sync prints of a tracker as JSON.
type ticketsResult struct {
	ticket.Result
	DryRun bool   `json:"dry_run,omitempty"`
	Error  string `json:"error,omitempty"`
}

func runTicketsSync(ctx context.Context, t *telling, s *ticket.Syncer, dry bool) error {
	v, _, err := t.view(ctx)
	if err != nil {
		return err
	}
	dry = dry || t.cfg.Tickets.DryRun
	do := s.Sync
	if dry {
		do = s.Plan
	}
	results, err := do(ctx, tell.Findings(v, t.opts.LinkBase()))
	if err != nil {
		return err
	}
	g := t.g
	var failed []error
	var rows []ticketsResult
	for _, r := range results {
		row := ticketsResult{Result: r, DryRun: dry}
		if row.Acts == nil {
			row.Acts = []ticket.Act{}
		}
		if r.Err != nil {
			row.Error = r.Err.Error()
			failed = append(failed, r.Err)
		}
		rows = append(rows, row)
	}
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, rows); err != nil {
			return err
		}
	} else {
		printTicketActs(g, rows)
	}
	if len(failed) > 0 {
		return hinted{errors.Join(failed...), "it is tried again; exhibit tickets list shows when"}
	}
	return nil
}

func printTicketActs(g *globals, rows []ticketsResult) {
	tab := table{head: []string{"TRACKER", "FINDING", "TICKET", "WHAT", "BECAUSE"}}
	for _, r := range rows {
		for _, a := range r.Acts {
			tab.add(a.Tracker, a.Finding, orDash(a.Key), a.What, short(a.Because, 80))
		}
	}
	if len(tab.rows) > 0 {
		tab.print(g.std.out)
		fmt.Fprintln(g.std.out)
	}
	for _, r := range rows {
		line := counted(len(r.Acts), "act", "acts")
		if r.DryRun {
			line += " would be done"
		}
		if r.Waiting > 0 {
			line += ", " + counted(r.Waiting, "finding waits", "findings wait") + " (tickets.per_hour, or an answer that was lost)"
		}
		if r.Skipped != "" {
			line = r.Skipped
		}
		if len(r.Doubles) > 0 {
			line += fmt.Sprintf("; %d tickets bear the id of a finding that has another: %s", len(r.Doubles), short(fmt.Sprint(r.Doubles), 80))
		}
		fmt.Fprintf(g.std.out, "%s: %s.\n", r.Tracker, clean(line))
	}
}

func newTicketsListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The ticket of each finding",
		Long: `Lists what is known of tickets, from the operational database: no tracker is asked. States:
opening (asked for, no answer yet), open, closed, closed_by_hand (a person did, while the
finding is open), open_by_hand, gone (deleted or moved), refused (the tracker would not have it).`,
		Example: "  exhibit tickets list\n  exhibit tickets list -o json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.withTickets(c.Context(), func(t *telling, s *ticket.Syncer) error { return runTicketsList(c.Context(), t.g, s) })
		},
	}
}

// ticketsList is what tickets list prints as JSON.
type ticketsList struct {
	Tickets  []*ticket.Row          `json:"tickets"`
	Trackers []ticket.TrackerStatus `json:"trackers"`
}

func runTicketsList(ctx context.Context, g *globals, s *ticket.Syncer) error {
	rows, trackers, err := s.List(ctx)
	if err != nil {
		return err
	}
	if g.output != "table" {
		out := ticketsList{Tickets: []*ticket.Row{}, Trackers: []ticket.TrackerStatus{}}
		out.Tickets, out.Trackers = append(out.Tickets, rows...), append(out.Trackers, trackers...)
		return printJSON(g.std.out, g.output, out)
	}
	if len(rows) == 0 {
		g.note("No ticket was opened yet: exhibit tickets sync does it.")
	} else {
		tab := table{head: []string{"TRACKER", "FINDING", "TICKET", "STATE", "OPENED", "CHANGED", "NOTE"}}
		for _, r := range rows {
			tab.add(r.Tracker, r.Finding, orDash(r.Key), string(r.State), orDash(dayOf(r.Created)), orDash(dayOf(r.Updated)), short(r.Note, 60))
		}
		tab.print(g.std.out)
	}
	for _, t := range trackers {
		line := t.Name + ":"
		if t.Synced != nil {
			line += " last looked at " + t.Synced.Format(time.RFC3339)
		}
		if t.Waiting > 0 {
			line += fmt.Sprintf(", %d wait", t.Waiting)
		}
		if t.Error != "" {
			line += ", failed: " + t.Error
		}
		fmt.Fprintln(g.std.out, clean(line))
	}
	return nil
}
