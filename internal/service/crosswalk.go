package service

import (
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// CrosswalkWanted narrows the crosswalk; what is empty narrows nothing.
type CrosswalkWanted struct {
	Control, Framework, Item, Group string
	Basis                           string
	Evidence                        string // the beginning of a digest: only controls whose results rest on it
}

// CrossRow is one pair: a control and an item of another framework.
type CrossRow struct {
	Framework   string          `json:"framework"`
	Version     string          `json:"version"`
	Item        string          `json:"item"`
	ItemTitle   string          `json:"item_title,omitempty"`
	AppliesFrom time.Time       `json:"applies_from,omitzero"`
	Control     string          `json:"control"`
	Title       string          `json:"control_title"`
	Status      assess.Status   `json:"control_status,omitempty"` // empty where nothing was assessed
	Satisfied   int             `json:"satisfied"`
	Total       int             `json:"total"`
	Basis       crosswalk.Basis `json:"basis"`
	Sources     []string        `json:"sources" nullable:"false"`
	Twin        bool            `json:"twin,omitempty"`
	Note        string          `json:"note,omitempty"`
}

// Crosswalk relates the controls of a catalog to items of other frameworks.
type Crosswalk struct {
	Frameworks []crosswalk.Framework
	catalog    *catalog.Catalog
}

// NewCrosswalk loads the crosswalks that are shipped.
func NewCrosswalk(cat *catalog.Catalog) (*Crosswalk, error) {
	list, err := crosswalk.Load(config.FS, cat)
	return &Crosswalk{list, cat}, err
}

// Check refuses a name that nothing bears.
func (x *Crosswalk) Check(w CrosswalkWanted) error {
	refuse := func(what, value string, known []string) error {
		return notFound(value, known, "one of "+firstFew(known, 12), "there is no %s %q", what, value)
	}
	if _, ok := x.catalog.Control(w.Control); w.Control != "" && !ok {
		return refuse("control", w.Control, x.catalog.ControlIDs())
	}
	var ids, items, groups []string
	for _, fw := range x.Frameworks {
		ids = append(ids, fw.ID)
		if w.Framework != "" && fw.ID != w.Framework {
			continue
		}
		for _, it := range fw.Items {
			items = append(items, it.ID)
			if !slices.Contains(groups, it.Group) && it.Group != "" {
				groups = append(groups, it.Group)
			}
		}
	}
	folded := func(list []string, s string) bool {
		return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
	}
	bases := []string{string(crosswalk.Institutional), string(crosswalk.Community), string(crosswalk.Proposed)}
	switch {
	case w.Framework != "" && !slices.Contains(ids, w.Framework):
		return refuse("framework", w.Framework, ids)
	case w.Item != "" && !folded(items, w.Item):
		return refuse("item", w.Item, items)
	case w.Group != "" && !folded(groups, w.Group):
		return refuse("group", w.Group, groups)
	case w.Basis != "" && !slices.Contains(bases, w.Basis):
		return refuse("basis", w.Basis, bases)
	}
	return nil
}

// Rows lists pairs in the order of the frameworks, with the status of the control
// in an assessment, which may be nil.
func (x *Crosswalk) Rows(a *assess.Assessment, w CrosswalkWanted) ([]CrossRow, error) {
	if err := x.Check(w); err != nil {
		return nil, err
	}
	only, err := w.controls(a)
	if err != nil {
		return nil, err
	}
	rows := []CrossRow{}
	for _, fw := range x.Frameworks {
		if w.Framework == "" || fw.ID == w.Framework {
			rows = append(rows, x.rowsOf(fw, a, w, only)...)
		}
	}
	return rows, nil
}

// controls returns the controls asked for: one named, or those that rest on a
// piece of evidence; nil means all.
func (w CrosswalkWanted) controls(a *assess.Assessment) (map[string]bool, error) {
	if w.Evidence == "" {
		if w.Control == "" {
			return nil, nil
		}
		return map[string]bool{w.Control: true}, nil
	}
	if a == nil {
		return nil, store.ErrNoStore
	}
	out := map[string]bool{}
	for _, r := range a.Results {
		for _, d := range r.Evidence {
			if len(w.Evidence) >= 8 && strings.HasPrefix(d.String(), strings.ToLower(w.Evidence)) && (w.Control == "" || w.Control == r.Control) {
				out[r.Control] = true
			}
		}
	}
	if len(out) == 0 {
		return nil, mistake("give 8 digits of a digest or more; exhibit status CONTROL shows them", "no result rests on evidence %q", w.Evidence)
	}
	return out, nil
}

func (x *Crosswalk) rowsOf(fw crosswalk.Framework, a *assess.Assessment, w CrosswalkWanted, only map[string]bool) []CrossRow {
	var out []CrossRow
	for _, ctl := range x.catalog.Controls {
		if only != nil && !only[ctl.ID] {
			continue
		}
		for _, p := range fw.Of(ctl.ID) {
			item, _ := fw.Item(p.Item)
			if w.Item != "" && !strings.EqualFold(w.Item, p.Item) || w.Group != "" && !strings.EqualFold(w.Group, item.Group) ||
				w.Basis != "" && w.Basis != string(p.Basis) {
				continue
			}
			r := CrossRow{Framework: fw.ID, Version: fw.Version, Item: p.Item, ItemTitle: item.Title, AppliesFrom: item.AppliesFrom,
				Control: ctl.ID, Title: ctl.Title, Basis: p.Basis, Sources: append([]string{}, p.Sources...), Twin: p.Twin, Note: p.Note}
			if a != nil {
				i := slices.IndexFunc(a.Controls, func(c assess.Control) bool { return c.ID == ctl.ID })
				r.Status, r.Satisfied, r.Total = a.Controls[i].Status, a.Controls[i].Satisfied, a.Controls[i].Total
			}
			out = append(out, r)
		}
	}
	return out
}
