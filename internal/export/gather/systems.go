package gather

import (
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// systemPayload is what the workbook shows of an inventory.ai_system.
type systemPayload struct {
	ID           string    `json:"system_id"`
	Name         string    `json:"name"`
	Purpose      string    `json:"purpose"`
	Owner        string    `json:"owner"`
	Deputy       string    `json:"deputy"`
	Tier         string    `json:"risk_tier"`
	Role         string    `json:"ai_role"`
	Stage        string    `json:"stage"`
	InScope      *bool     `json:"in_scope"`
	GoLive       time.Time `json:"go_live"`
	Retired      time.Time `json:"retired_at"`
	Models       []string  `json:"models"`
	Vendors      []string  `json:"vendors"`
	Datasets     []string  `json:"datasets"`
	CloudRefs    []string  `json:"cloud_refs"`
	Repos        []string  `json:"repos"`
	Repositories []struct {
		Name string `json:"name"`
	} `json:"repositories"`
}

// systems returns the AI systems that were declared at the instant.
func (g *gatherer) systems(ctx context.Context) ([]export.System, error) {
	list, err := g.inForce(ctx, "inventory.ai_system")
	if err != nil {
		return nil, err
	}
	var out []export.System
	for _, ev := range list {
		g.used[ev.Digest] = true
		var p systemPayload
		if err := decode(ev, &p); err != nil {
			out = append(out, export.System{ID: ev.Subject.ID, Evidence: ev.Digest, Broken: broken(err)})
			continue
		}
		s := export.System{
			ID: p.ID, Name: p.Name, Purpose: p.Purpose, Role: p.Role, Tier: p.Tier, Stage: p.Stage, Owner: p.Owner, Deputy: p.Deputy,
			InScope: p.InScope, GoLive: p.GoLive, Retired: p.Retired, Models: p.Models, Vendors: p.Vendors, Datasets: p.Datasets,
			CloudRefs: p.CloudRefs, Repositories: p.Repos, Evidence: ev.Digest,
		}
		for _, r := range p.Repositories {
			if !slices.Contains(s.Repositories, r.Name) {
				s.Repositories = append(s.Repositories, r.Name)
			}
		}
		out = append(out, s)
	}
	return out, g.lastEvents(ctx, out)
}

// lastEvents fills when each system was last assessed, evaluated, monitored.
func (g *gatherer) lastEvents(ctx context.Context, systems []export.System) error {
	byID := map[string]*export.System{}
	for i := range systems {
		byID[systems[i].ID] = &systems[i]
	}
	kinds := []string{"risk.assessment", "impact.assessment", "evaluation.run", "monitoring.metric_series", "oversight.rule"}
	for ev, err := range g.st.Evidence(ctx, store.EvidenceQuery{Kinds: kinds, Before: g.size, Payloads: true}) {
		if err != nil {
			return err
		}
		if ev.Payload == nil || ev.EventTime.IsZero() || ev.EventTime.After(g.asOf) || ev.CollectedAt.After(g.asOf) {
			continue
		}
		var p struct {
			System string `json:"system_id"`
		}
		if err := decode(ev, &p); err != nil {
			continue // it names no system, so it dates none
		}
		if s := byID[p.System]; s != nil {
			note(s, ev)
		}
	}
	return nil
}

func note(s *export.System, ev evidence.Evidence) {
	later := func(t *time.Time) {
		if ev.EventTime.After(*t) {
			*t = ev.EventTime
		}
	}
	switch ev.Kind {
	case "risk.assessment":
		later(&s.LastRisk)
	case "impact.assessment":
		later(&s.LastImpact)
	case "evaluation.run":
		later(&s.LastEvaluation)
	case "monitoring.metric_series":
		later(&s.LastMonitoring)
	case "oversight.rule":
		s.OversightRule = max(s.OversightRule, "approved "+ev.EventTime.UTC().Format(time.DateOnly))
	}
}

// broken is why a record cannot be shown.
func broken(err error) string { return "its payload is not what the kind says: " + err.Error() }
