package usage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Answered tells which models answered, held against what was asked for.
type Answered struct {
	Book   *coverage.Book
	Vendor string
	Asked  []records.Asked // as the settings declare it
	Within string          // what a use belongs to: project, workspace
	Page   string          // where a person sees it

	told    map[string]bool
	puzzles map[string]records.Use
}

// Tell emits that a model answered: once a day for each project, or for each
// system that asked.
func (s *Answered) Tell(at time.Time, u records.Use) error {
	asked := records.Served(s.Asked, u)
	if len(asked) == 0 {
		asked = []records.Asked{{}}
	} else if asked[0].Model == "" {
		if s.puzzles == nil {
			s.puzzles = map[string]records.Use{}
		}
		s.puzzles[u.Project+"|"+u.Model] = u
		if len(asked) > 1 {
			asked = []records.Asked{{}}
		}
	}
	if s.told == nil {
		s.told = map[string]bool{}
	}
	for _, a := range asked {
		o := records.ModelObservation{Vendor: s.Vendor, RequestedModel: records.Line(a.Model, 200), ServedModel: records.Line(u.Model, 200),
			ObservedAt: records.Stamp(at), Source: "usage_report", SystemID: a.System, Project: records.Line(u.Project, 100)}
		key := strings.Join([]string{o.Vendor, o.SystemID, o.Project, o.RequestedModel, o.ServedModel, at.Format(time.DateOnly)}, "|")
		if s.told[key] {
			continue // through another key
		}
		s.told[key] = true
		err := s.Book.Record(connector.Record{
			Kind: records.KindModelObservation, Subject: connector.Subject{Type: "model", ID: u.Model}, EventTime: at, URL: s.Page, Key: key,
		}, o)
		if err != nil {
			return err
		}
	}
	return nil
}

// Puzzles tells of models that answered where the settings declare several
// others, so that it is not known which of them was asked for.
func (s *Answered) Puzzles() error {
	for _, k := range slices.Sorted(maps.Keys(s.puzzles)) {
		u := s.puzzles[k]
		err := s.Book.Gap(connector.Gap{
			Kinds:  []string{records.KindModelObservation},
			Scope:  fmt.Sprintf("what was asked for when %s answered in %s %s", u.Model, s.Within, cmp.Or(u.Project, "(none)")),
			Reason: connector.NotFound,
			Detail: "settings.requests declares several models there, and this is none of them: declare it, or declare by api_key which of them each key asks for",
		})
		if err != nil {
			return err
		}
	}
	return nil
}
