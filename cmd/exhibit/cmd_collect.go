package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

type collectOptions struct {
	full bool
}

func newCollectCommand(g *globals) *cobra.Command {
	var o collectOptions
	c := &cobra.Command{
		Use:   "collect [SOURCE…]",
		Short: "Read sources now",
		Long: `Reads the named sources, or all that are configured, and the register. Each run
ends complete, partial or failed; what could not be seen is printed and kept as
a gap. Exit code 3 says that a run was partial or failed.

What was seen of AI is then held against the register. A use that no registered system
accounts for is told on standard error, in one line, once: when it comes up, and when it
opens again. exhibit shadow list always shows all.`,
		Example: `  exhibit collect
  exhibit collect github jira
  exhibit collect github --full`,
		RunE: func(c *cobra.Command, args []string) error { return runCollect(c.Context(), g, o, args) },
	}
	c.Flags().BoolVar(&o.full, "full", false, "read all again: ignore cursors and validators of earlier runs")
	return c
}

func runCollect(ctx context.Context, g *globals, o collectOptions, names []string) error {
	w, err := g.openConfigured(ctx, g.logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer w.Close()
	sources, err := w.choose(names)
	if err != nil {
		return err
	}
	runs, err := collectAll(ctx, g, w, sources, o.full)
	if err == nil {
		err = w.observeOnce(ctx)
	}
	if err == nil || len(runs) > 0 {
		if perr := printRuns(g, runs); perr != nil {
			return perr
		}
	}
	for _, r := range runs {
		if r.Error != "" {
			fmt.Fprintf(g.std.err, "exhibit: source %s: %s: %s\n", r.Provenance.Source, r.Status, clean(r.Error))
		}
	}
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.Status != evidence.RunComplete {
			g.note("%s", "Some of the scope was not seen; exhibit gaps says what and why.")
			return exitWith{exitPartial}
		}
	}
	return nil
}

// collectAll reads sources side by side, the register first because what it
// declares is cheap and always there.
func collectAll(ctx context.Context, g *globals, w *workplace, sources []string, full bool) ([]evidence.Run, error) {
	p := newProgress(g, "collecting")
	defer p.end()
	var mu sync.Mutex
	var runs []evidence.Run
	var errs []error
	var wg sync.WaitGroup
	slots := make(chan struct{}, w.concurrency())
	for _, name := range sources {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			run, err := w.collect(ctx, name, full, func(pr connector.Progress) {
				mu.Lock()
				defer mu.Unlock()
				p.show(name + ": " + pr.Message)
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			runs = append(runs, run)
		}()
	}
	wg.Wait()
	slices.SortFunc(runs, func(a, b evidence.Run) int {
		return strings.Compare(a.Provenance.Source, b.Provenance.Source)
	})
	return runs, errors.Join(errs...)
}

// collect makes one run of a configured source, or of the register, under the
// source's lock.
func (w *workplace) collect(ctx context.Context, name string, full bool, progress func(connector.Progress)) (evidence.Run, error) {
	ctx, release, err := agent.Hold(ctx, w.locks, name)
	if err != nil {
		return evidence.Run{}, fmt.Errorf("another process reads source %w", err)
	}
	defer release()
	return w.collectHeld(ctx, agent.Order{Source: name}, full, progress)
}

// collectHeld is collect for who holds the source's lock.
func (w *workplace) collectHeld(ctx context.Context, order agent.Order, full bool, progress func(connector.Progress)) (evidence.Run, error) {
	name := order.Source
	if name == agent.RegisterSource {
		run, err := w.collector.CollectRegister(ctx, w.cfg.Register)
		if err != nil {
			return run, err
		}
		return run, w.svc.RenewPeople(ctx)
	}
	src, err := w.source(ctx, name)
	if err != nil {
		configured, _ := w.cfg.Source(name)
		return evidence.Run{}, errors.Join(err, w.collector.Refuse(ctx, name, configured.Connector, err))
	}
	src.Full, src.RequestsPerSecond = full, order.RequestsPerSecond
	return w.collector.Collect(ctx, src, progress)
}

// runRow is what is printed of a run.
type runRow struct {
	Source   string         `json:"source"`
	Run      string         `json:"run"`
	Status   string         `json:"status"`
	Error    string         `json:"error,omitempty"`
	Seen     int64          `json:"seen"`
	New      int64          `json:"new"`
	Revised  int64          `json:"revised"`
	Gone     int64          `json:"gone"`
	Gaps     []evidence.Gap `json:"gaps"`
	Requests int64          `json:"requests"`
	NotMod   int64          `json:"not_modified"`
	Finished time.Time      `json:"finished_at"`
}

func printRuns(g *globals, runs []evidence.Run) error {
	var rows []runRow
	for _, r := range runs {
		row := runRow{Source: r.Provenance.Source, Run: r.ID, Status: string(r.Status), Error: r.Error, Gaps: r.Gaps,
			Requests: r.Calls.Requests, NotMod: r.Calls.NotModified, Finished: r.FinishedAt}
		if row.Gaps == nil {
			row.Gaps = []evidence.Gap{}
		}
		for _, k := range r.Kinds {
			row.Seen += k.Seen
			row.New += k.New
			row.Revised += k.Revised
			row.Gone += k.Gone
		}
		rows = append(rows, row)
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"SOURCE", "STATUS", "SEEN", "NEW", "REVISED", "GONE", "REQUESTS", "304", "GAPS", "ERROR"}}
	for _, r := range rows {
		t.add(r.Source, r.Status, fmt.Sprint(r.Seen), fmt.Sprint(r.New), fmt.Sprint(r.Revised), fmt.Sprint(r.Gone),
			fmt.Sprint(r.Requests), fmt.Sprint(r.NotMod), fmt.Sprint(len(r.Gaps)), short(r.Error, 90))
	}
	t.print(g.std.out)
	return nil
}
