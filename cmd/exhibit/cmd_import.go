package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

type importOptions struct {
	source string
	replay bool
	as     string   // who brings the file; needed for what was handed in
	taken  []string // names of sources that a file may not speak for
	played bool     // the sandbox's file: its people are simulated, and so is what they approved
}

func newImportCommand(g *globals) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FILE…",
		Short: "Read records from files of JSON lines",
		Long: `Each line is a record:

  {"kind":"risk.assessment","subject":{"type":"ai_system","id":"cv-screener"},
   "key":"RA-7","event_time":"2026-05-02T10:00:00Z","payload":{…}}

or a run header, which says how much of the scope the records after it hold:

  {"run":{"source":"grc","scope":{"risk.assessment":"complete"}}}

A header with "method":"upload" marks what a person handed in: until a second
person accepts it (exhibit review accept), what rests on it is pending_review. Its identity
names the person, by the id of the register, and --as who imports it: neither of them accepts it.
What people do by command (waivers, the statement
of applicability, reviews, draws and retests) no file can bring.

Without a header nobody has said how much was read: the run is partial, and
absence cannot be concluded from it. With --replay, headers carry started_at
and finished_at and records may carry collected_at, so that history read elsewhere keeps
its own clocks; such evidence is marked as imported.

What shows the use of AI is held against the register by the next exhibit collect (or by
the agent, after its next run); exhibit shadow list holds it against the register at once.

Every line is checked before the first is stored: a file with a refused line
changes nothing. FILE may be - for standard input.`,
		Example: `  exhibit import assessments.jsonl --source grc
  exhibit import history.jsonl --source github --replay`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runImport(c.Context(), g, o, args) },
	}
	asFlag(c, &o.as)
	c.Flags().StringVar(&o.source, "source", "", "`name` of the source, for records before any run header")
	c.Flags().BoolVar(&o.replay, "replay", false, "take the clocks from the file and mark the evidence as imported")
	return c
}

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func runImport(ctx context.Context, g *globals, o importOptions, paths []string) error {
	if o.source != "" && !sourceName.MatchString(o.source) {
		return usageError{fmt.Errorf("source %q is not a name", o.source), "use lower case letters, digits and hyphens, beginning with a letter"}
	}
	if o.as != "" {
		if _, err := g.person(o.as); err != nil {
			return err
		}
	}
	w, err := g.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	release, err := w.locks.Acquire("import")
	if err != nil {
		return err
	}
	defer release()
	if o.taken, err = w.taken(ctx, o.replay); err != nil {
		return err
	}
	partial := false
	var all []evidence.Run
	for _, path := range paths {
		runs, err := importOne(ctx, g, w.collector, o, path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, r := range runs {
			partial = partial || r.Status != evidence.RunComplete
		}
		all = append(all, runs...)
	}
	if err := printRuns(g, all); err != nil {
		return err
	}
	if showsAI(all) {
		g.note("%s", "The next exhibit collect holds this against the register and puts on record what nobody registered; exhibit shadow list shows it now.")
	}
	if partial {
		return exitWith{exitPartial}
	}
	return nil
}

// showsAI reports whether runs brought what cases of AI rest on.
func showsAI(runs []evidence.Run) bool {
	return slices.ContainsFunc(runs, func(r evidence.Run) bool {
		return slices.ContainsFunc(shadow.Kinds(), func(kind string) bool { k := r.Kinds[kind]; return k.New+k.Revised+k.Gone > 0 })
	})
}

func importOne(ctx context.Context, g *globals, c *agent.Collector, o importOptions, path string) ([]evidence.Run, error) {
	in, done, err := seekable(g.std.in, path)
	if err != nil {
		return nil, err
	}
	defer done()
	p := newProgress(g, "importing "+path)
	defer p.end()
	options := importfile.Options{Catalog: c.Catalog, Source: o.source, Taken: o.taken, Replay: o.replay, Now: c.Now(), Refuse: people.FromFile, Account: account(), Person: o.as}
	if o.played {
		options.Refuse, options.Account, options.Person = nil, "", "exhibit try"
	}
	runs, err := c.Import(ctx, in, options,
		func(n int64) { p.show(fmt.Sprintf("%d records", n)) })
	var refused *agent.RefusedError
	if errors.As(err, &refused) {
		return nil, hinted{err, "mend these lines and import the file again; see exhibit import --help for the form"}
	}
	return runs, err
}

// seekable opens path for reading twice. Standard input is spooled to a file.
func seekable(stdin io.Reader, path string) (io.ReadSeeker, func(), error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, hinted{err, "name a file of JSON lines, or - for standard input"}
		}
		return f, func() { f.Close() }, nil
	}
	f, err := os.CreateTemp("", "exhibit-import-*")
	if err != nil {
		return nil, nil, err
	}
	done := func() { f.Close(); os.Remove(f.Name()) }
	if _, err := io.Copy(f, stdin); err != nil {
		done()
		return nil, nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}

// taken lists the sources that only their own connector, the register's file,
// or commands speak for: by the configuration, and by the store, so that who
// leaves the configuration out gains nothing. Replay brings history under a
// source's own name, but never the register's, nor that of what people do.
func (w *workplace) taken(ctx context.Context, replay bool) ([]string, error) {
	out := []string{people.Source, agent.ShadowSource}
	if w.cfg.Register != "" {
		out = append(out, agent.RegisterSource)
	}
	if !replay {
		for _, s := range w.cfg.Sources {
			out = append(out, s.Name)
		}
	}
	for run, err := range w.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		source := run.Provenance.Source
		ours := slices.Contains([]string{agent.RegisterSource, agent.SelfSource}, source)
		if run.Provenance.Connector != agent.ImportConnector && (ours || !replay) && !slices.Contains(out, source) {
			out = append(out, source)
		}
	}
	return out, nil
}
