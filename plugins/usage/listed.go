package usage

import (
	"maps"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Hidden holds the things that were used against those that are listed, by id:
// one that is missing there was hidden from us. what is such a thing: project,
// key.
func Hidden(b *coverage.Book, what string, used, listed map[string]bool, kinds ...string) error {
	for _, id := range slices.Sorted(maps.Keys(used)) {
		if listed[id] {
			continue
		}
		err := b.Gap(connector.Gap{
			Kinds: kinds, Scope: what + " " + id, Reason: connector.Hidden,
			Detail: "it was used on days that were read, and is in no list of " + what + "s, archived ones included",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Undeclared tells of projects that the settings name and the vendor does not
// list.
func (s *Answered) Undeclared(listed map[string]bool) error {
	told := map[string]bool{}
	for _, a := range s.Asked {
		if listed[a.Project] || told[a.Project] {
			continue
		}
		told[a.Project] = true
		err := s.Book.Gap(connector.Gap{
			Kinds: []string{records.KindModelObservation}, Scope: s.Within + " " + a.Project, Reason: connector.NotFound,
			Detail: "settings.requests names it, and the organisation has no " + s.Within + " with this id",
		})
		if err != nil {
			return err
		}
	}
	return nil
}
