package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/service"
)

func newTemplateCommand(g *globals) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "template [NAME|list|all]",
		Short: "Forms of policies, procedures, records and registers",
		Long: `Without a name, or with list: the templates, each with the kind of record that it gives and the controls that ask
for it; -o json or jsonl prints the same for machines. With a name: that form, on standard output or to a file, or
into a directory. With all: every form, below a directory. Files that are there already are left as they are.

A name is the file's (ai-policy, risk-assessment, registers/roles.csv) or the document's id. Fill in what stands
between < and >: a form that still holds one is reported by the documents connector, and is never evidence.`,
		Example: `  exhibit template
  exhibit template risk-assessment
  exhibit template ai-policy -o governance/policies
  exhibit template all -o governance`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runTemplate(g, strings.Join(args, ""), out) },
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` or directory to write to; for the list: table, json or jsonl")
	return c
}

func runTemplate(g *globals, name, out string) error {
	index, err := service.Templates()
	if err != nil {
		return err
	}
	switch name {
	case "", "list":
		return listTemplates(g, index, out)
	case "all":
		if out == "" {
			return usageError{errors.New("all templates go to a directory"), "name one: exhibit template all -o governance"}
		}
		return runTemplates(g, out)
	}
	e, err := service.FindTemplate(index, name)
	if err != nil {
		return err
	}
	text, err := e.Text()
	if err != nil {
		return err
	}
	if out == "" || out == "-" {
		_, err := g.std.out.Write(text)
		return err
	}
	return writeTemplate(g, e, out)
}

// writeTemplate writes one form to a file, or under its own name to a
// directory. It overwrites nothing.
func writeTemplate(g *globals, e service.Template, out string) error {
	to := out
	info, err := os.Stat(out)
	switch {
	case err == nil && info.IsDir(), strings.HasSuffix(out, "/"):
		to = filepath.Join(out, path.Base(e.File))
	case err == nil:
		return usageError{fmt.Errorf("%s is there already", out), "name another file, or a directory"}
	case filepath.Ext(out) == "":
		to = filepath.Join(out, path.Base(e.File))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	isNew, err := writeNew("templates/"+e.File, to)
	if err == nil && !isNew {
		return usageError{fmt.Errorf("%s is there already", to), "name another file"}
	}
	if err == nil {
		g.note("Wrote %s. Fill in what stands between < and >.", to)
	}
	return err
}

func listTemplates(g *globals, index []service.Template, format string) error {
	switch format = cmp.Or(format, "table"); format {
	case "json", "jsonl":
		return printRows(g.std.out, format, index)
	case "table":
	default:
		return usageError{fmt.Errorf("the list goes to standard output; %q is none of its formats", format), "exhibit template all -o DIR writes every form"}
	}
	t := table{head: []string{"NAME", "WHAT FOR", "KIND", "CONTROLS", "FILE"}}
	count := map[string]int{}
	for _, e := range index {
		count[e.Name()]++
	}
	for _, e := range index {
		name := e.Name()
		if count[name] > 1 {
			name = e.File
		}
		t.add(name, short(e.Title, 60), e.Kind, strings.Join(e.Controls, ", "), e.File)
	}
	slices.SortStableFunc(t.rows, func(a, b []string) int { return strings.Compare(path.Dir(a[4]), path.Dir(b[4])) })
	t.print(g.std.out)
	return nil
}
