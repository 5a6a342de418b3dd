package catalog

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Load reads catalog/iso42001.yaml and kinds/*.yaml from fsys. The error lists
// every problem of every file.
func Load(fsys fs.FS) (*Catalog, error) {
	c, catErr := loadControls(fsys, "catalog/iso42001.yaml")
	kinds, kindErr := loadKinds(fsys)
	if err := yamlfile.Join(catErr, kindErr); err != nil {
		return nil, err
	}
	c.Kinds = kinds
	c.index()
	text, err := c.text()
	if err != nil {
		return nil, err
	}
	c.Digest = evidence.Sum(text)
	return c, nil
}

// Parse reads a catalog in the form that its digest covers, canonical JSON. It
// is as right as what it was made from: config.Catalog is what Load gives of
// the shipped files, which takes twenty times as long.
func Parse(text string) (*Catalog, error) {
	c := &Catalog{}
	b := []byte(text)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	c.index()
	c.Digest = evidence.Sum(b)
	return c, nil
}

// text is the catalog in canonical JSON.
func (c *Catalog) text() ([]byte, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	canonical, err := evidence.Canonical(raw)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return canonical, nil
}

// index makes what finds controls and kinds, and validates payloads.
func (c *Catalog) index() {
	c.controls = make(map[string]*Control, len(c.Controls))
	for i := range c.Controls {
		c.controls[c.Controls[i].ID] = &c.Controls[i]
	}
	c.kinds = make(map[string]*Kind, len(c.Kinds))
	for _, k := range c.Kinds {
		k.object = prepareObject(k.Fields)
		c.kinds[k.ID] = k
	}
}

type controlsYAML struct {
	ID       string        `yaml:"id,required"`
	Version  string        `yaml:"version,required"`
	Title    string        `yaml:"title,required"`
	Note     string        `yaml:"note,required"`
	Stages   []stageYAML   `yaml:"stages,required"`
	Areas    []areaYAML    `yaml:"areas,required"`
	Controls []controlYAML `yaml:"controls,required"`
}

type stageYAML struct {
	ID    string `yaml:"id,required"`
	Title string `yaml:"title,required"`
}

type areaYAML struct {
	ID        string `yaml:"id,required"`
	Title     string `yaml:"title,required"`
	Objective string `yaml:"objective"`
}

type controlYAML struct {
	ID          string     `yaml:"id,required"`
	Title       string     `yaml:"title,required"`
	Area        string     `yaml:"area,required"`
	Stages      []string   `yaml:"stages,required"`
	Documented  Documented `yaml:"documented,required"`
	Description string     `yaml:"description,required"`
	Request     string     `yaml:"request,required"`
}

func loadControls(fsys fs.FS, name string) (*Catalog, error) {
	f, err := yamlfile.ReadFS(fsys, name)
	if err != nil {
		return nil, err
	}
	var y controlsYAML
	f.Decode(&y)
	c := &Catalog{ID: y.ID, Version: y.Version, Title: y.Title, Note: y.Note}
	stages, areas := map[string]bool{}, map[string]bool{}
	for i, s := range y.Stages {
		unique(f, stages, s.ID, yamlfile.At("stages", i, "id"))
		c.Stages = append(c.Stages, Stage(s))
	}
	for i, a := range y.Areas {
		unique(f, areas, a.ID, yamlfile.At("areas", i, "id"))
		c.Areas = append(c.Areas, Area(a))
	}
	frozen := map[string]bool{}
	for _, id := range controlIDs {
		frozen[id] = true
	}
	seen := map[string]bool{}
	for i, ctl := range y.Controls {
		at := yamlfile.At("controls", i)
		unique(f, seen, ctl.ID, at.Then("id"))
		if ctl.ID != "" && !frozen[ctl.ID] {
			f.Problemf(at.Then("id"), "there is no control %q", ctl.ID).
				Hint("ids are those of ISO/IEC 42001:2023: 4.1 to 10.2 and A.2.2 to A.10.4")
		}
		if !areas[ctl.Area] {
			f.Problemf(at.Then("area"), "unknown area %q", ctl.Area)
		}
		for j, s := range ctl.Stages {
			if !stages[s] {
				f.Problemf(at.Then("stages", j), "unknown stage %q", s)
			}
		}
		switch ctl.Documented {
		case DocumentedRequired, DocumentedExpected, DocumentedImplied, DocumentedNone:
		default:
			f.Problemf(at.Then("documented"), "unknown value %q", ctl.Documented).
				Hint("one of required, expected, implied, none")
		}
		c.Controls = append(c.Controls, Control(ctl))
	}
	var missing []string
	for _, id := range controlIDs {
		if !seen[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		f.KeyProblemf(yamlfile.At("controls"), "these controls are not listed: %s", strings.Join(missing, ", "))
	}
	return c, f.Err()
}

func unique(f *yamlfile.File, seen map[string]bool, id string, at yamlfile.Path) {
	if id != "" && seen[id] {
		f.Problemf(at, "%q is used twice", id)
	}
	seen[id] = true
}

type familyYAML struct {
	Family string     `yaml:"family,required"`
	Kinds  []kindYAML `yaml:"kinds,required"`
}

type kindYAML struct {
	ID          string      `yaml:"id,required"`
	Major       int         `yaml:"major"` // default 1
	Subject     string      `yaml:"subject,required"`
	Strength    Strength    `yaml:"strength,required"`
	Nature      Nature      `yaml:"nature,required"`
	EventTime   string      `yaml:"event_time"`
	Key         string      `yaml:"key,required"`
	CanProve    string      `yaml:"can_prove,required"`
	CannotProve string      `yaml:"cannot_prove,required"`
	Pitfalls    []string    `yaml:"pitfalls"`
	Fields      []fieldYAML `yaml:"fields,required"`
}

type fieldYAML struct {
	Name     string      `yaml:"name,required"`
	Type     string      `yaml:"type,required"`
	Required bool        `yaml:"required"`
	About    string      `yaml:"about"`
	Values   []string    `yaml:"values"`
	Fields   []fieldYAML `yaml:"fields"`
}

func loadKinds(fsys fs.FS) ([]*Kind, error) {
	names, err := fs.Glob(fsys, "kinds/*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("kinds/*.yaml: no such files")
	}
	var kinds []*Kind
	var errs []error
	seen := map[string]bool{}
	for _, name := range names {
		f, err := yamlfile.ReadFS(fsys, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		kinds = append(kinds, readFamily(f, seen)...)
		errs = append(errs, f.Err())
	}
	slices.SortFunc(kinds, func(a, b *Kind) int { return strings.Compare(a.ID, b.ID) })
	return kinds, yamlfile.Join(errs...)
}

var kindID = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

func readFamily(f *yamlfile.File, seen map[string]bool) []*Kind {
	var y familyYAML
	f.Decode(&y)
	if want := strings.TrimSuffix(path.Base(f.Name()), ".yaml"); y.Family != want {
		f.Problemf(yamlfile.At("family"), "the family is %q and the file's name says %q", y.Family, want)
	}
	var out []*Kind
	for i, k := range y.Kinds {
		at := yamlfile.At("kinds", i)
		unique(f, seen, k.ID, at.Then("id"))
		if !kindID.MatchString(k.ID) || !strings.HasPrefix(k.ID, y.Family+".") {
			f.Problemf(at.Then("id"), "%q is not the id of a kind of family %s", k.ID, y.Family)
		}
		out = append(out, readKind(f, at, y.Family, k))
	}
	return out
}

func readKind(f *yamlfile.File, at yamlfile.Path, family string, y kindYAML) *Kind {
	k := &Kind{
		ID: y.ID, Major: max(y.Major, 1), Family: family, SubjectType: y.Subject, Strength: y.Strength, Nature: y.Nature,
		EventTime: y.EventTime, Key: y.Key, CanProve: y.CanProve, CannotProve: y.CannotProve, Pitfalls: y.Pitfalls,
		Fields: readFields(f, at, y.Fields),
	}
	if y.Major < 0 {
		f.Problemf(at.Then("major"), "major versions count from 1")
	}
	if k.Strength != Design && k.Strength != Existence && k.Strength != Operation {
		f.Problemf(at.Then("strength"), "unknown strength %q", k.Strength).Hint("one of design, existence, operation")
	}
	if k.Nature != Event && k.Nature != State {
		f.Problemf(at.Then("nature"), "unknown nature %q", k.Nature).Hint("one of event, state")
	}
	if k.EventTime == "" {
		if k.Nature == Event {
			f.Problemf(at.Then("event_time"), "an event needs the field that says when it happened")
		}
		return k
	}
	if fd, ok := k.Field(k.EventTime); !ok || (fd.Type.Name != Time && fd.Type.Name != Date) {
		f.Problemf(at.Then("event_time"), "%q is not a field of type time or date", k.EventTime)
	}
	return k
}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func readFields(f *yamlfile.File, at yamlfile.Path, ys []fieldYAML) []Field {
	var out []Field
	seen := map[string]bool{}
	for i, y := range ys {
		here := at.Then("fields", i)
		unique(f, seen, y.Name, here.Then("name"))
		if !fieldName.MatchString(y.Name) {
			f.Problemf(here.Then("name"), "%q is not a field name", y.Name).Hint("lower case letters, digits and _")
		}
		fd := Field{Name: y.Name, Required: y.Required, About: y.About, Values: y.Values}
		typ, inner, err := parseType(y.Type)
		switch {
		case err != nil:
			f.Problemf(here.Then("type"), "%s", err).
				Hint("string, int, number, bool, time, date, json, object, list of T, map of T")
		case inner.Name == Object && len(y.Fields) == 0:
			f.Problemf(here, "an object needs fields; use json where they are not known")
		case inner.Name != Object && len(y.Fields) > 0:
			f.Problemf(here.Then("fields"), "%s has no fields", typ)
		default:
			inner.Fields = readFields(f, here, y.Fields)
			fd.Type = *typ
		}
		out = append(out, fd)
	}
	return out
}
