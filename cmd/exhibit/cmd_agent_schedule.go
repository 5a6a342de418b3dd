package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/api"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/people"
)

func newAgentStatusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "What agents do: nodes, sources, last and next runs, pauses, missed times",
		Long: `Shows the agents that run on the store, and of each source its schedule, its last run,
the run that is under way or waits, when it is due next, who paused it and why, and the
times of the last seven days at which it was to be read and was not.`,
		Example: `  exhibit agent status
  exhibit agent status -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAgentStatus(c.Context(), g) },
	}
}

// agentStatus is what agent status prints as JSON.
type agentStatus struct {
	Nodes   []agent.NodeStatus   `json:"nodes"`
	Sources []agent.SourceStatus `json:"sources"`
}

func runAgentStatus(ctx context.Context, g *globals) error {
	return g.withSchedule(ctx, func(s *agent.Schedule) error {
		nodes, err := s.Nodes(ctx)
		if err != nil {
			return err
		}
		sources, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if g.output != "table" {
			if nodes == nil {
				nodes = []agent.NodeStatus{}
			}
			if sources == nil {
				sources = []agent.SourceStatus{}
			}
			return printJSON(g.std.out, g.output, agentStatus{nodes, sources})
		}
		printNodes(g, nodes)
		printSources(g, sources)
		return nil
	})
}

func printNodes(g *globals, nodes []agent.NodeStatus) {
	if len(nodes) == 0 {
		fmt.Fprintln(g.std.out, "No agent runs on this store: exhibit agent starts one.")
		return
	}
	t := table{head: []string{"NODE", "VERSION", "STARTED", "SEEN", "CLOCK OFF BY"}}
	for _, n := range nodes {
		seen := n.Seen.Format(time.RFC3339)
		if silent := time.Since(n.Seen); silent > agent.SilentAfter {
			seen += " (silent for " + silent.Round(time.Second).String() + ")"
		}
		t.add(n.Node, n.Version, n.Started.Format(time.RFC3339), seen, n.Skew.String())
	}
	t.print(g.std.out)
}

func printSources(g *globals, sources []agent.SourceStatus) {
	if len(sources) == 0 {
		return
	}
	fmt.Fprintln(g.std.out)
	t := table{head: []string{"SOURCE", "SCHEDULE", "STATE", "LAST RUN", "STATUS", "NEXT", "MISSED"}}
	for _, s := range sources {
		last, status := "never", ""
		if s.Last != nil {
			last, status = s.Last.Finished.Format(time.RFC3339), s.Last.Status
		}
		next := "when asked"
		if !s.NextAt.IsZero() {
			next = s.NextAt.Format(time.RFC3339)
		}
		if s.Paused != nil {
			next = "when resumed"
		}
		missed := 0
		for _, m := range s.Missed {
			missed += m.Count
		}
		t.add(s.Source, strings.TrimSpace(s.Spec+" "+s.Zone), sourceState(s), last, status, next, strconv.Itoa(missed))
	}
	t.print(g.std.out)
	for _, s := range sources {
		if s.Paused != nil {
			fmt.Fprintf(g.std.out, "%s is paused by %s since %s: %s\n", s.Source, clean(s.Paused.By), s.Paused.At.Format(time.RFC3339), clean(s.Paused.Because))
		}
		for _, m := range s.Missed {
			fmt.Fprintf(g.std.out, "%s was not read at %d times of its schedule, from %s to %s\n", s.Source, m.Count, m.First.Format(time.RFC3339), m.Last.Format(time.RFC3339))
		}
	}
}

// sourceState says in a word or two what is done with a source now.
func sourceState(s agent.SourceStatus) string {
	switch {
	case s.Running != nil:
		return "running on " + s.Running.Node
	case s.Waiting != nil && s.Waiting.Attempts > 0:
		return "tried " + strconv.Itoa(s.Waiting.Attempts) + " times, waits"
	case s.Waiting != nil:
		return "waits"
	case s.Paused != nil:
		return "paused"
	}
	return ""
}

func newAgentPauseCommand(g *globals) *cobra.Command {
	var because, as string
	c := &cobra.Command{
		Use:   "pause SOURCE",
		Short: "Stop the schedule of a source, saying who and why",
		Long: `Stops the schedule of a source on all agents of the store, until it is resumed. A run
