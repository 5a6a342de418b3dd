package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/reload"
	"github.com/exhibit-aims/exhibit/internal/secrets"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

type agentOptions struct {
	tick        time.Duration
	stopTimeout time.Duration
	logFormat   string
	logLevel    string
	listen      string // instead of what the configuration says
}

func newAgentCommand(g *globals) *cobra.Command {
	var o agentOptions
	c := &cobra.Command{
		Use:   "agent",
		Short: "The daemon: read sources on their schedules, assess, tell people, serve the dashboard",
		Long: `Reads each source on its cron schedule, assesses after each run, puts on record what
changed, tells whom it concerns, and serves dashboard, API and metrics: on this machine only,
at 127.0.0.1:8765, unless server: in the configuration says otherwise. Without a login
provider it prints an address by which you log in, once.

Due times and jobs are kept beside the store: after downtime each source is read once, and
a run that was cut off is made again. On a SQLite store one agent runs; on a PostgreSQL store
as many as you like, each source read by one of them at a time. SIGINT and SIGTERM stop it
cleanly. SIGHUP reads configuration, register and rules anew and starts again with them, in the
same process; with a mistake in them nothing changes, and log, metrics and readiness say so.`,
		Example: `  exhibit agent
  exhibit agent --listen 127.0.0.1:9000 --log-format json
  exhibit agent --listen none
  exhibit agent status`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAgent(c.Context(), g, o) },
	}
	c.Flags().DurationVar(&o.tick, "tick", time.Second, "how `often` to look for sources that are due")
	c.Flags().DurationVar(&o.stopTimeout, "stop-timeout", 30*time.Second, "how `long` a run may go on after the agent is told to stop")
	c.Flags().StringVar(&o.logFormat, "log-format", "text", "`format` of the log: text or json")
	c.Flags().StringVar(&o.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")
	c.Flags().StringVar(&o.listen, "listen", "", "serve dashboard and API at this `host:port` instead of the configured one; none serves nothing")
	c.AddCommand(newAgentStatusCommand(g), newAgentPauseCommand(g), newAgentResumeCommand(g), newAgentRunCommand(g), newAgentHealthCommand(g))
	return c
}

func runAgent(ctx context.Context, g *globals, o agentOptions) error {
	mask := g.mask
	logger, err := g.agentLogger(o, mask)
	if err != nil {
		return err
	}
	if o.tick <= 0 {
		return usageError{errors.New("--tick must be positive"), "the default is 1s"}
	}
	asked, stop := reload.OnHangup()
	defer stop()
	var room lack
	began := time.Now()
	w, err := g.openConfigured(ctx, logger)
	for {
		var next *configfile.Config
		if err == nil {
			next, err = w.runUntilReread(ctx, o, asked)
		}
		switch {
		case noRoom(err):
			room = room.again(time.Since(began))
			if err := g.waitForRoom(ctx, o, logger, err, room); err != nil || ctx.Err() != nil {
				return err
			}
			began = time.Now()
			w, err = g.openConfigured(ctx, logger)
		case next == nil:
			return err
		default:
			w, err = g.openWorkplace(ctx, next, logger)
		}
	}
}

// runUntilReread is the daemon until it is stopped, or until asked brings a
// configuration to start again with.
func (w *workplace) runUntilReread(ctx context.Context, o agentOptions, asked <-chan os.Signal) (*configfile.Config, error) {
	defer w.Close()
	w.reread = w.g.newRereading(w.cfg, w.logger)
	running, again, stop := w.reread.until(ctx, asked)
	defer stop()
	if err := runDaemon(running, w, o, w.g.mask); err != nil || !again() {
		return nil, err
	}
	return w.reread.Current(), nil
}

// agentLogger is the log of the daemon, in which no secret stands.
func (g *globals) agentLogger(o agentOptions, mask *secrets.Mask) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("log level %q is not known", o.logLevel), "use debug, info, warn or error"}
	}
	h := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(telemetry.NewHandler(slog.NewTextHandler(g.std.err, h), mask.Text)), nil
	case "json":
		return slog.New(telemetry.NewHandler(slog.NewJSONHandler(g.std.err, h), mask.Text)), nil
	}
	return nil, usageError{fmt.Errorf("log format %q is not known", o.logFormat), "use text or json"}
}

// registerSchedule is how often the register is read: it costs next to nothing.
const registerSchedule = "*/5 * * * *"

// schedules returns what the daemon reads and when. A source without a
// schedule is read only when somebody asks.
func (w *workplace) schedules() ([]agent.Scheduled, error) {
	var out []agent.Scheduled
	timed := false
	if w.cfg.Register != "" {
		out = append(out, agent.Scheduled{Source: agent.RegisterSource, Spec: registerSchedule, Priority: 1})
		timed = true
	}
	for _, s := range w.cfg.Sources {
		out = append(out, agent.Scheduled{Source: s.Name, Connector: s.Connector, Spec: s.Schedule, Zone: s.Zone, Jitter: s.Jitter,
			Blackout: s.Blackout, Priority: s.Priority, Budget: agent.Budget(s.Budget)})
		timed = timed || s.Schedule != ""
	}
	if !timed {
		return nil, usageError{errors.New("no source has a schedule: the agent would never read anything"), "add schedule: to the sources, for example \"0 */6 * * *\""}
	}
	return out, nil
}
