package assess

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Options says which rules to compile.
type Options struct {
	// Rules holds the files of expectations, *.yaml in its root: the directory
	// config/expectations.
	Rules fs.FS
	// Files are further files of the same form, from the user. An expectation
	// in them replaces the one with the same slug in Rules.
	Files []*yamlfile.File
	// Trusted says that the files in Rules are known to type-check, as those that
	// come with the product are (its tests check them): each of their conditions
	// is then type-checked only when first evaluated, which saves most of the
	// time that Compile takes. One that does not type-check after all makes its
	// results not_assessed.
	Trusted bool
	// Parsed holds what trusted files say, as config.Expectations does, and is
	// read in their stead. Problems with what it holds have no line.
	Parsed string
	// Checked holds conditions of trusted files parsed and type-checked, as
	// config.Conditions does: one that is among them is not checked again. Empty
	// means that each is checked when it is needed.
	Checked string
	// Organization is the subject id of results about the organisation; empty
	// means "organization".
	Organization string
}

// loader collects expectations from files.
type loader struct {
	cat    *catalog.Catalog
	bySlug map[string]*Expectation
	own    map[string]bool   // slugs that Files defined
	set    map[string]string // slug and threshold → the place of the override
	files  []*yamlfile.File
	read   []*yamlfile.File // those of files that nobody else has
	errs   []error
}

// load reads all files and returns the expectations in the order of the
// catalog's controls, then by slug.
func load(cat *catalog.Catalog, opts Options) ([]*Expectation, *loader) {
	l := &loader{cat: cat, bySlug: map[string]*Expectation{}, own: map[string]bool{}, set: map[string]string{}}
	if opts.Parsed != "" {
		l.parsed(opts.Parsed)
	} else if opts.Rules != nil {
		paths, err := fs.Glob(opts.Rules, "*.yaml")
		if err != nil {
			l.errs = append(l.errs, err)
		}
		for _, path := range paths {
			f, err := yamlfile.ReadFS(opts.Rules, path)
			if err != nil {
				l.errs = append(l.errs, err)
				continue
			}
			l.read = append(l.read, f)
			l.file(f, false)
		}
	}
	var overrides []func()
	for _, f := range opts.Files {
		overrides = append(overrides, l.file(f, true))
	}
	for _, apply := range overrides {
		apply()
	}
	return l.sorted(), l
}

// file reads one file and returns what applies its overrides, which may speak
// of expectations in files that come later.
func (l *loader) file(f *yamlfile.File, users bool) func() {
	l.files = append(l.files, f)
	var rf ruleFile
	f.Decode(&rf)
	if len(rf.Expectations) > 0 || rf.Control != "" {
		l.expectations(f, &rf, users)
	}
	if !users && len(rf.Overrides) > 0 {
		f.Problemf(yamlfile.At("overrides"), "only a file of your own can override").
			Hint("change the expectation itself")
	}
	return func() {
		for _, slug := range slices.Sorted(maps.Keys(rf.Overrides)) {
			l.override(f, slug, rf.Overrides[slug])
		}
	}
}

func (l *loader) expectations(f *yamlfile.File, rf *ruleFile, users bool) {
	switch {
	case rf.Control == "":
		if !f.Has(yamlfile.At("control")) {
			f.Problemf(nil, "control is missing").Hint("name the clause or control that these expectations belong to")
		}
		return
	case len(rf.Expectations) == 0:
		f.Problemf(yamlfile.At("control"), "no expectations in this file")
	}
	if _, ok := l.cat.Control(rf.Control); !ok {
		p := f.Problemf(yamlfile.At("control"), "unknown control %q", rf.Control)
		if near := yamlfile.Nearest(rf.Control, l.cat.ControlIDs()); near != "" {
			p.Hint("did you mean %s?", near)
		}
	}
	for i, e := range rf.Expectations {
		if e == nil {
			continue
		}
		e.Control = rf.Control
		if e.Slug == "" {
			continue
		}
		_, taken := l.bySlug[e.Slug]
		if taken && (!users || l.own[e.Slug]) {
			f.Problemf(yamlfile.At("expectations", i, "slug"), "another expectation is called %q", e.Slug)
			continue
		}
		if users {
			l.own[e.Slug], e.Own = true, true
		}
		l.bySlug[e.Slug] = e
	}
}

