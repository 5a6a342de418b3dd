package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/finding"
)

func newFindingsAcknowledgeCommand(g *globals) *cobra.Command {
	var as, note string
	c := &cobra.Command{
		Use:   "acknowledge ID",
		Short: "Say that somebody has taken note of a finding",
		Long: `Puts on record that a person of the register has seen an open finding, and what is done about
it. It stays open. When it is resolved and reopened, it has to be acknowledged again.`,
		Example: `  exhibit findings acknowledge F-0123456789ab --as marek --note planned`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return g.actOnFinding(c.Context(), as, func(d *desk) (finding.Event, error) { return d.Acknowledge(c.Context(), args[0], note) })
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&note, "note", "", "`text`: what is done about it")
	return c
}

func newFindingsAssignCommand(g *globals) *cobra.Command {
	var as, to, note string
	c := &cobra.Command{
		Use:   "assign ID",
		Short: "Make somebody the owner of a finding",
		Long: `The owner follows from the register: the owner of the system or the vendor, else who holds the
role named under findings.owner_role. An assigned owner stays until the finding is resolved,
or until the person is not active in the register any more.`,
		Example: `  exhibit findings assign F-0123456789ab --to sade --as marek`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := g.activePerson(to, "--to"); err != nil {
				return err
			}
			return g.actOnFinding(c.Context(), as, func(d *desk) (finding.Event, error) { return d.Assign(c.Context(), args[0], to, note) })
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&to, "to", "", "the `person` of the register who owns it from now on")
	c.Flags().StringVar(&note, "note", "", "`text`: why")
	return c
}

func newFindingsGradeCommand(g *globals) *cobra.Command {
	var as, because string
	c := &cobra.Command{
		Use:   "grade ID major|minor|observation",
		Short: "Override the suggested grade of a finding",
		Long: `Exhibit suggests a grade and says why: from the severity of the expectation, and whether the
shortfall stands alone or is systemic. A person may decide otherwise, with a reason. The
suggestion stays visible. What a person decided ends when the finding is resolved.`,
		Example: `  exhibit findings grade F-0123456789ab minor --because one-release-rolled-back --as marek`,
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return g.actOnFinding(c.Context(), as, func(d *desk) (finding.Event, error) { return d.Grade(c.Context(), args[0], args[1], because) })
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&because, "because", "", "`text`: the reason for the grade")
	return c
}

// activePerson is person for somebody who is still there.
func (g *globals) activePerson(id, flag string) error {
	if id == "" {
		return usageError{errors.New("nobody is named"), flag + " PERSON, with an id of the register"}
	}
	who, err := g.person(id)
	if err == nil && !who.Active {
		err = usageError{fmt.Errorf("%s is not active in the register", id), "name somebody who is"}
	}
	return err
}

// actOnFinding puts on record what a person does to a finding.
func (g *globals) actOnFinding(ctx context.Context, as string, act func(*desk) (finding.Event, error)) error {
	if err := g.activePerson(as, "--as"); err != nil {
		return err
	}
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	e, err := act(d)
	if err != nil {
		return err
	}
	g.note("%s: %s by %s.", e.Finding, e.Type, d.Who.ID)
	return g.printActed(e)
}
