package assess

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Engine holds compiled rules. It does not change and is safe for concurrent
// use; each State belongs to one goroutine at a time.
type Engine struct {
	cat    *catalog.Catalog
	schema *schema
	rules  []*rule // in the order of results: control, then slug
	org    string
	digest evidence.Digest
}

// rule is a compiled expectation.
type rule struct {
	*Expectation
	control *catalog.Control
	plans   []*plan
	needs   []need
	params  *object
	width   int // elements of the longest list among the params
}

// need is a kind that must have been collected.
type need struct {
	kind     *kindInfo
	optional bool
}

// plan is a rule for one of its populations.
type plan struct {
	rule    *rule
	def     *populationDef
	number  int       // over all rules
	kind    *kindInfo // nil for the organisation
	as      string
	subject *program
	systems *program
	owner   *program
	where   *program
	at      *program
	joins   []*join
	checks  []check
	seen    *program

	of        []int // joins that give candidates or events; -1 is the population's record
	latest    string
	latestAt  *program
	qualifies []check
	since     *program
	duty      *duty
	invalid   []check

	usesNow     bool // some condition reads the clock: nothing may be remembered
	whereNow    bool // even whether a subject belongs to the population
	usesSystems bool // some condition reads the register
}

// join makes records of a kind visible under a name.
type join struct {
	name     string
	kind     *kindInfo
	fields   []string // of the joined kind, sorted
	match    []*program
	index    int // among the indexes of the kind's table
	as       string
	where    *program
	optional bool
	against  bool // its records can only speak against
}

type check struct {
	that      *program
	otherwise Status // what follows when it does not hold
	because   *program
}

type duty struct {
	within     time.Duration
	days       int // business days, instead of within
	until      *program
	answered   *program
	answeredAt *program
	because    *program
}

const organization = "organization"

// Compile loads the expectations and type-checks every condition. The error
// is a yamlfile.Problems with all that is wrong in all files.
func Compile(cat *catalog.Catalog, opts Options) (*Engine, error) {
	list, l := load(cat, opts)
	s := newSchema(cat)
	lang, err := newLanguage(s, cat, opts.Checked)
	if err != nil {
		return nil, fmt.Errorf("condition language: %w", err)
	}
	eng := &Engine{cat: cat, schema: s, org: opts.Organization}
	if eng.org == "" {
		eng.org = organization
	}
	c := compiler{schema: s, language: lang, engine: eng, indexes: map[string]int{}}
	c.engineFields()
	for _, e := range list {
		e.checkWords()
		c.lazy = opts.Trusted && !e.Own
		eng.rules = append(eng.rules, c.rule(e))
	}
	s.sealed = true
	if err := l.err(); err != nil {
		return nil, err
	}
	for _, f := range l.read { // an engine lives long, and reports nothing more about its files
		f.Forget()
	}
	eng.digest, err = eng.rulesDigest()
	return eng, err
}

// rulesDigest covers the catalog and every rule, so that a verdict names what
// it was made with.
func (eng *Engine) rulesDigest() (evidence.Digest, error) {
	specs := make([]*Expectation, len(eng.rules))
	for i, r := range eng.rules {
		specs[i] = r.Expectation
	}
	raw, err := json.Marshal(struct {
		Catalog evidence.Digest `json:"catalog"`
		Rules   []*Expectation  `json:"rules"`
	}{eng.cat.Digest, specs})
	if err != nil {
		return evidence.Digest{}, err
	}
	return evidence.Sum(raw), nil
}

// Expectations returns the expectations in force, in the order of results.
func (eng *Engine) Expectations() []*Expectation {
	out := make([]*Expectation, len(eng.rules))
	for i, r := range eng.rules {
		out[i] = r.Expectation
	}
	return out
}

