package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func newRegisterAttestCommand(g *globals) *cobra.Command {
	var as, note string
	c := &cobra.Command{
		Use:   "attest SYSTEM",
		Short: "Confirm that a system's entry in the register is right",
		Long: `Puts on record that the owner of a system, or the deputy, has confirmed its entry as the register now has it,
and reads the register again. Expectations that ask for a confirmation count from then.`,
		Example: "  exhibit register attest claims-triage --as sade",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runRegisterAttest(c.Context(), g, as, args[0], note)
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&note, "note", "", "anything a reader should know")
	return c
}

func runRegisterAttest(ctx context.Context, g *globals, as, system, note string) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	s, ok := reg.System(system)
	if !ok {
		var ids []string
		for _, s := range reg.Systems {
			ids = append(ids, s.ID)
		}
		hint := "exhibit register show lists them"
		if near := yamlfile.Nearest(system, ids); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usageError{fmt.Errorf("the register has no system %q", system), hint}
	}
	d, err := g.openDesk(ctx, as, true)
	if err != nil {
		return err
	}
	defer d.Close()
	a := people.Attestation{System: system, Entry: reg.Digest().String(), Note: note}
	rec, err := people.Attest(d.Who, a, s.Owner, s.Deputy, d.Now)
	if err != nil {
		return err
	}
	if err := d.Record(ctx, agent.MethodCommand, rec); err != nil {
		return err
	}
	if _, err := d.collect(ctx, agent.RegisterSource, false, nil); err != nil {
		return fmt.Errorf("the confirmation is on record, and the register was not read again: %w", err)
	}
	g.note("%s confirmed the entry of %s at %s.", clean(d.Who.ID), clean(system), d.Now.Format(time.RFC3339))
	return nil
}
