package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
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
	st, err := g.openStore(ctx)
	if errors.Is(err, store.ErrNoStore) {
		g.note("The register is valid. Nothing was collected yet, so its bindings cannot be checked.")
		return nil
	}
	if err != nil {
		return err
	}
	defer st.Close()
	seen, err := seenBindings(ctx, st)
	if err != nil {
		return err
	}
	problems := reg.CheckBindings(seen)
	if len(problems) == 0 {
		g.note("The register is valid, and everything it names was seen.")
		return nil
	}
	if g.output != "table" {
		if err := printRows(g.std.out, g.output, problems); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(g.std.out, problems.Error())
	}
	return exitWith{exitPartial}
}

// seenBindings returns what complete collections found, newest per source.
func seenBindings(ctx context.Context, st store.Store) (register.Seen, error) {
	complete := map[string]bool{}
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			return register.Seen{}, err
		}
		for kind, k := range run.Kinds {
			if k.Coverage == "complete" {
				complete[kind] = true
			}
		}
	}
	var seen register.Seen
	var err error
	if complete["github.repository"] {
		if seen.Repositories, err = subjects(ctx, st, "github.repository", func(ev evidence.Evidence) string { return ev.Subject.ID }); err != nil {
			return seen, err
		}
	}
	if complete["model_registry.deployment"] {
		if seen.CloudRefs, err = subjects(ctx, st, "model_registry.deployment", endpointID); err != nil {
			return seen, err
		}
	}
	if complete["jira.issue"] {
		seen.JiraProjects, err = subjects(ctx, st, "jira.issue", func(ev evidence.Evidence) string {
			project, _, _ := strings.Cut(ev.Subject.ID, "-")
			return project
		})
	}
	return seen, err
}

func endpointID(ev evidence.Evidence) string {
	var p struct {
		EndpointID string `json:"endpoint_id"`
	}
	if json.Unmarshal(ev.Payload, &p) != nil {
		return ev.Subject.ID
	}
	return p.EndpointID
}

// subjects lists what name gives for each live key of a kind; never nil.
func subjects(ctx context.Context, st store.Store, kind string, name func(evidence.Evidence) string) ([]string, error) {
	out := []string{}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{kind}, Latest: true, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if ev.GoneAt.IsZero() {
			out = append(out, name(ev))
		}
	}
	return out, nil
}

func runRegisterShow(g *globals) error {
	reg, err := g.loadRegister()
	if err != nil {
		return err
	}
	type row struct {
		ID     string   `json:"id"`
		Name   string   `json:"name"`
		Tier   string   `json:"tier"`
		Stage  string   `json:"stage"`
		Owner  string   `json:"owner"`
		Deputy string   `json:"deputy,omitempty"`
		Repos  []string `json:"repositories"`
	}
	var rows []row
	for _, s := range reg.Systems {
		r := row{s.ID, s.Name, s.Tier, s.Stage, s.Owner, s.Deputy, []string{}}
		for _, repo := range s.Repositories {
			r.Repos = append(r.Repos, repo.Name)
		}
		rows = append(rows, r)
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"SYSTEM", "NAME", "TIER", "STAGE", "OWNER", "DEPUTY", "REPOSITORIES"}}
	for _, r := range rows {
		t.add(r.ID, short(r.Name, 40), r.Tier, r.Stage, r.Owner, r.Deputy, strings.Join(r.Repos, " "))
	}
	t.print(g.std.out)
	return nil
}