// Kinds returns the kinds whose records the engine looks at, sorted. Others
// need not be handed to Apply.
func (eng *Engine) Kinds() []string {
	var out []string
	for id, k := range eng.schema.kinds {
		if k.used {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// compiler turns expectations into rules.
type compiler struct {
	schema   *schema
	language *language
	engine   *Engine
	indexes  map[string]int // kind + fields → index number within the kind
	plans    int
	lazy     bool // conditions of the rule at hand are type-checked when first evaluated
}

// engineFields keeps the fields that the engine itself reads.
func (c *compiler) engineFields() {
	for kind, fields := range map[string][]string{
		systemKind:     {"owner", "repos", "repositories", "jira", "cloud_refs", "vendors", "models", "risk_tier"},
		vendorKind:     {"owner"},
		waiverKind:     {"waiver_id", "expectation_slug", "subject", "requested_by", "approved_by", "approved_at", "expires_at", "revoked_at"},
		soaKind:        {"version", "controls", "approved_by", "approved_at"},
		uploadKind:     {"sha256", "file_sha256", "uploader", "reviewer", "review_decision", "reviewed_at"},
		repositoryKind: {"repo", "default_branch"},
		namesKind:      {"person", "names"},
	} {
		k := c.schema.kinds[kind]
		if k == nil {
			continue
		}
		k.used = true
		for _, f := range fields {
			c.schema.field(k, f)
		}
	}
}

func (c *compiler) rule(e *Expectation) *rule {
	r := &rule{Expectation: e}
	r.control, _ = c.engine.cat.Control(e.Control)
	r.params = c.schema.compileParams(e)
	for _, v := range e.Params {
		if list, ok := v.([]any); ok {
			r.width = max(r.width, len(list))
		}
	}
	if len(e.Population) == 0 {
		return r
	}
	for i := range e.Population {
		r.plans = append(r.plans, c.plan(r, &e.Population[i], len(e.Population) > 1))
	}
	c.checkMode(r)
	c.checkStrength(r)
	r.needs = needsOf(r, c.schema)
	return r
}

// plan compiles a rule for one population.
func (c *compiler) plan(r *rule, def *populationDef, several bool) *plan {
	e := r.Expectation
	p := &plan{rule: r, def: def, number: c.plans, as: def.As}
	c.plans++
	vars := []variable{{"params", cel.ObjectType("params." + e.Slug)}}
	if def.Kind != organization {
		p.kind = c.kind(def.node, "kind", def.Kind)
		if p.as == "" && def.Kind == systemKind {
			p.as = "system"
		}
		if !nameForm.MatchString(p.as) {
			def.node.Problemf("as is missing: conditions need a name for the record")
			return p
		}
		vars = append(vars, variable{p.as, cel.ObjectType(def.Kind)})
	} else if def.As != "" {
		def.node.Problemf("the organisation has no record, so it has no name either").Hint("leave out as")
	}
	if p.kind == nil && def.Kind != organization {
		return p
	}
	if several && (len(e.Uses)+len(e.Checks) > 0 || e.Duty != nil) {
		def.node.Problemf("with several populations, each has its own uses, checks and duty").
			Hint("write them under each population")
	}
	record := c.extend(def.node, vars)
	if record == nil {
		return p
	}
	p.systems = compile(record, def.Systems, cel.ListType(cel.ObjectType(systemKind)))
	vars = append(vars, variable{"systems", cel.ListType(cel.ObjectType(systemKind))})
	located := c.extend(def.node, vars)
	p.subject = compile(located, def.Subject, cel.StringType)
	p.owner = compile(located, def.Owner, cel.StringType)
	p.at = compile(located, def.At, cel.TimestampType)
	c.joinsAndChecks(p, located, vars)
	p.noteUses()
	c.keepFields(p)
	return p
}

// joinsAndChecks compiles what sees the joined records.
func (c *compiler) joinsAndChecks(p *plan, located *scopeEnv, vars []variable) {
	e, def := p.rule.Expectation, p.def
	uses, checks, seen := e.Uses, e.Checks, e.Seen
	at := e.node
	if def.Uses != nil {
		uses, at = def.Uses, def.node
	}
	if def.Checks != nil {
		checks = def.Checks
	}
	if !def.Seen.empty() {
		seen = def.Seen
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		j := c.join(located, vars, at, name, uses[name])
		if j == nil {
			continue
		}
		p.joins = append(p.joins, j)
		vars = append(vars, variable{name, cel.ListType(cel.ObjectType(j.kind.kind.ID))})
	}
	env := c.extend(def.node, vars)
	if env == nil {
		return
	}
	p.where = compile(env, def.Where, cel.BoolType)
	p.checks = c.checks(env, checks)
	c.freshness(p, env, vars)
	if latest := c.latestEnv(p, vars); latest != nil {
		env = latest
	}
	p.seen = compile(env, seen, cel.StringType)
	for i := range e.Invalidated {
		in := &e.Invalidated[i]
		p.invalid = append(p.invalid, check{that: compile(env, in.When, cel.BoolType), because: compile(env, in.Because, cel.StringType)})
	}
}

func (c *compiler) kind(n yamlfile.Place, field, id string) *kindInfo {
	k, ok := c.schema.kinds[id]
	if !ok {
		p := n.File().Problemf(n.Path().Then(field), "unknown kind %q", id)
		if near := yamlfile.Nearest(id, c.engine.cat.KindIDs()); near != "" {
			p.Hint("did you mean %s?", near)
		}
		return nil
	}
	k.used = true
	return k
}

func (c *compiler) extend(n yamlfile.Place, vars []variable) *scopeEnv {
	env := newScopeEnv(c.language, vars, c.lazy)
	if c.lazy {
		return env
	}
	if _, err := env.own(); err != nil {
		n.Problemf("%s", sentence(err.Error()))
		return nil
	}
	return env
}

func (c *compiler) checks(env *scopeEnv, defs []checkDef) []check {
	out := make([]check, 0, len(defs))
	for i := range defs {
		d := &defs[i]
		otherwise := Status(d.Otherwise)
		switch otherwise {
		case "":
			otherwise = StatusFailing
		case StatusFailing, StatusMissing, StatusNotAssessed, StatusDue:
		default:
			d.That.node.Problemf("otherwise is %q", d.Otherwise).Hint("failing, missing, not_assessed or due")
		}
		out = append(out, check{
			that:      compile(env, d.That, cel.BoolType),
			otherwise: otherwise,
			because:   compile(env, d.Because, cel.StringType),
		})
	}
	return out
}

// join compiles one entry of uses.
func (c *compiler) join(env *scopeEnv, vars []variable, at yamlfile.Place, name string, def joinDef) *join {
	here := at.Child("uses").Child(name)
	k := c.kind(here, "kind", def.Kind)
	if k == nil {
		return nil
	}
	if !nameForm.MatchString(name) {
		here.Problemf("%q cannot be a name in conditions", name).Hint("lower-case letters, digits and _")
		return nil
	}
	j := &join{name: name, kind: k, optional: def.Optional, against: def.Against, as: def.As}
	for _, field := range slices.Sorted(maps.Keys(def.Match)) {
		want, ok := c.matchTypes(k, field)
		if !ok {
			p := here.File().KeyProblemf(here.Path().Then("match", field), "%s has no field %q to match by", k.kind.ID, field)
			if near := yamlfile.Nearest(field, k.fieldNames()); near != "" {
				p.Hint("did you mean %s?", near)
			}
			continue
		}
		j.fields = append(j.fields, field)
		j.match = append(j.match, compile(env, def.Match[field], want...))
	}
	if j.as == "" {
		j.as = "it"
	}
	if !def.Where.empty() {
		inner := c.extend(here, append(slices.Clone(vars), variable{j.as, cel.ObjectType(k.kind.ID)}))
		if inner != nil {
			inner.moving = []string{j.as}
		}
		j.where = compile(inner, def.Where, cel.BoolType)
	}
	j.index = c.indexOf(k, j.fields)
	return j
}

// matchTypes are the types that a match by a field may have: the field's, or
// a list of them, of which any may match.
func (c *compiler) matchTypes(k *kindInfo, field string) ([]*cel.Type, bool) {
	if field == "_subject" {
		return []*cel.Type{cel.StringType, cel.ListType(cel.StringType)}, true
	}
	f, ok := c.schema.field(k, field)
	if !ok || f.form == formRaw {
		return nil, false
	}
	t := f.cel
	if f.form == formTexts {
		t = cel.StringType
	}
	return []*cel.Type{t, cel.ListType(t)}, true
}

// indexOf numbers the indexes that a kind's table needs.
func (c *compiler) indexOf(k *kindInfo, fields []string) int {
	id := fmt.Sprint(k.kind.ID, fields)
	if n, ok := c.indexes[id]; ok {
		return n
	}
	n := len(k.indexes)
	k.indexes = append(k.indexes, fields)
	c.indexes[id] = n
	return n
}

// noteUses finds out what the plan's conditions depend on beside records.
func (p *plan) noteUses() {
	for _, q := range p.programs() {
		if q != nil {
			p.usesNow = p.usesNow || q.usesNow
			p.usesSystems = p.usesSystems || q.usesView || q.vars["systems"]
		}
	}
	for _, q := range []*program{p.systems, p.where, p.at} {
		p.whereNow = p.whereNow || q != nil && q.usesNow
	}
	for _, j := range p.joins { // a condition on the population may ask what is joined
		for _, q := range append(slices.Clone(j.match), j.where) {
			p.whereNow = p.whereNow || p.where != nil && p.where.vars[j.name] && q != nil && q.usesNow
		}
	}
	p.usesSystems = p.usesSystems || p.systems != nil || p.kind != nil && p.kind.kind.ID == systemKind
}

// keepFields makes rows keep what conditions that are type-checked later may
// read: each field of the plan's kinds that one of them names.
func (c *compiler) keepFields(p *plan) {
	kinds := []*kindInfo{p.kind, c.schema.kinds[systemKind]}
	for _, j := range p.joins {
		kinds = append(kinds, j.kind)
	}
	for _, q := range p.programs() {
		if q == nil {
			continue
		}
		for _, k := range kinds {
			for _, name := range slices.Sorted(maps.Keys(q.fields)) {
				if k != nil {
					c.schema.field(k, name)
				}
			}
		}
	}
}

func (p *plan) programs() []*program {
	out := []*program{p.subject, p.systems, p.owner, p.where, p.at, p.seen, p.latestAt, p.since}
	for _, j := range p.joins {
		out = append(append(out, j.match...), j.where)
	}
	for _, list := range [][]check{p.checks, p.qualifies, p.invalid} {
		for _, c := range list {
			out = append(out, c.that, c.because)
		}
	}
	if d := p.duty; d != nil {
		out = append(out, d.until, d.answered, d.answeredAt, d.because)
	}
	return out
}

// Catalog returns the catalog that the rules were compiled against.
func (eng *Engine) Catalog() *catalog.Catalog { return eng.cat }
