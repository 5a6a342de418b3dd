package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/fixture"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/trace"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func newCatalogCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "catalog",
		Short: "The controls and expectations: explain, check, test, and what covers them",
		Long: `Expectations are data: our reading of what evidence would show that a control is met. They can be
overridden, added to, and switched off with a justification, in files named under
expectations.files of the configuration. These commands say what is in force and whether it holds
together.`,
		Example: `  exhibit catalog explain A.6.2.5
  exhibit catalog explain release-change-approved
  exhibit catalog check our-expectations.yaml
  exhibit catalog test our-fixtures.yaml
  exhibit catalog coverage`,
	})
	c.AddCommand(newCatalogCheckCommand(g), newCatalogExplainCommand(g), newCatalogTestCommand(g), newCatalogCoverageCommand(g),
		newCatalogDiffCommand(g))
	return c
}

func newCatalogCheckCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Type-check expectations against the kinds of record",
		Long: `Compiles the shipped expectations, those that the configuration names, and the files given. Whatever is
wrong is named at once, with file, line and caret: unknown kinds, fields, controls and params, conditions
that do not type-check, overrides that contradict each other, and what has no justification.`,
		Example: "  exhibit catalog check our-expectations.yaml",
		RunE:    func(_ *cobra.Command, args []string) error { return runCatalogCheck(g, args) },
	}
}

func runCatalogCheck(g *globals, paths []string) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	for _, p := range paths {
		if !containsPath(cfg.Expectations.Files, p) {
			cfg.Expectations.Files = append(cfg.Expectations.Files, p)
		}
	}
	eng, err := service.EngineOf(cfg)
	if err != nil {
		return err
	}
	var own, changed, off int
	for _, e := range eng.InForce() {
		switch {
		case e.Off != "":
			off++
		case e.Own:
			own++
		}
		if len(e.Changed) > 0 && e.Off == "" {
			changed++
		}
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, map[string]int{"expectations": len(eng.Expectations()), "own": own, "changed": changed, "off": off})
	}
	fmt.Fprintf(g.std.out, "%d expectations hold together: %d of your own, %d with thresholds of your own, %d switched off.\n",
		len(eng.Expectations()), own, changed, off)
	return nil
}

func containsPath(list []string, path string) bool {
	for _, p := range list {
		if p == path || strings.HasSuffix(p, "/"+strings.TrimPrefix(path, "./")) {
			return true
		}
	}
	return false
}

func newCatalogTestCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "test [FILE…]",
		Short: "Run the cases of expectations: those shipped, and your own",
		Long: `A case is a small ledger and the status that every subject must get. Without files it runs the cases that
come with the product against the expectations in force; cases of expectations whose thresholds you changed
may then fail, which says what your change does. With files it runs those.`,
		Example: "  exhibit catalog test\n  exhibit catalog test our-fixtures.yaml",
		RunE:    func(c *cobra.Command, args []string) error { return runCatalogTest(c.Context(), g, args) },
	}
}

// rules returns the configuration and the expectations in force.
func (g *globals) rules() (*configfile.Config, *assess.Engine, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	eng, err := service.EngineOf(cfg)
	return cfg, eng, err
}

// tested is what came of one case.
type tested struct {
	Expectation string   `json:"expectation"`
	Case        string   `json:"case"`
	Passed      bool     `json:"passed"`
	Mismatches  []string `json:"mismatches,omitempty"`
}

func runCatalogTest(ctx context.Context, g *globals, paths []string) error {
	_, eng, err := g.rules()
	if err != nil {
		return err
	}
	cat := eng.Catalog()
	files, err := caseFiles(paths)
	if err != nil {
		return err
	}
	p := newProgress(g, "testing")
	defer p.end()
	var rows []tested
	failed := 0
	for _, f := range files {
		p.show(f.Expectation)
		if !inForce(eng, f.Expectation) {
			return usageError{fmt.Errorf("%s: no expectation is called %q", f.Name(), f.Expectation), "name its file under expectations.files in the configuration"}
		}
		for _, c := range f.Cases {
			if err := ctx.Err(); err != nil {
				return err
			}
			out, err := fixture.Run(eng, cat, f, c)
			if err != nil {
				return usageError{err, "mend the case"}
			}
			rows = append(rows, tested{f.Expectation, c.Name, len(out.Mismatches) == 0, out.Mismatches})
			if len(out.Mismatches) > 0 {
				failed++
			}
		}
	}
	p.end()
	return printTested(g, rows, failed)
}

