package sheets

import "context"

var systemsLayout = Layout{Name: "AI systems",
	About: "The register of AI systems as of this snapshot.",
	Tab:   "6B5B95", Large: true, Frozen: 2, Columns: []Column{
		{"id", 20}, {"name", 26}, {"purpose", 40}, {"AI role", 12}, {"tier", 9}, {"stage", 12}, {"owner", 20}, {"deputy", 20},
		{"in scope", 9}, {"go-live (UTC)", 18}, {"retired (UTC)", 18}, {"models", 24}, {"vendors", 18}, {"datasets", 20},
		{"repositories", 28}, {"cloud references", 34}, {"last risk assessment (UTC)", 18}, {"last impact assessment (UTC)", 18},
		{"last evaluation (UTC)", 18}, {"monitoring last run (UTC)", 18}, {"oversight rule", 24}, {"open results", 9},
	}}

// systems writes one row per registered AI system.
func (b *Book) systems(_ context.Context, w Writer) error {
	for _, sys := range b.snap.Systems {
		w.Text(sys.ID)
		w.Text(sys.Name)
		w.Text(sys.Purpose)
		w.Text(sys.Role)
		w.Text(sys.Tier)
		w.Text(sys.Stage)
		w.Text(sys.Owner)
		w.Text(sys.Deputy)
		if sys.InScope != nil {
			w.Yes(*sys.InScope)
		} else {
			w.Blank()
		}
		w.Date(sys.GoLive)
		w.Date(sys.Retired)
		w.List(sys.Models)
		w.List(sys.Vendors)
		w.List(sys.Datasets)
		w.List(sys.Repositories)
		w.List(sys.CloudRefs)
		w.Date(sys.LastRisk)
		w.Date(sys.LastImpact)
		w.Date(sys.LastEvaluation)
		w.Date(sys.LastMonitoring)
		w.Text(sys.OversightRule)
		w.Number(int64(b.shortfalls(sys.ID)))
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}
