package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// DeclaredSystem is an AI system as the register declares it.
type DeclaredSystem struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Tier         string   `json:"tier"`
	Stage        string   `json:"stage"`
	Owner        string   `json:"owner"`
	Deputy       string   `json:"deputy,omitempty"`
	Repositories []string `json:"repositories" nullable:"false"`
}

// DeclaredSystems lists the systems of a register.
func DeclaredSystems(reg *register.Register) []DeclaredSystem {
	rows := []DeclaredSystem{}
	for _, s := range reg.Systems {
		r := DeclaredSystem{s.ID, s.Name, s.Tier, s.Stage, s.Owner, s.Deputy, []string{}}
		for _, repo := range s.Repositories {
			r.Repositories = append(r.Repositories, repo.Name)
		}
		rows = append(rows, r)
	}
	return rows
}

// CheckBindings names what a register points at and no complete collection saw.
func (s *Service) CheckBindings(ctx context.Context, reg *register.Register) (yamlfile.Problems, error) {
	seen, err := seenBindings(ctx, s.store)
	if err != nil {
		return nil, err
	}
	return reg.CheckBindings(seen), nil
}

// seenBindings returns what complete collections found, newest per source.
func seenBindings(ctx context.Context, st store.Reader) (register.Seen, error) {
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
func subjects(ctx context.Context, st store.Reader, kind string, name func(evidence.Evidence) string) ([]string, error) {
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

// Attest puts on record that the entry of a system is right, as the register now
// has it, and reads the register again.
func (d *Desk) Attest(ctx context.Context, system, note string) (people.Attestation, error) {
	reg, err := d.s.Register()
	if err != nil {
		return people.Attestation{}, err
	}
	s, ok := reg.System(system)
	if !ok {
		var ids []string
		for _, s := range reg.Systems {
			ids = append(ids, s.ID)
		}
		return people.Attestation{}, notFound(system, ids, "exhibit register show lists them", "the register has no system %q", system)
	}
	a := people.Attestation{System: system, Entry: reg.Digest().String(), Note: note}
	rec, err := people.Attest(d.Who, a, s.Owner, s.Deputy, d.Now)
	if err != nil {
		return a, err
	}
	if err := d.byCommand(ctx, rec); err != nil {
		return a, err
	}
	if err := d.s.readRegister(ctx); err != nil {
		return a, fmt.Errorf("the confirmation is on record, and the register was not read again: %w", err)
	}
	return people.ParseAttestation(evidence.Evidence{Key: rec.Key, Payload: rec.Payload})
}

// readRegister reads the register as the source that it is.
func (s *Service) readRegister(ctx context.Context) error {
	ctx, release, err := agent.Hold(ctx, s.Locks, agent.RegisterSource)
	if err != nil {
		return fmt.Errorf("another process reads source %w", err)
	}
	defer release()
	_, err = s.Recorder.CollectRegister(ctx, s.Config().Register)
	return err
}
