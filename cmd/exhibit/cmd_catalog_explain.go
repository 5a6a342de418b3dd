package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func newCatalogExplainCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CONTROL|EXPECTATION|KIND]",
		Short: "Say in plain words what is expected, and what it rests on",
		Long: `Of a control: what it asks for, what an auditor would ask, and its expectations. Of an expectation: what
counts, to what it applies, what it looks at, in which order conditions decide, what ages, every threshold,
and what to do when it is not met. Of a kind of record: its fields, what it can prove and what it cannot.
Without an argument it lists the controls with their expectations.`,
		Example: `  exhibit catalog explain 8.2
  exhibit catalog explain vendor-model-change-triaged
  exhibit catalog explain github.pull_request`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runCatalogExplain(g, strings.Join(args, "")) },
	}
}

func runCatalogExplain(g *globals, what string) error {
	cfg, eng, err := g.rules()
	if err != nil {
		return err
	}
	cat := eng.Catalog()
	if what == "" {
		return explainAll(g, cat, eng)
	}
	x, err := service.Explain(cfg, eng, what)
	switch {
	case err != nil:
		return err
	case g.output != "table":
		return printJSON(g.std.out, g.output, x.Said())
	case x.Expectation != nil:
		explainExpectation(g.std.out, *x.Expectation)
	case x.Control != nil:
		explainControl(g, x.Control)
	default:
		explainKind(g, x.Kind, eng)
	}
	return nil
}

func explainAll(g *globals, cat *catalog.Catalog, eng *assess.Engine) error {
	if g.output != "table" {
		return printRows(g.std.out, g.output, eng.InForce())
	}
	t := table{head: []string{"CONTROL", "TITLE", "EXPECTATION", "SEVERITY", "SHOWS", "JUDGED", "THRESHOLDS"}}
	list := eng.InForce()
	for _, ctl := range cat.Controls {
		first := []string{ctl.ID, short(ctl.Title, 40)}
		for _, e := range list {
			if e.Control == ctl.ID {
				t.add(append(first, e.Slug+mark(e), e.Severity, e.Strength, e.Automation, short(e.Thresholds(), 80))...)
				first = []string{"", ""}
			}
		}
	}
	t.print(g.std.out)
	return nil
}

// mark says what a user's file did to an expectation.
func mark(e assess.InForce) string {
	switch {
	case e.Off != "":
		return " (off)"
	case e.Own:
		return " (own)"
	case len(e.Changed) > 0:
		return " (changed)"
	}
	return ""
}

// paragraph prints a heading and text, wrapped for reading.
func paragraph(w io.Writer, head string, texts ...string) {
	var kept []string
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", head)
	for _, t := range kept {
		bullet := "  "
		if len(kept) > 1 {
			bullet = "- "
		}
		for i, line := range wrap(clean(t), 96) {
			if i > 0 {
				bullet = "  "
			}
			fmt.Fprintf(w, "%s%s\n", bullet, line)
		}
	}
}

// wrap breaks text at blanks into lines of at most n characters, as far as its
// words allow.
func wrap(text string, n int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > n {
			out = append(out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

func explainExpectation(w io.Writer, x assess.Explanation) {
	fmt.Fprintf(w, "%s  (%s, control %s)\n%s\n", x.Slug, x.Severity, x.Control, clean(x.Title))
	if x.Off != "" {
		paragraph(w, "Switched off", x.Off)
	}
	if x.Own {
		paragraph(w, "Whose it is", "A file of your own defines it; it is not part of our reading of the standard.")
	}
	paragraph(w, "What counts", x.Statement)
	paragraph(w, "What it applies to", x.AppliesTo...)
	paragraph(w, "What it looks at", append([]string{"kinds: " + strings.Join(x.Kinds, ", ")}, x.Looks...)...)
	var order []string
	for _, c := range x.Order {
		order = append(order, c.That+" — else "+string(c.Else)+", saying "+c.Because)
	}
	paragraph(w, "What decides, in this order", order...)
	paragraph(w, "What is due", x.Duty...)
	var voids []string
	for _, c := range x.Invalidated {
		voids = append(voids, c.That+" — then stale, saying "+c.Because)
	}
	paragraph(w, "What makes it stale before its time", voids...)
	paragraph(w, "What ages", x.Freshness)
	thresholds := x.Thresholds()
	if len(x.Changed) > 0 {
		thresholds += " (changed by a file of your own: " + strings.Join(x.Changed, ", ") + ")"
	}
	paragraph(w, "Thresholds", thresholds)
	paragraph(w, "What it shows", x.Strength+" of the control; judged "+map[string]string{"full": "without people",
		"partial": "in part by people", "manual": "on what people supply"}[x.Automation])
	paragraph(w, "Sampling", x.Sampling)
	paragraph(w, "What an auditor would ask", x.Request)
	paragraph(w, "What to do when it is not met", x.Remedy)
}

func explainControl(g *globals, ctl *service.ExplainedControl) {
	w := g.std.out
	fmt.Fprintf(w, "%s %s\n", ctl.ID, ctl.Title)
	paragraph(w, "What it asks for, in our own words", ctl.Description)
	paragraph(w, "Where it stands in your copy of the standard", ctl.Place)
	paragraph(w, "What an auditor would ask", ctl.Request)
	paragraph(w, "Stages of the life cycle", strings.Join(ctl.Stages, ", "))
	paragraph(w, "Documented information", string(ctl.Documented))
	fmt.Fprintln(w, "\nExpectations")
	t := table{head: []string{"EXPECTATION", "SEVERITY", "SHOWS", "JUDGED", "TITLE"}}
	for _, e := range ctl.Expectations {
		t.add(e.Slug+mark(e), e.Severity, e.Strength, e.Automation, e.Title)
	}
	t.print(w)
}

func explainKind(g *globals, k *catalog.Kind, eng *assess.Engine) {
	w := g.std.out
	fmt.Fprintf(w, "%s  (%s, %s; subject %s)\n", k.ID, k.Strength, k.Nature, k.SubjectType)
	paragraph(w, "What it can prove", k.CanProve)
	paragraph(w, "What it cannot prove", k.CannotProve)
	paragraph(w, "Pitfalls", k.Pitfalls...)
	paragraph(w, "Key", k.Key)
	fmt.Fprintln(w, "\nFields")
	t := table{head: []string{"FIELD", "TYPE", "REQUIRED", "ABOUT"}}
	for _, f := range k.Fields {
		required := ""
		if f.Required {
			required = "yes"
		}
		about := f.About
		if len(f.Values) > 0 {
			about = strings.TrimSpace(about + " " + strings.Join(f.Values, ", "))
		}
		t.add(f.Name, f.Type.String(), required, about)
	}
	t.print(w)
	var users []string
	for _, e := range eng.InForce() {
		for _, kind := range e.Kinds {
			if kind == k.ID {
				users = append(users, e.Slug)
			}
		}
	}
	paragraph(w, "Expectations that look at it", strings.Join(users, ", "))
}
