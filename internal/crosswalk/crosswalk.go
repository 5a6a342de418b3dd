package crosswalk

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Basis says on what a pair rests.
type Basis string

// Values of Basis, from the firmest to the weakest.
const (
	Institutional Basis = "published_institutional" // a document of a named body
	Community     Basis = "published_community"     // published by an identified author; that author's opinion
	Proposed      Basis = "proposed"                // our own suggestion
)

// Words says a basis to people. A proposal is recognisable at a glance.
func (b Basis) Words() string {
	switch b {
	case Institutional:
		return "published by a body"
	case Community:
		return "published by an author"
	}
	return "PROPOSED by us"
}

// Framework is one framework with its items and pairs.
type Framework struct {
	ID      string    `yaml:"framework,required" json:"framework"`
	Title   string    `yaml:"title,required" json:"title"`
	Version string    `yaml:"version,required" json:"version"`
	Date    time.Time `yaml:"date,required" json:"date"` // of that version
	AsOf    time.Time `yaml:"as_of,required" json:"as_of"`
	Note    string    `yaml:"note,required" json:"note"` // what a pair does and does not say
	Sources []Source  `yaml:"sources" json:"sources"`
	Items   []Item    `yaml:"items,required" json:"items"` // in the framework's order
	Pairs   []Pair    `yaml:"pairs,required" json:"pairs"` // in the catalog's order of controls
}

// Source is where pairs were published.
type Source struct {
	ID    string `yaml:"id,required" json:"id"`
	Ref   string `yaml:"ref,required" json:"ref"`
	About string `yaml:"about" json:"about,omitempty"`
}

// Item is a control, clause, article or subcategory of a framework.
type Item struct {
	ID          string    `yaml:"id,required" json:"id"`
	Title       string    `yaml:"title" json:"title,omitempty"`
	Group       string    `yaml:"group" json:"group,omitempty"`
	AppliesFrom time.Time `yaml:"applies_from" json:"applies_from,omitzero"`
}

// Pair says that a control and an item are related: evidence of one may serve
// the other after review. It never says that they are the same.
type Pair struct {
	Control string   `yaml:"control,required" json:"control"`
	Item    string   `yaml:"item,required" json:"item"`
	Basis   Basis    `yaml:"basis,required" json:"basis"`
	Sources []string `yaml:"sources" json:"sources"` // Source.ID; empty if proposed
	Note    string   `yaml:"note" json:"note,omitempty"`
	// Twin: both have the same place in the structure that management system
	// standards share. Evidence can be reused; what it says of AI is to be checked.
	Twin bool `yaml:"twin" json:"twin,omitempty"`
}

// Load reads crosswalk/*.yaml. The error is a yamlfile.Problems with all that
// is wrong in all files.
func Load(fsys fs.FS, cat *catalog.Catalog) ([]Framework, error) {
	paths, err := fs.Glob(fsys, "crosswalk/*.yaml")
	if err != nil {
		return nil, err
	}
	var out []Framework
	var errs []error
	for _, path := range paths {
		f, err := yamlfile.ReadFS(fsys, path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fw, err := parse(f, cat)
		errs = append(errs, err)
		out = append(out, fw)
	}
	return out, yamlfile.Join(errs...)
}

func parse(f *yamlfile.File, cat *catalog.Catalog) (Framework, error) {
	var fw Framework
	f.Decode(&fw)
	var items, sources []string
	for _, i := range fw.Items {
		items = append(items, i.ID)
	}
	for _, s := range fw.Sources {
		sources = append(sources, s.ID)
	}
	used := map[string]bool{}
	seen := map[[2]string]bool{}
	for i, p := range fw.Pairs {
		at := yamlfile.At("pairs", i)
		oneOf(f, at.Then("control"), "control", p.Control, cat.ControlIDs())
		oneOf(f, at.Then("item"), "item", p.Item, items)
		oneOf(f, at.Then("basis"), "basis", string(p.Basis), []string{string(Institutional), string(Community), string(Proposed)})
		for n, s := range p.Sources {
			oneOf(f, at.Then("sources", n), "source", s, sources)
		}
		if (p.Basis == Proposed) != (len(p.Sources) == 0) {
			f.Problemf(at, "a pair is either published, with its sources, or proposed, without")
		}
		key := [2]string{p.Control, p.Item}
		if seen[key] {
			f.Problemf(at, "%s and %s are paired twice", p.Control, p.Item)
		}
		seen[key], used[p.Item] = true, true
	}
	for i, it := range fw.Items {
		if !used[it.ID] {
			f.Problemf(yamlfile.At("items", i), "no pair names %s", it.ID)
		}
	}
	return fw, f.Err()
}

func oneOf(f *yamlfile.File, at yamlfile.Path, what, value string, known []string) {
	if value == "" || slices.Contains(known, value) {
		return
	}
	p := f.Problemf(at, "unknown %s %q", what, value)
	if near := yamlfile.Nearest(value, known); near != "" {
		p.Hint("did you mean %s?", near)
	}
}

// Of returns the pairs of a control, in the order of the framework's items.
func (fw Framework) Of(control string) []Pair {
	var out []Pair
	for _, item := range fw.Items {
		for _, p := range fw.Pairs {
			if p.Control == control && p.Item == item.ID {
				out = append(out, p)
			}
		}
	}
	return out
}

// To returns the pairs of an item, in the order of the file.
func (fw Framework) To(item string) []Pair {
	var out []Pair
	for _, p := range fw.Pairs {
		if strings.EqualFold(p.Item, item) {
			out = append(out, p)
		}
	}
	return out
}

// Item returns the item with an id.
func (fw Framework) Item(id string) (Item, bool) {
	i := slices.IndexFunc(fw.Items, func(i Item) bool { return strings.EqualFold(i.ID, id) })
	if i < 0 {
		return Item{}, false
	}
	return fw.Items[i], true
}
