// Command exhibit is the evidence agent for ISO/IEC 42001. It wires the
// packages under internal together, and holds flags, exit codes and what is
// printed. It never imports connectors: these are processes of their own.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules name time zones; not every machine knows them

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/secrets"
)

func main() {
	os.Exit(run(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are where a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run executes one command line and returns its exit code.
func run(args []string, std streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := &sureWriter{w: std.out}
	std.out = out
	root := newRootCommand(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("standard output: %w", out.err)
	}
	return report(std.err, err)
}

// sureWriter remembers the first error, so that results that did not arrive
// are no success, however they were printed.
type sureWriter struct {
	w   io.Writer
	err error
}

func (s *sureWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// globals are the flags that every command takes.
type globals struct {
	std     streams
	config  string
	store   string
	output  string
	quiet   bool
	noColor bool
	mask    *secrets.Mask // of the secrets that were read
}

const rootLong = `Exhibit collects evidence that AI is governed in practice, seals it into a
tamper-evident ledger, holds it against ISO/IEC 42001, and exports a workbook
that an auditor can verify.

A first look, without credentials:   exhibit try
Your own organisation:               exhibit init, edit exhibit.yaml,
                                     exhibit doctor, exhibit collect,
                                     exhibit status, exhibit export bundle
Every day, on a schedule:            exhibit agent

Exit codes: 0 ok, 1 error, 2 usage or configuration, 3 a collection was partial
or failed, 4 --fail-on was met, 10 no store, 11 store locked, 12 tampered.`

func newRootCommand(std streams) *cobra.Command {
	g := &globals{std: std, mask: &secrets.Mask{}}
	root := &cobra.Command{
		Use:               "exhibit",
		Short:             "The evidence agent for ISO/IEC 42001",
		Long:              rootLong,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return g.check() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{err, "see: " + c.CommandPath() + " --help"}
	})
	f := root.PersistentFlags()
	f.StringVar(&g.config, "config", "", "configuration `file` (default exhibit.yaml, if it is there)")
	f.StringVar(&g.store, "store", "", "store: SQLite `path` or PostgreSQL URL (default from the configuration, else exhibit.db)")
	f.StringVarP(&g.output, "output", "o", "table", "output `format`: table, json or jsonl")
	f.BoolVar(&g.quiet, "quiet", false, "print results and errors only")
	f.BoolVar(&g.noColor, "no-color", false, "no colours, also when standard output is a terminal")
	root.AddCommand(
		newTryCommand(g),
		newInitCommand(g),
		newTemplateCommand(g),
		newDoctorCommand(g),
		newConnectorsCommand(g),
		newCollectCommand(g),
		newImportCommand(g),
		newAssessCommand(g),
		newStatusCommand(g),
		newPopulationsCommand(g),
		newSampleCommand(g),
		newRetestCommand(g),
		newFindingsCommand(g),
		newGapsCommand(g),
		newTodayCommand(g),
		newAskCommand(g),
		newTraceCommand(g),
		newRegisterCommand(g),
		newWaiveCommand(g),
		newShadowCommand(g),
		newApplicabilityCommand(g),
		newReviewCommand(g),
		newPlanCommand(g),
		newReadinessCommand(g),
		newBodiesCommand(g),
		newExportCommand(g),
		newVerifyCommand(g),
		newLedgerCommand(g),
		newStoreCommand(g),
		newAgentCommand(g),
		newNotifyCommand(g),
		newTicketsCommand(g),
		newAccessCommand(g),
		newAPICommand(g),
		newMCPCommand(g),
		newCatalogCommand(g),
		newCrosswalkCommand(g),
		newVersionCommand(g),
	)
	return root
}

// isGroup marks a command that only holds others.
const isGroup = "group"

// group makes a command of commands refuse a word that is none of them.
func group(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{isGroup: ""}
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

func (g *globals) check() error {
	switch g.output {
	case "table", "json", "jsonl":
		return nil
	}
	return usageError{fmt.Errorf("output format %q is not known", g.output), "use -o table, -o json or -o jsonl"}
}
