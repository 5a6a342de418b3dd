package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

func newTryCommand(g *globals) *cobra.Command {
	var o tryOptions
	c := &cobra.Command{
		Use:   "try",
		Short: "The sandbox organisation, end to end, without credentials",
		Long: `Starts a simulated company on this machine: servers that speak the wire formats of
GitHub, Jira and SageMaker, and a git repository of policies, with trouble planted in them. Collects from
it through the real connectors, assesses, prints what needs attention, and writes to DIR:

  exhibit.xlsx         the workbook an auditor receives
  exhibit-bundle.zip   workbook, evidence, proofs and signed checkpoint
  exhibit.pub          the key to verify both with
  exhibit.db           the store; exhibit.yaml and register.yaml, as a user would own them

With --serve the agent then runs on it: dashboard and API, and the schedules of the sandbox, until you
stop it with Ctrl-C.

Everything in it is simulated and says so. DIR is made anew on each run.`,
		Example: `  exhibit try
  exhibit try --serve
  exhibit verify exhibit-try/exhibit-bundle.zip --key exhibit-try/exhibit.pub
  exhibit status A.6.2.5 --config exhibit-try/exhibit.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runTry(c.Context(), g, o) },
	}
	c.Flags().StringVar(&o.out, "out", "exhibit-try", "`directory` to write to")
	c.Flags().BoolVar(&o.serve, "serve", false, "then show it in the dashboard, until stopped")
	c.Flags().StringVar(&o.listen, "listen", "", "`host:port` of the dashboard (default 127.0.0.1:8765)")
	return c
}

type tryOptions struct {
	out    string
	serve  bool
	listen string
}

// tryFiles are what an earlier try left in its directory, beside the files of
// the sandbox itself.
var tryFiles = []string{
	"exhibit.db", "exhibit.db-wal", "exhibit.db-shm", "exhibit.db.locks", "exhibit.key",
	"exhibit.xlsx", "exhibit-bundle.zip", "exhibit.pub",
}

func runTry(ctx context.Context, g *globals, o tryOptions) error {
	dir := o.out
	org, err := sandbox.Start(ctx, sandbox.Options{Now: time.Now().UTC(), Dir: dir, Logger: g.logger(slog.LevelError)})
	if err != nil {
		return err
	}
	defer org.Close()
	for _, name := range tryFiles {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	cfg, err := configfile.Load(filepath.Join(dir, "exhibit.yaml"), configfile.Known{})
	if err != nil {
		return err
	}
	w, err := g.openWorkplace(ctx, cfg, g.logger(slog.LevelError))
	if err != nil {
		return err
	}
	defer w.Close()
	g.note("The sandbox organisation runs on this machine; its servers are simulated.\n")
	runs, err := tryCollect(ctx, g, w, org, dir)
	if err != nil {
		return err
	}
	if err := printRuns(g, runs); err != nil {
		return err
	}
	now := func(ctx context.Context) (*assess.Assessment, error) { return w.svc.Assess(ctx, time.Now().UTC()) }
	if err := w.observe(ctx, now); err != nil {
		return err
	}
	a, err := now(ctx)
	if err != nil {
		return err
	}
	if err := w.svc.RecordAssessment(ctx, a, true); err != nil {
		return err
	}
	if g.output == "table" {
		printAttention(g, a)
	}
	if err := tryExport(ctx, g, w, dir); err != nil || !o.serve {
		return err
	}
	// The servers of the sandbox go on answering, so its schedules work.
	return runDaemon(ctx, w, agentOptions{tick: time.Second, stopTimeout: 5 * time.Second, listen: o.listen}, w.g.mask)
}

// tryCollect reads every source of the sandbox and imports its files.
func tryCollect(ctx context.Context, g *globals, w *workplace, org *sandbox.Org, dir string) ([]evidence.Run, error) {
	sources, err := w.choose(nil)
	if err != nil {
		return nil, err
	}
	runs, err := collectAll(ctx, g, w, sources, false)
	if err != nil {
		return runs, err
	}
	for _, in := range org.Imports() {
		imported, err := importOne(ctx, g, w.collector, importOptions{source: in.Source, played: true}, filepath.Join(dir, in.Path))
		if err != nil {
			return runs, err
		}
		runs = append(runs, imported...)
	}
	return runs, nil
}

// tryExport writes workbook, bundle and key, and says what to do next.
func tryExport(ctx context.Context, g *globals, w *workplace, dir string) error {
	m, err := w.svc.Make(ctx, service.Spec{At: time.Now().UTC()})
	if err != nil {
		return err
	}
	in, err := w.svc.BundleOf(ctx, m, false)
	if err != nil {
		return err
	}
	workbook, bundle, pub := filepath.Join(dir, "exhibit.xlsx"), filepath.Join(dir, "exhibit-bundle.zip"), filepath.Join(dir, "exhibit.pub")
	if err := exportWorkbook(ctx, g, w, m.Snapshot, workbook); err != nil {
		return err
	}
	if err := w.writeBundle(ctx, g, m, in, bundle); err != nil {
		return err
	}
	if err := os.WriteFile(pub, []byte(w.key.Public()+"\n"), 0o644); err != nil {
		return err
	}
	g.note("\nWrote %s and %s.\n\nNext:\n  exhibit verify %s --key %s\n  exhibit findings --config %s", workbook, bundle, bundle, pub, w.cfg.Path)
	return nil
}

// printAttention prints the controls that are not in order, worst first, and
// the counts of all.
func printAttention(g *globals, a *assess.Assessment) {
	rank := map[assess.Status]int{}
	for i, s := range allStatuses {
		rank[s] = i
	}
	var rows []assess.Control
	counts := map[assess.Status]int{}
	for _, c := range a.Controls {
		counts[c.Status]++
		if c.Total > 0 && rank[c.Status] < rank[assess.StatusWaived] {
			rows = append(rows, c)
		}
	}
	slices.SortStableFunc(rows, func(a, b assess.Control) int { return rank[a.Status] - rank[b.Status] })
	t := table{head: []string{"CONTROL", "TITLE", "STATUS", "SATISFIED", "WHY"}}
	for _, c := range rows {
		t.add(c.ID, short(c.Title, 40), string(c.Status), fmt.Sprintf("%d / %d", c.Satisfied, c.Total), short(c.Reason, 80))
	}
	if g.coloured() {
		t.tint = func(row, col int) string {
			switch {
			case row < 0:
				return "\x1b[1m"
			case col == 2:
				return statusTint(rows[row].Status)
			}
			return ""
		}
	}
	fmt.Fprintln(g.std.out, "\nWhat needs attention")
	t.print(g.std.out)
	fmt.Fprint(g.std.out, "\nOf ", len(a.Controls), " clauses and controls:")
	for _, s := range allStatuses {
		if counts[s] > 0 {
			fmt.Fprintf(g.std.out, " %d %s", counts[s], s)
		}
	}
	fmt.Fprintln(g.std.out)
}
