package readiness

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Known is what the file is checked against.
type Known struct {
	Kinds        []string // ids of kinds
	Controls     []string // ids of controls
	Expectations []string // slugs
}

// Book is readiness.yaml.
type Book struct {
	Stages     []Stage     `yaml:"stages,required"`
	Interviews []Interview `yaml:"interviews,required"`
}

// Stage is one kind of audit and what it begins with.
type Stage struct {
	ID    string `yaml:"id,required"`
	Title string `yaml:"title,required"`
	About string `yaml:"about,required"`
	Items []Item `yaml:"items,required"`
}

// Item is one thing that an auditor asks for.
type Item struct {
	ID           string   `yaml:"id,required"`
	Title        string   `yaml:"title,required"`
	Controls     []string `yaml:"controls"`
	Wants        []Want   `yaml:"evidence"`
	Build        string   `yaml:"build"` // see builds; instead of evidence
	Expectations []string `yaml:"expectations"`
}

// Want is what has to be there.
type Want struct {
	Name       string   `yaml:"name,required"`
	Kinds      []string `yaml:"kinds"`
	Documents  []string `yaml:"documents"` // ids; any of them
	Approved   bool     `yaml:"approved"`
	Per        string   `yaml:"per"` // system: one for each
	Since      bool     `yaml:"since"`
	NoneIsFine bool     `yaml:"none_is_fine"`
	Field      string   `yaml:"field"`
	Words      []string `yaml:"words"`
}

// Interview is what to talk about with holders of a role.
type Interview struct {
	About    string   `yaml:"about,required"`
	Roles    []string `yaml:"roles,required"`
	Controls []string `yaml:"controls,required"`
}

// builds are the items that are computed rather than looked up.
var builds = []string{"delta", "interviews", "nonconformities", "operation", "populations", "programme", "samples", "systems"}

// File is where Load finds its data.
const File = "readiness.yaml"

// Load reads readiness.yaml. The error is a yamlfile.Problems with all that is wrong.
func Load(fsys fs.FS, known Known) (*Book, error) {
	f, err := yamlfile.ReadFS(fsys, File)
	if err != nil {
		return nil, err
	}
	b := &Book{}
	f.Decode(b)
	for i, s := range b.Stages {
		for j, item := range s.Items {
			item.check(f, yamlfile.At("stages", i, "items", j), known)
		}
	}
	for i, v := range b.Interviews {
		for j, c := range v.Controls {
			oneOf(f, yamlfile.At("interviews", i, "controls", j), "control", c, known.Controls)
		}
	}
	return b, f.Err()
}

func (item Item) check(f *yamlfile.File, at yamlfile.Path, known Known) {
	for i, c := range item.Controls {
		oneOf(f, at.Then("controls", i), "control", c, known.Controls)
	}
	for i, e := range item.Expectations {
		oneOf(f, at.Then("expectations", i), "expectation", e, known.Expectations)
	}
	if (item.Build == "") == (len(item.Wants) == 0) {
		f.Problemf(at, "an item either asks for evidence or is built")
	}
	if item.Build != "" {
		oneOf(f, at.Then("build"), "build", item.Build, builds)
	}
	for i, w := range item.Wants {
		for j, k := range w.Kinds {
			oneOf(f, at.Then("evidence", i, "kinds", j), "kind", k, known.Kinds)
		}
		if len(w.Kinds)+len(w.Documents) == 0 {
			f.Problemf(at.Then("evidence", i), "names neither kinds nor documents")
		}
		oneOf(f, at.Then("evidence", i, "per"), "per", w.Per, []string{"system"})
	}
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

// Stage returns the stage with an id.
func (b *Book) Stage(id string) (Stage, bool) {
	i := slices.IndexFunc(b.Stages, func(s Stage) bool { return s.ID == id })
	if i < 0 {
		return Stage{}, false
	}
	return b.Stages[i], true
}

// StageIDs lists the stages.
func (b *Book) StageIDs() []string {
	var out []string
	for _, s := range b.Stages {
		out = append(out, s.ID)
	}
	return out
}

// Kinds are the kinds that packs look at, sorted.
func (b *Book) Kinds() []string {
	out := []string{"document.revision", "document.approval", "inventory.ai_system", "role.assignment", "audit.programme", "audit.internal",
		"audit.sample", "audit.finding", "nonconformity.record", "corrective_action.record", "scope.statement"}
	for _, s := range b.Stages {
		for _, item := range s.Items {
			for _, w := range item.Wants {
				out = append(out, w.Kinds...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sameRole compares the names of roles, however their words are joined.
func sameRole(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(s)) }
	return plain(a) == plain(b)
}