that is under way ends by itself. Times of a pause do not count as missed; what the source
would have shown becomes stale all the same, and who paused it, and why, is on record.`,
		Example: `  exhibit agent pause jira --because "Jira is being moved, back on Monday" --as ann`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(because) == "" {
				return usageError{errors.New("a pause needs a reason"), "--because \"why, and until when\""}
			}
			who, err := g.person(as)
			if err != nil {
				return err
			}
			return g.withSchedule(c.Context(), func(s *agent.Schedule) error {
				if err := s.Pause(c.Context(), args[0], people.Identity(who.ID, who.Account), because); err != nil {
					return scheduleError(err)
				}
				g.note("%s is paused; exhibit agent resume %s lets it go on.", args[0], args[0])
				return g.printActed(api.SourceBody{Source: args[0], Paused: true})
			})
		},
	}
	c.Flags().StringVar(&because, "because", "", "the `reason`")
	asFlag(c, &as)
	return c
}

func newAgentResumeCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:     "resume SOURCE",
		Short:   "Let the schedule of a paused source go on",
		Long:    `Lets the schedule of a source go on. If times of it passed meanwhile, the source is read once, at once.`,
		Example: `  exhibit agent resume jira --as ann`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			who, err := g.person(as)
			if err != nil {
				return err
			}
			return g.withSchedule(c.Context(), func(s *agent.Schedule) error {
				if err := s.Resume(c.Context(), args[0], people.Identity(who.ID, who.Account)); err != nil {
					return scheduleError(err)
				}
				g.note("%s goes on.", args[0])
				return g.printActed(api.SourceBody{Source: args[0]})
			})
		},
	}
	asFlag(c, &as)
	return c
}

func newAgentRunCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "run SOURCE",
		Short: "Have an agent read a source now, before all others",
		Long: `Asks the agents of the store to read a source now, before all others; also one that is
paused, or has no schedule. The command does not wait for the run: exhibit agent status shows
it. exhibit collect reads a source itself, without an agent.`,
		Example: `  exhibit agent run github --as ann`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			who, err := g.person(as)
			if err != nil {
				return err
			}
			return g.withSchedule(c.Context(), func(s *agent.Schedule) error { return runAgentRun(c.Context(), g, s, args[0], who) })
		},
	}
	asFlag(c, &as)
	return c
}

func runAgentRun(ctx context.Context, g *globals, s *agent.Schedule, source string, who people.Person) error {
	waiting, err := s.RunNow(ctx, source, people.Identity(who.ID, who.Account))
	if err != nil {
		return scheduleError(err)
	}
	if err := g.printActed(api.SourceBody{Source: source, Waiting: waiting}); err != nil || waiting {
		if waiting {
			g.note("%s waits to be read already.", source)
		}
		return err
	}
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		g.note("%s is asked for; no agent runs now, the next one reads it.", source)
		return nil
	}
	g.note("%s is asked for.", source)
	return nil
}

// withSchedule opens the schedule that the agents of the store keep.
func (g *globals) withSchedule(ctx context.Context, f func(*agent.Schedule) error) (err error) {
	if err := g.needStore(ctx); err != nil {
		return err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	var db *opsdb.DB
	if db, err = openOps(ctx, cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := agent.OpenSchedule(ctx, db, g.logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	return f(s)
}

// scheduleError adds what to do.
func scheduleError(err error) error {
	switch {
	case errors.Is(err, agent.ErrUnknownSource):
		return usageError{err, "exhibit agent status lists them; start exhibit agent once after a change of the configuration"}
	case errors.Is(err, agent.ErrPaused), errors.Is(err, agent.ErrNotPaused):
		return usageError{err, "exhibit agent status shows who paused it"}
	}
	return err
}
