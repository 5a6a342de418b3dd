package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func newApplicabilityCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "applicability",
		Short: "Decide which controls apply: the statement of applicability",
		Long: `The statement of applicability says of every Annex A control whether it applies, and why,
either way. It has versions. One person proposes a version, another approves it; the approval is
bound to the digest of the text. The newest approved version is in force. Clauses 4 to 10
always apply.

A control that is excluded while evidence shows that the activity happens is a contradiction:
show names it.`,
		Example: `  exhibit applicability template > soa.yaml
  exhibit applicability propose soa.yaml --as marek
  exhibit applicability approve 2026-1 --as ines
  exhibit applicability show`,
	})
	c.AddCommand(newApplicabilityShowCommand(g), newApplicabilityTemplateCommand(g), newApplicabilityProposeCommand(g),
		newApplicabilityApproveCommand(g), newApplicabilityDiffCommand(g))
	return c
}

// statementFile is what propose reads.
type statementFile struct {
	Version  string          `yaml:"version,required"`
	Controls []decisionEntry `yaml:"controls,required"`
}

type decisionEntry struct {
	ID               string   `yaml:"id,required"`
	Applicable       *bool    `yaml:"applicable,required"`
	Justification    string   `yaml:"justification,required"`
	SourceOfNeed     string   `yaml:"source_of_need"`
	Implementation   string   `yaml:"implementation"`
	ImplementedSince string   `yaml:"implemented_since"`
	EvidenceRefs     []string `yaml:"evidence_refs"`
}

func newApplicabilityProposeCommand(g *globals) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "propose FILE",
		Short: "Put a version on record, for somebody else to approve",
		Long: `Reads a statement in YAML (exhibit applicability template writes one), checks that every
Annex A control is decided with a justification, and puts it on record. It is not in force until
somebody else approves it.`,
		Example: "  exhibit applicability propose soa.yaml --as marek",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runApplicabilityPropose(c.Context(), g, as, args[0])
		},
	}
	asFlag(c, &as)
	return c
}

func runApplicabilityPropose(ctx context.Context, g *globals, as, path string) error {
	s, err := readStatement(path)
	if err != nil {
		return err
	}
	d, err := g.openDesk(ctx, as, true)
	if err != nil {
		return err
	}
	defer d.Close()
	changed, err := d.ProposeStatement(ctx, s)
	if err != nil {
		return err
	}
	g.note("Version %s is on record; it changes %d controls. It is not in force until somebody else approves it: exhibit applicability approve %s --as PERSON",
		clean(s.Version), changed, clean(s.Version))
	return g.printActed(service.Proposed{Version: s.Version, Changed: changed})
}

// readStatement reads a file.
func readStatement(path string) (s people.Statement, err error) {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return s, err
	}
	f, err := yamlfile.Read(path)
	if err != nil {
		return s, usageError{err, "exhibit applicability template writes such a file"}
	}
	var y statementFile
	f.Decode(&y)
	for i, c := range y.Controls {
		ctl, ok := cat.Control(c.ID)
		switch at := yamlfile.At("controls", i, "id"); {
		case c.ID == "":
		case !ok:
			p := f.Problemf(at, "there is no control %q", c.ID)
			if near := yamlfile.Nearest(c.ID, cat.ControlIDs()); near != "" {
				p.Hint("did you mean %s?", near)
			}
		case !ctl.Annex():
			f.Problemf(at, "clause %s always applies", c.ID).Hint("only Annex A controls are decided on")
		}
		s.Controls = append(s.Controls, people.Decision(c))
	}
	if err := f.Err(); err != nil {
		return s, err
	}
	s.Version = y.Version
	return s, nil
}

func newApplicabilityApproveCommand(g *globals) *cobra.Command {
	var as, sum string
	c := &cobra.Command{
		Use:   "approve VERSION",
		Short: "Approve a version that somebody else proposed",
		Long: `Approves a version from now on. Whoever proposed it cannot. --digest names the text that you
have read, as show prints it; if the text on record is another one, nothing is approved. It is needed
where the text of the version was replaced after it was first proposed.`,
		Example: "  exhibit applicability approve 2026-1 --as ines",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("digest") && sum == "" {
				return usageError{errors.New("--digest is empty"), "exhibit applicability show " + args[0] + " prints the digest of the text"}
			}
			return runApplicabilityApprove(c.Context(), g, as, args[0], strings.ToLower(sum))
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&sum, "digest", "", "the `SHA-256` of the text that you have read")
	return c
}

func runApplicabilityApprove(ctx context.Context, g *globals, as, version, sum string) error {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := d.ApproveStatement(ctx, version, sum)
	if err != nil {
		return err
	}
	g.note("Version %s is in force from now on. Digest of the text: %s", clean(version), s.ControlsSum)
	return g.printActed(service.StatementRow{Statement: s, Origin: s.Source})
}

func newApplicabilityShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show [VERSION]",
		Short: "The statement in force, or a version, with contradictions",
		Long: `Prints the version in force, or the one named: each control with its decision, justification and
state, who proposed and approved it, and the digest of the text. A control that is excluded
although evidence shows the activity is marked.`,
		Example: "  exhibit applicability show\n  exhibit applicability show 2026-1 -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runApplicabilityShow(c.Context(), g, strings.Join(args, ""))
		},
	}
}