func (l *loader) override(f *yamlfile.File, slug string, o *override) {
	at := yamlfile.At("overrides", slug)
	e, ok := l.bySlug[slug]
	if !ok {
		p := f.KeyProblemf(at, "no expectation is called %q", slug)
		if near := yamlfile.Nearest(slug, slices.Sorted(maps.Keys(l.bySlug))); near != "" {
			p.Hint("did you mean %s?", near)
		}
		return
	}
	if o == nil {
		return
	}
	l.overrideParams(f, at.Then("params"), e, o.Params)
	if o.Severity != "" && l.changes(f, at.Then("severity"), e, "severity") {
		e.Severity = o.Severity
		if !slices.Contains(severities(), o.Severity) {
			f.Problemf(at.Then("severity"), "unknown severity %q", o.Severity).Hint("one of %s", strings.Join(severities(), ", "))
			e.Severity = severities()[0]
		}
	}
	for _, age := range []struct {
		name     string
		to, from *time.Duration
	}{
		{"event_max_age", &e.Freshness.EventMaxAge, o.EventMaxAge},
		{"lookback", &e.Freshness.Lookback, o.Lookback},
		{"collection_max_age", &e.Freshness.CollectionMaxAge, o.CollectionMaxAge},
	} {
		place := at.Then(age.name)
		switch {
		case age.from == nil || f.Faulty(place):
		case *age.from <= 0:
			f.Problemf(place, "must be more than nothing").Hint("for example 2d")
		case l.changes(f, place, e, age.name):
			*age.to = *age.from
		}
	}
	if f.Has(at.Then("off")) && l.changes(f, at.Then("off"), e, "off") {
		if e.Off = strings.TrimSpace(o.Off); e.Off == "" {
			f.Problemf(at.Then("off"), "nothing says why %s is switched off", slug).Hint("off: what is done instead, or why it cannot matter here")
		}
	}
	slices.Sort(e.Changed)
}

func (l *loader) overrideParams(f *yamlfile.File, at yamlfile.Path, e *Expectation, to map[string]any) {
	params := maps.Clone(e.Params)
	for _, name := range slices.Sorted(maps.Keys(to)) {
		was, ok := e.Params[name]
		if !ok {
			p := f.KeyProblemf(at.Then(name), "%s has no param %q", e.Slug, name)
			if near := yamlfile.Nearest(name, slices.Sorted(maps.Keys(e.Params))); near != "" {
				p.Hint("did you mean %s?", near)
			}
			continue
		}
		if paramForm(was) != paramForm(to[name]) {
			f.Problemf(at.Then(name), "want %s as in %v", paramForm(was), was)
			continue
		}
		if l.changes(f, at.Then(name), e, name) {
			params[name] = to[name]
		}
	}
	e.Params = params
}

// changes notes that a file overrides a threshold, and refuses to if another
// one does already: nobody could tell which of them holds.
func (l *loader) changes(f *yamlfile.File, at yamlfile.Path, e *Expectation, what string) bool {
	key := e.Slug + " " + what
	if other, taken := l.set[key]; taken {
		f.KeyProblemf(at, "%s of %s is overridden in %s too", what, e.Slug, other).Hint("keep one of the two")
		return false
	}
	l.set[key] = f.Name()
	e.Changed = append(e.Changed, what)
	return true
}

func (l *loader) sorted() []*Expectation {
	place := map[string]int{}
	for i, id := range l.cat.ControlIDs() {
		place[id] = i
	}
	return slices.SortedFunc(maps.Values(l.bySlug), func(a, b *Expectation) int {
		if d := place[a.Control] - place[b.Control]; d != 0 {
			return d
		}
		return strings.Compare(a.Slug, b.Slug)
	})
}

// err returns everything that is wrong in any file.
func (l *loader) err() error {
	errs := slices.Clone(l.errs)
	for _, f := range l.files {
		errs = append(errs, f.Err())
	}
	return yamlfile.Join(errs...)
}

// causes of a gap, as a gap report groups them: the control is missing, nobody
// clearly owns it, its documentation is weak, approvals are inconsistent.
func causes() []string { return []string{"control", "owner", "documentation", "approval"} }

func severities() []string { return []string{"major", "minor", "observation"} }

// subjectWords are the words that `per` may use.
func subjectWords() []string {
	return []string{"organization", "ai_system", "high_risk_ai_system", "vendor", "model", "release", "deployment",
		"change", "incident", "nonconformity", "person", "dataset", "document"}
}

var (
	slugForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// checkWords checks what has a fixed set of values.
func (e *Expectation) checkWords() {
	in := func(field, value string, known []string) {
		if value == "" || slices.Contains(known, value) {
			return
		}
		p := e.node.File().Problemf(e.node.Path().Then(field), "unknown %s %q", field, value)
		if near := yamlfile.Nearest(value, known); near != "" {
			p.Hint("did you mean %s?", near)
		} else {
			p.Hint("one of %s", strings.Join(known, ", "))
		}
	}
	in("severity", e.Severity, severities())
	in("strength", e.Strength, []string{"design", "existence", "operation"})
	if e.Cause == "" {
		e.Cause = causes()[0]
	}
	in("cause", e.Cause, causes())
	in("automation", e.Automation, []string{"full", "partial", "manual"})
	in("per", e.Per, subjectWords())
	if e.Slug != "" && !slugForm.MatchString(e.Slug) {
		e.problem("slug").Hint("lower-case words joined by hyphens")
	}
	if e.Version < 1 {
		e.problem("version").Hint("count from 1, and up with every change of meaning")
	}
}

func (e *Expectation) problem(field string) *yamlfile.Problem {
	return e.node.File().Problemf(e.node.Path().Then(field), "%s is not valid", field)
}
