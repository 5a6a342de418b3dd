package xlsx

import "context"

var systemsLayout = layout{name: "AI systems", tab: "6B5B95", large: true, frozen: 2, columns: []column{
	{"id", 20}, {"name", 26}, {"purpose", 40}, {"AI role", 12}, {"tier", 9}, {"stage", 12}, {"owner", 20}, {"deputy", 20},
	{"in scope", 9}, {"go-live (UTC)", 18}, {"retired (UTC)", 18}, {"models", 24}, {"vendors", 18}, {"datasets", 20},
	{"repositories", 28}, {"cloud references", 34}, {"last risk assessment (UTC)", 18}, {"last impact assessment (UTC)", 18},
	{"last evaluation (UTC)", 18}, {"monitoring last run (UTC)", 18}, {"oversight rule", 24}, {"open results", 9},
}}

// systems writes one row per registered AI system.
func (b *book) systems(_ context.Context, s *sheet) error {
	for _, sys := range b.snap.Systems {
		s.text(sys.ID)
		s.text(sys.Name)
		s.text(sys.Purpose)
		s.text(sys.Role)
		s.text(sys.Tier)
		s.text(sys.Stage)
		s.text(sys.Owner)
		s.text(sys.Deputy)
		if sys.InScope != nil {
			s.yes(*sys.InScope)
		} else {
			s.blank()
		}
		s.date(sys.GoLive)
		s.date(sys.Retired)
		s.list(sys.Models)
		s.list(sys.Vendors)
		s.list(sys.Datasets)
		s.list(sys.Repositories)
		s.list(sys.CloudRefs)
		s.date(sys.LastRisk)
		s.date(sys.LastImpact)
		s.date(sys.LastEvaluation)
		s.date(sys.LastMonitoring)
		s.text(sys.OversightRule)
		s.number(b.shortfalls(sys.ID))
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}
