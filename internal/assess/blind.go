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

// blind is a part of a kind's scope that a source could not see when it last
// read the kind.
type blind struct {
	kind   *kindInfo
	source string
	blindScope
	last   int64 // when it was seen last; absent if never
	late   bool  // known only from a reading after the instant
	recent bool  // seen recently enough: only what happened since then is in doubt
}

// blind returns the parts of a kind that its sources could not see when they
// last read it by t. Those seen within maxAge before t are recent.
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
		out = append(out, cv.unreadable(k, name, t, maxAge)...)
		r := cv.lastReading(t, false)
		if r == nil || k.event && t-r.finished > int64(maxAge) {
			r = cv.lastReading(t, k.event)
		}
		if r == nil {
			continue
		}
		for _, s := range r.blind {
			last := cv.lastSeen(s.name, t)
			out = append(out, blind{kind: k, source: name, blindScope: s, last: last, late: r.finished > t,
				recent: last != absent && t-last <= int64(maxAge)})
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

var repositoryLike = regexp.MustCompile(`^([^\s/@#:]+/[^\s/@#:]+)($|[@#:/])`)

// part is the scope without the word that says what it is.
func (b blind) part() string {
	for _, word := range []string{"project ", "issue ", "record ", "repository "} {
		if rest, ok := strings.CutPrefix(b.name, word); ok {
			return rest
		}
	}
	return b.name
}

// repository returns the repository that the part is or lies in, empty if the
// kind is not about repositories: then the part may be the path of a file.
func (b blind) repository() string {
	if _, ok := b.kind.kind.Field("repo"); !ok && b.kind.kind.SubjectType != "repository" {
		return ""
	}
	return repositoryOf(b.part())
}

// repositoryOf returns the repository that an id begins with, if it does.
func repositoryOf(id string) string {
	if m := repositoryLike.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// concerns reports whether a result is about the part: its subject is the part
// or lies in it, or one of its systems is among those bound to the part. What
// lies in another repository is not, whatever its systems are.
func (b blind) concerns(bound []string, r *Result) bool {
	part, id, inside := b.part(), r.Subject.ID, "#@/:- "
	if b.repository() != "" {
		inside = "#@/:" // acme/a-b is not in acme/a
	}
	if len(id) >= len(part) && strings.EqualFold(id[:len(part)], part) && (len(id) == len(part) || strings.ContainsRune(inside, rune(id[len(part)]))) {
		return true
	}
	if len(bound) == 0 || repositoryOf(id) != "" {
		return false
	}
	return slices.ContainsFunc(r.Systems, func(id string) bool { return slices.Contains(bound, id) })
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

// mayHide reports whether what a rule did not find for a result could lie in
// the part. A repository hides nothing about another one, and a part of the
// population nothing about a subject that was seen.
func (f *finisher) mayHide(b blind, r *rule, res *Result) bool {
	return res.Status == StatusMissing && b.repository() == "" && r.joins(b.kind) && !f.isItself(b, r, res)
}

// isItself reports whether a result is about a record of the part's kind, and
// the plan that made it looks for no other of that kind.
func (f *finisher) isItself(b blind, r *rule, res *Result) bool {
	alone := slices.ContainsFunc(r.plans, func(p *plan) bool {
		return p.kind == b.kind && !slices.ContainsFunc(p.joins, func(j *join) bool { return j.kind == b.kind })
	})
	if !alone {
		return false
	}
	itself := false
	f.v.live(b.kind.kind.ID, func(t *table, row int32, _ bool) {
		itself = itself || t.subjectID(row) == res.Subject.ID && slices.Contains(res.Evidence, t.meta(row).digest)
	})
	return itself
}

// tooEarly reports whether the part was last seen before what a result did not
// find could be there.
func (b blind) tooEarly(res *Result) bool {
	return (res.Status == StatusMissing || res.Status == StatusFailing) && res.EventTime != nil && nanos(*res.EventTime) > b.last
}

// joins reports whether a rule looks for evidence of a kind.
func (r *rule) joins(k *kindInfo) bool {
	return slices.ContainsFunc(r.plans, func(p *plan) bool {
		return slices.ContainsFunc(p.joins, func(j *join) bool { return j.kind == k })
	})
}

// everything reports whether a rule says something about every record of a
// kind, though its only subject is the organisation.
func (r *rule) everything(k *kindInfo) bool {
	return r.Freshness.Mode == modeState && r.plans[0].kind == nil && r.joins(k)
}

// onlyAgainst reports whether records of a kind can only speak against a rule:
// what fails without them fails with them.
func (r *rule) onlyAgainst(k *kindInfo) bool {
	for _, p := range r.plans {
		if p.kind == k || slices.ContainsFunc(p.joins, func(j *join) bool { return j.kind == k && !j.against }) {
			return false
		}
	}
	return r.joins(k)
}

// held returns the results as the blind parts of the kinds that a rule needs
// allow, with one more result for each part of the population that was not seen.
// Of several parts that hold a result back the worst counts.
func (f *finisher) held(r *rule, st standing, results []*Result) []*Result {
	if st.excluded != "" || st.status != "" {
		return results
	}
	var parts []blind
	for _, n := range r.needs {
		parts = append(parts, f.v.s.coverage.blind(n.kind, f.v.at, r.Freshness.CollectionMaxAge)...)
	}
	if len(parts) == 0 {
		return results
	}
	for i := range parts { // whatever is late about the rule is late about its parts
		parts[i].late = parts[i].late || st.late
	}
	seen, extra := results, []*Result(nil)
	results = slices.Clone(seen)
	for _, b := range parts {
		if !f.holdBack(r, b, seen, results) {
			extra = f.unseenPart(r, b, extra)
		}
	}
	if len(extra) == 0 {
		return results
	}
	results = append(results, extra...)
	slices.SortStableFunc(results, func(a, b *Result) int { return compareSubjects(a.Subject, b.Subject) })
	return results
}

// holdBack restates in out what the part leaves open of what was seen. It
// reports whether any result is about the part.
func (f *finisher) holdBack(r *rule, b blind, seen, out []*Result) bool {
	status, reason := b.status()
	concerned, bound := false, f.boundTo(b.part())
	for i, res := range seen {
		about := b.concerns(bound, res) || r.everything(b.kind)
		concerned = concerned || about
		if !about && !f.mayHide(b, r, res) || b.recent && !b.tooEarly(res) || out[i] != res && rank(out[i].Status) <= rank(status) {
			continue
		}
		if res.Status == StatusFailing && r.onlyAgainst(b.kind) {
			if !strings.Contains(out[i].Reason, reason) {
				out[i] = restate(out[i], StatusFailing, out[i].Reason+"; not all was seen: "+reason)
			}
			continue
		}
		out[i] = restate(res, status, reason)
		out[i].LateCapture = res.LateCapture || b.late
	}
	return concerned
}

// unseenPart adds a result for a part of the population that was not seen.
func (f *finisher) unseenPart(r *rule, b blind, extra []*Result) []*Result {
	whole := f.isOrganization(r) && r.everything(b.kind) // not in its population, as far as was seen
	p := slices.IndexFunc(r.plans, func(p *plan) bool { return p.kind == b.kind })
	if !whole && p < 0 || b.recent || !whole && f.outside(r.plans[p], b) {
		return extra
	}
	status, reason := b.status()
	res := &Result{
		Expectation: r.Slug, Control: r.Control, Severity: r.Severity, CollectedAt: timeOf(b.last), LateCapture: b.late,
		Evidence: []evidence.Digest{}, Subject: evidence.Subject{Type: f.subjectType(r), ID: b.part()},
		Status: status, Reason: reason, Remedy: r.Remedy,
	}
	if whole {
		res.Subject.ID = f.v.s.eng.org
	}
	i := slices.IndexFunc(extra, func(e *Result) bool { return e.Subject == res.Subject })
	switch {
	case i < 0:
		extra = append(extra, res)
	case rank(status) < rank(extra[i].Status):
		extra[i] = res
	}
	return extra
}

// outside reports whether a part is known to hold no subject of a plan: the
// plan is about registered systems, and none is bound to that repository.
func (f *finisher) outside(p *plan, b blind) bool {
	repo := b.repository()
	return p.systems != nil && repo != "" && len(f.boundTo(repo)) == 0
}

// blindParts lists the parts of a rule's population that were not seen.
func (f *finisher) blindParts(r *rule) []string {
	var out []string
	for _, p := range r.plans {
		if p.kind == nil {
			continue
		}
		for _, b := range f.v.s.coverage.blind(p.kind, f.v.at, r.Freshness.CollectionMaxAge) {
			if text := b.name + " (" + b.why + ")"; !b.recent && !f.outside(p, b) && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}
