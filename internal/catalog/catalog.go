package catalog

import (
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Catalog is a set of controls and the kinds of record that can speak for
// them. It does not change once loaded and is safe for concurrent use.
type Catalog struct {
	ID       string    `json:"id"`
	Version  string    `json:"version"`
	Title    string    `json:"title"`
	Note     string    `json:"note"` // where ids, titles and descriptions come from
	Stages   []Stage   `json:"stages"`
	Areas    []Area    `json:"areas"`
	Controls []Control `json:"controls"` // clauses first, then Annex A, each in the standard's order
	Kinds    []*Kind   `json:"kinds"`    // sorted by id

	// Digest is the SHA-256 of the catalog in canonical JSON.
	Digest evidence.Digest `json:"-"`

	controls map[string]*Control
	kinds    map[string]*Kind
}

// Stage is a stage of an AI system's life cycle.
type Stage struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Area is a group of controls: a chapter of the clauses, or an objective of
// Annex A.
type Area struct {
	ID        string `json:"id"` // 4, 6.1, A.6
	Title     string `json:"title"`
	Objective string `json:"objective,omitempty"` // what the group is for, in our own words
}

// Documented says how firmly documented information is expected.
type Documented string

// Values of Documented.
const (
	DocumentedRequired Documented = "required"
	DocumentedExpected Documented = "expected"
	DocumentedImplied  Documented = "implied"
	DocumentedNone     Documented = "none"
)

// Control is a sub-clause or an Annex A control.
type Control struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Area        string     `json:"area"` // Area.ID
	Stages      []string   `json:"stages"`
	Documented  Documented `json:"documented"`
	Description string     `json:"description"` // what it asks for, in our own words
	Request     string     `json:"request"`     // what an auditor would ask for
}

// Annex reports whether c is an Annex A control, which may be excluded with a
// justification; clauses may not.
func (c Control) Annex() bool { return len(c.ID) > 2 && c.ID[:2] == "A." }

// Control returns the control with an id.
func (c *Catalog) Control(id string) (*Control, bool) {
	ctl, ok := c.controls[id]
	return ctl, ok
}

// Kind returns the kind with an id.
func (c *Catalog) Kind(id string) (*Kind, bool) {
	k, ok := c.kinds[id]
	return k, ok
}

// ControlIDs returns all control ids in the catalog's order.
func (c *Catalog) ControlIDs() []string {
	out := make([]string, len(c.Controls))
	for i := range c.Controls {
		out[i] = c.Controls[i].ID
	}
	return out
}

// KindIDs returns all kind ids, sorted.
func (c *Catalog) KindIDs() []string {
	out := make([]string, len(c.Kinds))
	for i := range c.Kinds {
		out[i] = c.Kinds[i].ID
	}
	return out
}
