package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
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
			return g.actOnFinding(c.Context(), args[0], as, func(l *finding.Life, now time.Time) (finding.Event, error) {
				return finding.Acknowledge(l, as, note, now)
			})
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
			if _, err := g.activePerson(to, "--to"); err != nil {
				return err
			}
			return g.actOnFinding(c.Context(), args[0], as, func(l *finding.Life, now time.Time) (finding.Event, error) {
				return finding.Assign(l, to, as, note, now)
			})
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
			return g.actOnFinding(c.Context(), args[0], as, func(l *finding.Life, now time.Time) (finding.Event, error) {
				return finding.Grade(l, args[1], as, because, now)
			})
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&because, "because", "", "`text`: the reason for the grade")
	return c
}

// activePerson is person for somebody who is still there.
func (g *globals) activePerson(id, flag string) (people.Person, error) {
	if id == "" {
		return people.Person{}, usageError{errors.New("nobody is named"), flag + " PERSON, with an id of the register"}
	}
	who, err := g.person(id)
	if err == nil && !who.Active {
		err = usageError{fmt.Errorf("%s is not active in the register", id), "name somebody who is"}
	}
	return who, err
}

// actOnFinding appends what a person does to a finding.
func (g *globals) actOnFinding(ctx context.Context, id, as string, act func(*finding.Life, time.Time) (finding.Event, error)) error {
	who, err := g.activePerson(as, "--as")
	if err != nil {
		return err
	}
	w, err := g.openToChange(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	leave, err := w.takeDesk(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := w.lives.read(ctx, w.store, time.Time{}); err != nil {
		return err
	}
	l, err := w.lives.find(id)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	e, err := act(l, now)
	if err != nil {
		return asUsage(err)
	}
	e.Account = who.Account
	entries, err := findingEntries([]finding.Event{e}, now)
	if err != nil {
		return err
	}
	if _, err := w.store.Append(ctx, store.Batch{Entries: entries}); err != nil {
		return err
	}
	g.note("%s: %s by %s.", l.ID, e.Type, who.ID)
	return nil
}
