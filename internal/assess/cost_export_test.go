package assess

import (
	"slices"
	"sync/atomic"
	"time"
)

// RuleCost is what one rule cost in an assessment.
type RuleCost struct {
	Slug    string
	Used    int64 // by the clock handed in
	Results int
}

// RuleCosts judges each rule by itself, anew, and says what it cost by a clock.
func (s *State) RuleCosts(at time.Time, clock func() int64) []RuleCost {
	f := s.anew(at)
	var out []RuleCost
	for _, r := range s.eng.rules {
		before := clock()
		results := f.rules([]*rule{r})[0].results
		out = append(out, RuleCost{Slug: r.Slug, Used: clock() - before, Results: len(results)})
	}
	return out
}

// RuleAgain is RuleCosts for an assessment that uses what is remembered.
func (s *State) RuleAgain(at time.Time, clock func() int64) []RuleCost {
	f := newFinisher(s.view(nanos(at)), s.caches)
	s.lastAt = nanos(at)
	var out []RuleCost
	for _, r := range s.eng.rules {
		before := clock()
		results := f.rules([]*rule{r})[0].results
		out = append(out, RuleCost{Slug: r.Slug, Used: clock() - before, Results: len(results)})
	}
	return out
}

func (s *State) anew(at time.Time) *finisher {
	caches := make([]*planCache, len(s.caches))
	for i, c := range s.caches {
		caches[i] = newPlanCache(c.plan, s)
	}
	return newFinisher(s.view(nanos(at)), caches)
}

// Steps counts what the evaluator does, and the records that joins look at,
// when one rule is judged anew.
func (s *State) Steps(slug string, at time.Time) int64 {
	s.steps = &atomic.Int64{}
	defer func() { s.steps = nil }()
	i := slices.IndexFunc(s.eng.rules, func(r *rule) bool { return r.Slug == slug })
	s.anew(at).rules(s.eng.rules[i : i+1])
	return s.steps.Load()
}

// Plainly makes s leave every condition to the evaluator.
func (s *State) Plainly() { s.plain = true }

// Direct counts the conditions of the rules that are evaluated directly, and
// all of them.
func (eng *Engine) Direct() (direct, all int) {
	for _, r := range eng.rules {
		for _, p := range r.plans {
			for _, q := range p.programs() {
				if q == nil || q.prepare() != nil {
					continue
				}
				all++
				if q.direct != nil {
					direct++
				}
			}
		}
	}
	return direct, all
}
