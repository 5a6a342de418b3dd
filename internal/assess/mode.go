package assess

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Modes of freshness.
const (
	modeState      = "state"
	modePeriodic   = "periodic"
	modePerEvent   = "per_event"
	modeContinuous = "continuous"
)

func modes() []string { return []string{modeState, modePeriodic, modePerEvent, modeContinuous} }

// freshness compiles what a mode needs beside the checks.
func (c *compiler) freshness(p *plan, env *scopeEnv, vars []variable) {
	e := p.rule.Expectation
	f := &e.Freshness
	for i, name := range f.Of {
		at := slices.IndexFunc(p.joins, func(j *join) bool { return j.name == name })
		if at < 0 && (name != p.as || p.kind == nil) {
			path := e.node.Path().Then("freshness", "of")
			if len(f.Of) > 1 {
				path = path.Then(i)
			}
			e.node.File().Problemf(path, "%q is neither a join nor the population's record", name)
			continue
		}
		p.of = append(p.of, at)
	}
	p.latest = f.As
	if p.latest == "" {
		p.latest = "latest"
	}
	inner := c.latestEnv(p, vars)
	if inner == nil {
		inner = env
	}
	p.qualifies = c.checks(inner, f.Qualifies)
	p.latestAt = compile(inner, f.At, cel.TimestampType)
	p.since = compile(env, f.Since, cel.TimestampType)
	if p.def.Duty != nil {
		p.duty = c.duty(e, p.def.node, p.def.Duty, env)
	} else if e.Duty != nil {
		p.duty = c.duty(e, e.node, e.Duty, env)
	}
}

// latestEnv knows the candidate of a periodic expectation, if all candidates
// are of one kind.
func (c *compiler) latestEnv(p *plan, vars []variable) *scopeEnv {
	k := p.candidateKind()
	if k == nil || p.rule.Freshness.Mode != modePeriodic {
		return nil
	}
	env := c.extend(p.def.node, append(slices.Clone(vars), variable{p.latest, cel.ObjectType(k.kind.ID)}))
	if env != nil {
		env.moving = []string{p.latest}
	}
	return env
}

func (p *plan) candidateKind() *kindInfo {
	var kind *kindInfo
	for _, i := range p.of {
		k := p.kind
		if i >= 0 {
			k = p.joins[i].kind
		}
		if kind != nil && kind != k {
			return nil
		}
		kind = k
	}
	return kind
}

func (c *compiler) duty(e *Expectation, at yamlfile.Place, def *dutyDef, env *scopeEnv) *duty {
	d := &duty{
		until:      compile(env, def.Until, cel.TimestampType),
		answered:   compile(env, def.Answered, cel.BoolType),
		answeredAt: compile(env, def.AnsweredAt, cel.TimestampType),
		because:    compile(env, def.Because, cel.StringType),
	}
	within, ok := e.durationParam(def.Within)
	if !ok || within <= 0 {
		at.File().Problemf(at.Path().Then("duty", "within"), "%q is neither a duration nor a param that is one", def.Within).
			Hint("write 14d, or the name of a param")
		return d
	}
	d.within = within
	if def.BusinessDays {
		d.days = int(within.Hours() / 24)
	}
	return d
}

// checkMode reports what does not fit the mode.
func (c *compiler) checkMode(r *rule) {
	e, f := r.Expectation, &r.Freshness
	problem := func(field, format string, args ...any) *yamlfile.Problem {
		return e.node.File().Problemf(e.node.Path().Then("freshness", field), format, args...)
	}
	if f.Mode == "" {
		return
	}
	if !slices.Contains(modes(), f.Mode) {
		problem("mode", "unknown mode %q", f.Mode).Hint("one of %s", strings.Join(modes(), ", "))
		return
	}
	if f.CollectionMaxAge <= 0 {
		problem("collection_max_age", "must be more than nothing").Hint("for example 2d")
	}
	needsOf := f.Mode == modePeriodic || f.Mode == modeContinuous
	if needsOf && (len(f.Of) == 0 || f.EventMaxAge <= 0) {
		problem("mode", "%s needs of and event_max_age", f.Mode).Hint("name what to look at, and how old it may be")
	}
	if !needsOf && (len(f.Of) > 0 || f.EventMaxAge > 0 || len(f.Qualifies) > 0 || !f.At.empty()) {
		problem("mode", "of, at, qualifies and event_max_age have no meaning with %s", f.Mode).Hint("remove them, or use periodic or continuous")
	}
	if (f.Mode == modePerEvent) != (f.Lookback > 0) && f.Mode != modeContinuous {
		problem("mode", "lookback belongs to per_event, which needs it, and to continuous").Hint("for example 365d")
	}
	duties := 0
	for _, p := range r.plans {
		if p.duty != nil {
			duties++
		}
	}
	if f.Mode != modePerEvent && duties > 0 {
		e.node.Problemf("a duty belongs to per_event")
	}
	if f.Mode == modePeriodic && len(f.Qualifies) > 0 && len(r.plans) > 0 && len(f.Of) > 1 && r.plans[0].candidateKind() == nil {
		problem("of", "candidates of several kinds cannot be told apart by qualifies").Hint("filter each join with where")
	}
	if f.Mode == modeContinuous && (len(f.Qualifies) > 0) {
		problem("qualifies", "has no meaning with continuous").Hint("filter the join with where")
	}
	for _, p := range r.plans {
		if len(p.checks) == 0 && p.duty == nil && !needsOf {
			p.def.node.Problemf("there are no checks, so nothing could ever fail")
		}
	}
}

// checkStrength refuses a claim about operation that only settings support.
func (c *compiler) checkStrength(r *rule) {
	if r.Strength != string(catalog.Operation) {
		return
	}
	for _, p := range r.plans {
		var deciding []*kindInfo
		for _, i := range p.of {
			if i >= 0 {
				deciding = append(deciding, p.joins[i].kind)
			}
		}
		if len(deciding) == 0 {
			if p.kind != nil {
				deciding = append(deciding, p.kind)
			}
			for _, j := range p.joins {
				deciding = append(deciding, j.kind)
			}
		}
		if len(deciding) > 0 && !slices.ContainsFunc(deciding, func(k *kindInfo) bool { return k.kind.Strength != catalog.Design }) {
			p.rule.node.File().Problemf(p.rule.node.Path().Then("strength"),
				"all deciding kinds are design: a setting does not show that anything was done").
				Hint("claim design, or decide by a kind that shows operation")
		}
	}
}

// needsOf lists the kinds a rule must have seen collected, each once.
func needsOf(r *rule, s *schema) []need {
	var out []need
	add := func(k *kindInfo, optional bool) {
		for i := range out {
			if out[i].kind == k {
				out[i].optional = out[i].optional && optional
				return
			}
		}
		if k != nil {
			out = append(out, need{kind: k, optional: optional})
		}
	}
	for _, p := range r.plans {
		add(p.kind, p.def.Optional)
		for _, j := range p.joins {
			add(j.kind, j.optional)
		}
		if p.usesSystems {
			add(s.kinds[systemKind], false)
		}
	}
	return out
}