func runApplicabilityShow(ctx context.Context, g *globals, version string) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, err := svc.FindStatement(ctx, version, time.Now().UTC())
	if err != nil {
		return err
	}
	v, err := svc.Refresh(ctx)
	if err != nil {
		return err
	}
	contradiction := v.Contradiction()
	if g.output != "table" {
		return printJSON(g.std.out, g.output, service.StatementRow{Statement: s, Origin: s.Source, Contradiction: contradiction})
	}
	t := table{head: []string{"CONTROL", "APPLIES", "JUSTIFICATION", "NEED", "IMPLEMENTATION"}}
	for _, c := range s.Controls {
		applies := "?"
		if c.Applicable != nil {
			applies = map[bool]string{true: "yes", false: "no"}[*c.Applicable]
		}
		t.add(c.ID, applies, short(c.Justification, 60), short(c.SourceOfNeed, 24), short(c.Implementation, 40))
	}
	t.print(g.std.out)
	fmt.Fprintf(g.std.out, "\nVersion %s, %d controls, from %s.\n", clean(s.Version), len(s.Controls), clean(s.Source))
	switch {
	case s.ApprovedBy != "":
		fmt.Fprintf(g.std.out, "Approved by %s on %s.\n", clean(s.ApprovedBy), s.ApprovedAt.Format(time.DateOnly))
	case s.ProposedBy != "":
		fmt.Fprintf(g.std.out, "Proposed by %s on %s; nobody has approved it.\n", clean(s.ProposedBy), s.ProposedAt.Format(time.DateOnly))
	}
	if s.ControlsSum != "" {
		fmt.Fprintf(g.std.out, "Digest of the text: %s\n", s.ControlsSum)
	}
	if contradiction != "" {
		fmt.Fprintf(g.std.out, "Contradiction: %s\n", clean(contradiction))
	}
	return nil
}

func newApplicabilityTemplateCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "template",
		Short: "Write a statement with every Annex A control to standard output",
		Long: `Writes YAML with each Annex A control, its title as a comment, and what the version in force
says of it, to be edited and proposed.`,
		Example: "  exhibit applicability template > soa.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runApplicabilityTemplate(c.Context(), g) },
	}
}

func runApplicabilityTemplate(ctx context.Context, g *globals) error {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return err
	}
	var before people.Statement
	if st, err := g.openStore(ctx); err == nil {
		defer st.Close()
		all, err := service.OnRecord(ctx, st, people.KindStatement, people.ParseStatement)
		if err != nil {
			return err
		}
		before, _ = people.InForce(all, time.Now())
	}
	out := g.std.out
	fmt.Fprintln(out, "# The statement of applicability. Decide on each control and say why, either way.")
	fmt.Fprintln(out, "# source_of_need: a risk, a law, a contract or good practice. exhibit applicability propose reads this file.")
	fmt.Fprintf(out, "version: %q\ncontrols:\n", time.Now().UTC().Format("2006-01-02"))
	for _, ctl := range cat.Controls {
		if !ctl.Annex() {
			continue
		}
		d := people.Decision{ID: ctl.ID}
		if i := slices.IndexFunc(before.Controls, func(d people.Decision) bool { return d.ID == ctl.ID }); i >= 0 {
			d = before.Controls[i]
		}
		applicable := "" // an empty value is refused: nobody decided yet
		if d.Applicable != nil {
			applicable = fmt.Sprint(*d.Applicable)
		}
		fmt.Fprintf(out, "  # %s\n  - id: %s\n    applicable: %s\n    justification: %q\n    source_of_need: %q\n    implementation: %q\n    implemented_since: %q\n",
			ctl.Title, d.ID, applicable, d.Justification, d.SourceOfNeed, d.Implementation, d.ImplementedSince)
	}
	return nil
}

func newApplicabilityDiffCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "diff FROM TO",
		Short:   "What one version says otherwise than another",
		Long:    "Lists each control on which two versions on record differ.",
		Example: "  exhibit applicability diff 2026-1 2026-2",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return runApplicabilityDiff(c.Context(), g, args[0], args[1])
		},
	}
}

func runApplicabilityDiff(ctx context.Context, g *globals, from, to string) error {
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	a, err := svc.FindStatement(ctx, from, time.Now())
	if err != nil {
		return err
	}
	b, err := svc.FindStatement(ctx, to, time.Now())
	if err != nil {
		return err
	}
	changes := people.Diff(a, b)
	if g.output != "table" {
		return printRows(g.std.out, g.output, changes)
	}
	words := func(d *people.Decision) string {
		switch {
		case d == nil:
			return "–"
		case d.Applicable == nil:
			return "? " + d.Justification
		case *d.Applicable:
			return "applies: " + d.Justification
		}
		return "excluded: " + d.Justification
	}
	t := table{head: []string{"CONTROL", "FROM " + clean(from), "TO " + clean(to)}}
	for _, c := range changes {
		t.add(c.ID, short(words(c.From), 60), short(words(c.To), 60))
	}
	t.print(g.std.out)
	if len(changes) == 0 {
		fmt.Fprintln(g.std.out, "They say the same.")
	}
	return nil
}
