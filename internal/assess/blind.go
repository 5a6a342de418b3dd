package assess

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// A run that could not see a named part of its scope has read the rest. Such a
// part (a repository, a project, one record) is blind: what was read elsewhere
// counts, and only what concerns the part, or might lie in it, is held back.

// wholeScopes are scopes of a gap that name no part.
var wholeScopes = []string{"", "run", "source"}

// partial returns the parts of a kind's scope that a run could not see. ok is
// false if some gap does not say which part it is about: then nothing of the
// kind was read completely.
func partial(r evidence.Run, kind string) (scopes []blindScope, ok bool) {
	for _, g := range r.Gaps {
		if !slices.Contains(g.Kinds, kind) {
			continue
		}
		if slices.Contains(wholeScopes, g.Scope) || strings.HasPrefix(g.Scope, "permission ") {
			return nil, false
		}
		scopes = append(scopes, blindScope{name: g.Scope, why: g.Reason})
	}
	return scopes, len(scopes) > 0
}

type blindScope struct {
	name string
	why  string // the gap's reason
}

// blind is a part of a kind's scope that a source has not seen recently enough.
type blind struct {
	kind   *kindInfo
	source string
	blindScope
	last int64 // when it was seen last; absent if never
	late bool  // known only from a reading after the instant
}

// blind returns the parts of a kind that its sources could not see when they
// last read it by t, and have not seen for maxAge before t.
func (c *coverage) blind(k *kindInfo, t int64, maxAge time.Duration) []blind {
	var out []blind
	sources := c.kinds[k.kind.ID]
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		cv := sources[name]
		r := cv.lastReading(t, false)
		if r == nil || k.event && t-r.finished > int64(maxAge) {
			r = cv.lastReading(t, k.event)
		}
		if r == nil {
			continue
		}
		for _, s := range r.blind {
			last := cv.lastSeen(s.name, t)
			if last == absent || t-last > int64(maxAge) {
				out = append(out, blind{kind: k, source: name, blindScope: s, last: last, late: r.finished > t})
			}
		}
	}
	return out
}

// lastSeen returns when a reading by t last saw a part, absent if none did.
func (cv *covering) lastSeen(scope string, t int64) int64 {
	out := int64(absent)
	for _, r := range cv.readings {
		if r.finished > t {
			break
		}
		if !slices.ContainsFunc(r.blind, func(s blindScope) bool { return s.name == scope }) {
			out = r.finished
		}
	}
	return out
}

// status and reason of a result that a blind part holds back.
func (b blind) status() (Status, string) {
	why := fmt.Sprintf("%s could not read %s of %s (%s)", b.source, b.kind.kind.ID, b.name, b.why)
	if b.last == absent {
		return StatusNotAssessed, why
	}
	return StatusStale, ReasonCollectionGap + ": " + why + ", last seen " + stamp(b.last)
}

var repositoryLike = regexp.MustCompile(`^[^\s/]+/[^\s/]+$`)

// part is the scope without the word that says what it is.
func (b blind) part() string {
	for _, word := range []string{"project ", "issue ", "record ", "repository "} {
		if rest, ok := strings.CutPrefix(b.name, word); ok {
			return rest
		}
	}
	return b.name
}

// concerns reports whether a result is about the part: its subject is the part
// or lies in it, or one of its systems is among those bound to the part.
func (b blind) concerns(bound []string, r *Result) bool {
	part, id := b.part(), r.Subject.ID
	if rest, ok := strings.CutPrefix(id, part); ok && (rest == "" || strings.ContainsRune("#@/:- ", rune(rest[0]))) {
		return true
	}
	return len(bound) > 0 && slices.ContainsFunc(r.Systems, func(id string) bool { return slices.Contains(bound, id) })
}

// boundTo returns the systems that are bound to a repository.
func (f *finisher) boundTo(repo string) []string {
	var out []string
	for _, s := range f.v.reg.systems {
		if _, ok := s.repos[strings.ToLower(repo)]; ok {
			out = append(out, s.id)
		}
	}
	return out
}

// mayHide reports whether what was not found for a result could lie in the
// part. A repository hides nothing about another one.
func (b blind) mayHide(r *Result) bool {
	return r.Status == StatusMissing && !repositoryLike.MatchString(b.part())
}

// held returns the results as the blind parts of the kinds that a rule needs
// allow, with one more result for each part of the population that was not seen.
func (f *finisher) held(r *rule, st standing, results []*Result) []*Result {
	if st.excluded != "" || st.status != "" {
		return results
	}
	for _, n := range r.needs {
		for _, b := range f.v.s.coverage.blind(n.kind, f.v.at, r.Freshness.CollectionMaxAge) {
			results = f.holdBack(r, b, results)
		}
	}
	return results
}

func (f *finisher) holdBack(r *rule, b blind, results []*Result) []*Result {
	status, reason := b.status()
	concerned, bound := false, f.boundTo(b.part())
	for i, res := range results {
		if about := b.concerns(bound, res); about || b.mayHide(res) {
			concerned = concerned || about
			results[i] = restate(res, status, reason)
			results[i].LateCapture = res.LateCapture || b.late
		}
	}
	p := slices.IndexFunc(r.plans, func(p *plan) bool { return p.kind == b.kind })
	if concerned || p < 0 || f.outside(r.plans[p], b) {
		return results
	}
	extra := &Result{
		Expectation: r.Slug, Control: r.Control, Severity: r.Severity, CollectedAt: timeOf(b.last), LateCapture: b.late,
		Evidence: []evidence.Digest{}, Subject: evidence.Subject{Type: f.subjectType(r), ID: b.part()},
		Status: status, Reason: reason, Remedy: r.Remedy,
	}
	at, _ := slices.BinarySearchFunc(results, extra.Subject, func(x *Result, s evidence.Subject) int { return compareSubjects(x.Subject, s) })
	return slices.Insert(results, at, extra)
}

// outside reports whether a part is known to hold no subject of a plan: the
// plan is about registered systems, and none is bound to that repository.
func (f *finisher) outside(p *plan, b blind) bool {
	return p.systems != nil && repositoryLike.MatchString(b.part()) && len(f.boundTo(b.part())) == 0
}

// blindParts lists the parts of a rule's population that were not seen.
func (f *finisher) blindParts(r *rule) []string {
	var out []string
	for _, p := range r.plans {
		if p.kind == nil {
			continue
		}
		for _, b := range f.v.s.coverage.blind(p.kind, f.v.at, r.Freshness.CollectionMaxAge) {
			if !f.outside(p, b) {
				out = append(out, b.name+" ("+b.why+")")
			}
		}
	}
	return out
}
