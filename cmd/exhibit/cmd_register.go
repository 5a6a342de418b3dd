package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func newRegisterCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "register",
		Short: "The register of AI systems: show it, check it",
		Long: `The register is a file that people own (register.yaml): AI systems with owner and
deputy, vendors, people, waivers, which controls apply, and the profile of the management system: scope,
interested parties, context and objectives. It is read by every collect as a source of its own.`,
	})
	c.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Validate the register, and hold its bindings against what was collected",
		Long: `Prints every mistake of the file at once, with line and place. Then every
repository, cloud resource and Jira project that the register names and that no complete
collection has seen. Exit code 2 says that the file is not valid, 3 that a binding leads nowhere.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runRegisterCheck(c.Context(), g) },
	}, &cobra.Command{
		Use:   "show",
		Short: "List the declared AI systems",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runRegisterShow(g) },
	}, newRegisterProfileCommand(g), newRegisterAttestCommand(g))
	return c
}

func (g *globals) loadRegister() (*register.Register, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	if cfg.Register == "" {
		return nil, usageError{errors.New("no register is configured"), "name one under register: in exhibit.yaml"}
	}
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return nil, err
	}
	engine, err := service.EngineOf(cfg)
	if err != nil {
		return nil, err
	}
	var slugs []string
	for _, e := range engine.Expectations() {
		slugs = append(slugs, e.Slug)
	}
	return register.Load(cfg.Register, register.Known{Now: time.Now(), Controls: cat.ControlIDs(), Expectations: slugs})
}

func runRegisterCheck(ctx context.Context, g *globals) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	for _, ids := range service.OnePerson(reg) {
		g.note("%s have one mailbox: they count as one person, and none of them accepts what another handed in.", strings.Join(ids, " and "))
	}
	svc, done, err := g.reading(ctx)
	if errors.Is(err, store.ErrNoStore) {
		g.note("The register is valid. Nothing was collected yet, so its bindings cannot be checked.")
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	problems, err := svc.CheckBindings(ctx, reg)
	if err != nil {
		return err
	}
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, problems); err != nil {
			return err
		}
	}
	if len(problems) == 0 {
		g.note("The register is valid, and everything it names was seen.")
		return nil
	}
	if g.output == "table" {
		fmt.Fprintln(g.std.out, problems.Error())
	}
	return exitWith{exitPartial}
}

func runRegisterShow(g *globals) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	rows := service.DeclaredSystems(reg)
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"SYSTEM", "NAME", "TIER", "STAGE", "OWNER", "DEPUTY", "REPOSITORIES"}}
	for _, r := range rows {
		t.add(r.ID, short(r.Name, 40), r.Tier, r.Stage, r.Owner, r.Deputy, strings.Join(r.Repositories, " "))
	}
	t.print(g.std.out)
	return nil
}
