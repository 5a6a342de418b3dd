package plan

import (
	"cmp"
	"io/fs"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// File is where Load finds its data.
const File = "plan.yaml"

// Plan is plan.yaml.
type Plan struct {
	Phases []Phase `yaml:"phases,required"`
	Items  []Item  `yaml:"items,required"`
}

// Phase is a span of days after the start; its items are due at its end.
type Phase struct {
	ID    int    `yaml:"id,required" json:"id"`
	Title string `yaml:"title,required" json:"title"`
	Days  int    `yaml:"days,required" json:"days"`
}

// Item is something to get done.
type Item struct {
	ID         string      `yaml:"id,required"`
	Phase      int         `yaml:"phase,required"`
	Title      string      `yaml:"title,required"`
	Done       string      `yaml:"done,required"`  // when it is, in words
	Owner      string      `yaml:"owner,required"` // role of the register
	Conditions []Condition `yaml:"conditions,required"`
}

// Condition is one thing that has to hold; exactly one field is set.
type Condition struct {
	Satisfied  []string      `yaml:"satisfied"`
	WithinDuty []string      `yaml:"within_duty"`
	Begun      []string      `yaml:"begun"`
	Share      *Share        `yaml:"share"`
	Tiers      bool          `yaml:"tiers"`
	Read       []string      `yaml:"read"`
	Scan       int           `yaml:"scan"`
	Healthy    time.Duration `yaml:"healthy"`
	Retention  bool          `yaml:"retention"`
	Operating  bool          `yaml:"operating"`
	NoneOpen   string        `yaml:"none_open"`
	Recorded   string        `yaml:"recorded"`
	Body       bool          `yaml:"body"`
}

// Share asks for a part of an expectation's results.
type Share struct {
	Expectation string `yaml:"expectation,required"`
	AtLeast     int    `yaml:"at_least,required"` // of a hundred
}

// Known is what the file is checked against.
type Known struct {
	Kinds        []string // ids of kinds
	Expectations []string // slugs
}

// Load reads plan.yaml. The error is a yamlfile.Problems with all that is wrong.
func Load(fsys fs.FS, known Known) (*Plan, error) {
	f, err := yamlfile.ReadFS(fsys, File)
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	f.Decode(p)
	for i, item := range p.Items {
		at := yamlfile.At("items", i)
		if _, ok := p.phase(item.Phase); !ok {
			f.Problemf(at.Then("phase"), "there is no phase %d", item.Phase)
		}
		if len(item.Conditions) == 0 {
			f.Problemf(at, "an item without conditions would be done from the start")
		}
		for j, c := range item.Conditions {
			c.check(f, at.Then("conditions", j), known)
		}
	}
	return p, f.Err()
}

func (p *Plan) phase(id int) (Phase, bool) {
	i := slices.IndexFunc(p.Phases, func(x Phase) bool { return x.ID == id })
	if i < 0 {
		return Phase{}, false
	}
	return p.Phases[i], true
}

func (c Condition) check(f *yamlfile.File, at yamlfile.Path, known Known) {
	set := 0
	for _, is := range []bool{c.Satisfied != nil, c.WithinDuty != nil, c.Begun != nil, c.Share != nil, c.Tiers, c.Read != nil, c.Scan != 0,
		c.Healthy != 0, c.Retention, c.Operating, c.NoneOpen != "", c.Recorded != "", c.Body} {
		if is {
			set++
		}
	}
	if set != 1 {
		f.Problemf(at, "a condition says one thing, this one says %d", set)
	}
	for name, slugs := range c.expectations() {
		for i, slug := range slugs {
			oneOf(f, at.Then(name, i), "expectation", slug, known.Expectations)
		}
	}
	for i, kind := range c.Read {
		oneOf(f, at.Then("read", i), "kind", kind, known.Kinds)
	}
	oneOf(f, at.Then("none_open"), "grade", c.NoneOpen, []string{"major", "minor", "observation"})
	oneOf(f, at.Then("recorded"), "entry", c.Recorded, []string{RecordedAssessment, RecordedBundle})
}

func (c Condition) expectations() map[string][]string {
	out := map[string][]string{"satisfied": c.Satisfied, "within_duty": c.WithinDuty, "begun": c.Begun}
	if c.Share != nil {
		out["share"] = []string{c.Share.Expectation}
	}
	return out
}

func oneOf(f *yamlfile.File, at yamlfile.Path, what, value string, known []string) {
	if value == "" || slices.Contains(known, value) {
		return
	}
	hint := yamlfile.Nearest(value, known)
	f.Problemf(at, "unknown %s %q", what, value).Hint("did you mean %s?", cmp.Or(hint, "another one"))
}

// Kinds are the kinds of record that conditions look at, sorted.
func (p *Plan) Kinds() []string {
	out := []string{"certification.body", "impact.assessment", "inventory.ai_system", "inventory.use_case_approval", "role.assignment", "scope.statement", "shadow_ai.scan_run"}
	for _, item := range p.Items {
		for _, c := range item.Conditions {
			out = append(out, c.Read...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