func printTested(g *globals, rows []tested, failed int) error {
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, rows); err != nil {
			return err
		}
	} else {
		for _, r := range rows {
			if !r.Passed {
				fmt.Fprintf(g.std.out, "%s, case %q:\n", r.Expectation, clean(r.Case))
				for _, m := range r.Mismatches {
					fmt.Fprintf(g.std.out, "  %s\n", strings.ReplaceAll(m, "\n", "\n  "))
				}
			}
		}
		fmt.Fprintf(g.std.out, "%d cases, %d failed.\n", len(rows), failed)
	}
	if failed > 0 {
		return exitWith{exitError}
	}
	return nil
}

func inForce(eng *assess.Engine, slug string) bool {
	for _, e := range eng.Expectations() {
		if e.Slug == slug {
			return true
		}
	}
	return false
}

// caseFiles reads the files named, or those that come with the product.
func caseFiles(paths []string) ([]*fixture.File, error) {
	var read []*yamlfile.File
	if len(paths) == 0 {
		names, err := fs.Glob(config.FS, "fixtures/*.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			f, err := yamlfile.ReadFS(config.FS, name)
			if err != nil {
				return nil, err
			}
			read = append(read, f)
		}
	}
	for _, path := range paths {
		f, err := yamlfile.Read(path)
		if err != nil {
			return nil, usageError{err, "config/fixtures shows the form"}
		}
		read = append(read, f)
	}
	var out []*fixture.File
	var errs []error
	for _, f := range read {
		file, err := fixture.Parse(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, file)
	}
	return out, errors.Join(errs...)
}

func newCatalogCoverageCommand(g *globals) *cobra.Command {
	var holes bool
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Which control is reached by which evidence from which source",
		Long: `Prints, for each control, its expectations, the kinds of record that each looks at, the sources that
deliver them here (the connectors that are installed, the register, forms, and what people put on record by command), and how
much is judged without people. --holes prints only what nothing can show: controls without an
expectation, kinds without a source.`,
		Example: "  exhibit catalog coverage\n  exhibit catalog coverage --holes\n  exhibit catalog coverage -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runCatalogCoverage(c.Context(), g, holes) },
	}
	c.Flags().BoolVar(&holes, "holes", false, "only what nothing can show")
	return c
}

// delivers asks every installed connector what it delivers, unless said knows. One
// that cannot be asked is named on standard error and left out.
func (g *globals) delivers(ctx context.Context, said *pluginhost.Said) (trace.Delivers, error) {
	out, err := trace.BuiltIn(config.FS)
	if err != nil {
		return nil, err
	}
	list, err := said.All(ctx, func(name string, err error) { g.note("connector %s was not asked: %v", clean(name), err) })
	for _, i := range list {
		for _, k := range i.Descriptor.Kinds {
			out[i.Name] = append(out[i.Name], k.Kind)
		}
	}
	return out, err
}

func runCatalogCoverage(ctx context.Context, g *globals, onlyHoles bool) error {
	cfg, eng, err := g.rules()
	if err != nil {
		return err
	}
	cat := eng.Catalog()
	host, err := newHost(cfg, g.logger(slog.LevelError), nil)
	if err != nil {
		return err
	}
	from, err := g.delivers(ctx, host.Remember())
	if err != nil {
		return err
	}
	rows := trace.Table(cat, eng.InForce(), from)
	if onlyHoles {
		return printHoles(g, trace.Holes(rows))
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"CONTROL", "EXPECTATION", "SEVERITY", "SHOWS", "JUDGED", "KIND", "FROM"}}
	for _, c := range rows {
		for _, e := range c.Expectations {
			for i, k := range e.Kinds {
				first := []string{c.ID, e.Slug, e.Severity, e.Strength, e.Automation}
				if i > 0 {
					first = make([]string, 5)
				}
				t.add(append(first, k.ID, short(strings.Join(k.Sources, ", "), 60))...)
			}
		}
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\n%d controls, %d holes (exhibit catalog coverage --holes).\n", len(rows), len(trace.Holes(rows)))
	return nil
}

func printHoles(g *globals, holes []trace.Hole) error {
	if g.output != "table" {
		return printRows(g.std.out, g.output, holes)
	}
	t := table{head: []string{"CONTROL", "EXPECTATION", "KIND", "WHY"}}
	for _, h := range holes {
		t.add(h.Control, h.Expectation, h.Kind, h.Why)
	}
	t.print(g.std.out)
	if len(holes) == 0 {
		fmt.Fprintln(g.std.out, "Nothing: every control has expectations, and every kind that one needs has a source.")
	}
	return nil
}
