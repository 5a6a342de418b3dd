package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
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
	d, err := g.openDesk(ctx, as, true)
	if err != nil {
		return err
	}
	defer d.Close()
	a, err := d.Attest(ctx, system, note)
	if err != nil {
		return err
	}
	g.note("%s confirmed the entry of %s at %s.", clean(d.Who.ID), clean(system), d.Now.Format(time.RFC3339))
	return g.printActed(a)
}
