package sheets

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/export"
)

var systemsLayout = Layout{Name: "AI systems",
	About: "The register of AI systems as of this snapshot.",
	Tab:   "6B5B95", Large: true, Frozen: 2, Columns: tail(
		Column{"id", 20}, Column{"name", 26}, Column{"purpose", 40}, Column{"AI role", 12}, Column{"tier", 9}, Column{"stage", 12},
		Column{"owner", 28}, Column{"deputy", 28}, Column{"in scope", 9}, Column{"go-live (UTC)", 18}, Column{"retired (UTC)", 18},
		Column{"models", 30}, Column{"vendors", 18}, Column{"datasets", 24}, Column{"repositories", 34}, Column{"cloud references", 26},
		Column{"last risk assessment (UTC)", 18}, Column{"last impact assessment (UTC)", 18}, Column{"last evaluation (UTC)", 18},
		Column{"monitoring last run (UTC)", 18}, Column{"oversight rule", 20}, Column{"open findings", 9})}

func systemKinds() []string { return []string{"inventory.ai_system", "vendor.model_observation"} }

// systems writes one row per registered AI system.
func (b *Book) systems(ctx context.Context, w Writer) error {
	served, err := b.servedModels(ctx)
	if err != nil {
		return err
	}
	people, err := b.directory(ctx)
	if err != nil {
		return err
	}
	open := b.openBySystem()
	err = rows(b, w, systemsLayout, b.snap.Systems, func(sys *export.System) error {
		at := item{digest: sys.Evidence, kind: "inventory.ai_system", key: sys.ID, broken: sys.Broken}
		if sys.Broken != "" {
			return b.brokenRow(w, systemsLayout, at)
		}
		w.Text(sys.ID)
		w.Text(sys.Name)
		w.Text(sys.Purpose)
		w.Text(sys.Role)
		w.Text(sys.Tier)
		w.Text(sys.Stage)
		w.Text(people.label(sys.Owner))
		w.Text(people.label(sys.Deputy))
		maybe(w, sys.InScope)
		w.Date(sys.GoLive)
		w.Date(sys.Retired)
		w.List(modelLines(sys, served[sys.ID]))
		w.List(sys.Vendors)
		w.List(sys.Datasets)
		w.List(sys.Repositories)
		w.List(sys.CloudRefs)
		w.Date(sys.LastRisk)
		w.Date(sys.LastImpact)
		w.Date(sys.LastEvaluation)
		w.Date(sys.LastMonitoring)
		w.Text(sys.OversightRule)
		w.Number(int64(open[sys.ID]))
		return b.shown(w, at)
	}, "inventory.ai_system")
	if err != nil {
		return err
	}
	return b.notWhole(ctx, w, systemsLayout)
}

// modelLines lists the models that a system is registered with, and those that
// were served to it last.
func modelLines(sys *export.System, served []string) []string {
	out := make([]string, 0, len(sys.Models)+len(served))
	for _, m := range sys.Models {
		out = append(out, "requested: "+m)
	}
	for _, m := range served {
		out = append(out, "served: "+m)
	}
	return out
}
