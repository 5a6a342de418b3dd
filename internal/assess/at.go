package assess

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// At assesses as of an instant. Asked for an instant that is not before
// anything applied, it uses and renews what the State remembers; for an
// earlier one everything is evaluated anew. The Assessment is the caller's:
// the State never changes a result it has handed out.
func (s *State) At(asOf time.Time, cp Checkpoint) (*Assessment, error) {
	if asOf.IsZero() {
		return nil, errors.New("assess: no instant given to assess at")
	}
	asOf = asOf.UTC().Truncate(time.Microsecond)
	at := nanos(asOf)
	caches := s.caches
	if at < s.newest || at < s.lastAt {
		caches = make([]*planCache, len(s.caches))
		for i, c := range s.caches {
			caches[i] = newPlanCache(c.plan, s)
		}
	} else {
		s.lastAt = at
	}
	f := newFinisher(s.view(at), caches)
	a := &Assessment{
		AsOf: asOf, Checkpoint: cp,
		Catalog:     CatalogRef{ID: s.eng.cat.ID, Version: s.eng.cat.Version, Digest: s.eng.digest},
		Controls:    []Control{},
		Results:     []*Result{},
		Runs:        s.coverage.newest(at),
		Populations: make([]Population, 0, len(s.eng.rules)), Expectations: s.eng.InForce(), Readings: s.readings(at),
	}
	f.controls(a, f.results(a))
	return a, nil
}

// results fills in the results of all rules and their populations, and returns
// where each rule's results end.
func (f *finisher) results(a *Assessment) (ends []int) {
	of := f.rules(f.v.s.eng.rules)
	n := 0
	for i := range of {
		n += len(of[i].results)
	}
	ends, a.Results = make([]int, len(of)), make([]*Result, 0, n)
	for i := range of {
		a.Results = append(a.Results, of[i].results...)
		if !f.lean {
			a.Populations = append(a.Populations, of[i].population)
		}
		ends[i] = len(a.Results)
	}
	return ends
}

// ruled is what a rule gives.
type ruled struct {
	results    []*Result // by subject
	population Population
}

// rules gives the results of rules: all subjects are evaluated first, then each
// rule's are put together.
func (f *finisher) rules(list []*rule) []ruled {
	standings := make([]standing, len(list))
	var caches []*planCache
	for i, r := range list {
		if r.Off != "" {
			continue
		}
		st := f.standing(r)
		standings[i] = st
		finished := st.finished
		if f.lean {
			finished = absent
		}
		for _, p := range r.plans {
			c := f.caches[p.number]
			if c.finished != finished {
				c.restamp(finished)
			}
			caches = append(caches, c)
		}
	}
	refresh(f.v, caches)
	out := make([]ruled, len(list))
	each(len(list), func() func(int) {
		return func(i int) { out[i].results, out[i].population = f.finish(list[i], standings[i]) }
	})
	return out
}

// standing finds out what holds for all results of a rule.
func (f *finisher) standing(r *rule) standing {
	st := f.collection(r)
	if st.excluded = f.soa.excludes(r.control); st.excluded != "" {
		st.exclusion = []evidence.Digest{f.soa.digest}
	}
	return st
}

func newFinisher(v *view, caches []*planCache) *finisher {
	return &finisher{v: v, caches: caches, soa: v.applicability(), waivers: v.waivers()}
}

// finisher turns remembered outcomes into an assessment.
type finisher struct {
	v       *view
	lean    bool // without populations and without the instant of collection
	caches  []*planCache
	soa     applicability
	waivers map[string][]*waiver // by expectation
}

// standing is what holds for all results of a rule.
type standing struct {
	excluded  string            // why the control does not apply
	exclusion []evidence.Digest // the statement that says so
	status    Status            // not_assessed or stale, if collection does not allow more
	reason    string
	late      bool
	finished  int64 // the last complete collection that decides
	kinds     []currency
	looked    string // which runs looked for what is missing
}

// collection finds out how far the kinds a rule needs can be relied on.
func (f *finisher) collection(r *rule) standing {
	st := standing{finished: absent}
	var never, old []string
	for _, n := range r.needs {
		c := f.v.s.coverage.at(n.kind, f.v.at, r.Freshness.CollectionMaxAge)
		st.kinds = append(st.kinds, c)
		if n.optional && c.unasked {
			continue
		}
		st.late = st.late || c.late
		if c.finished != absent && (st.finished == absent || c.finished < st.finished) {
			st.finished = c.finished
		}
		switch c.state {
		case neverRead:
			never = append(never, c.why)
		case outdated:
			old = append(old, c.why)
		}
	}
	st.looked = f.looked(r)
	if missing := f.noneOf(r, st.kinds); missing != "" {
		never = append(never, missing)
	}
	switch {
	case len(never) > 0:
		st.status, st.reason = StatusNotAssessed, strings.Join(never, "; ")
	case len(old) > 0:
		st.status, st.reason = StatusStale, ReasonCollectionGap+": "+strings.Join(old, "; ")
	}
	return st
}

// looked names the runs that absence rests on: the last complete readings of
// the kinds that a rule needs.
func (f *finisher) looked(r *rule) string {
	var runs []string
	for _, n := range r.needs {
		for _, cv := range f.v.s.coverage.kinds[n.kind.kind.ID] {
			if read := cv.relied(f.v.at, n.kind.event, r.Freshness.CollectionMaxAge); read != nil && !slices.Contains(runs, read.run) {
				runs = append(runs, read.run)
			}
		}
	}
	switch slices.Sort(runs); len(runs) {
	case 0:
		return ""
	case 1:
		return "; run " + runs[0] + " looked"
	}
	return "; runs " + strings.Join(runs, ", ") + " looked"
}

// Brief is the reason of a result for a line of a list: how many runs looked, in
// place of which.
func Brief(reason string) string {
	before, names, ok := strings.Cut(reason, "; run")
	rest, found := strings.CutSuffix(names, " looked")
	if !ok || !found {
		return reason
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "s"), " ")
	if n := strings.Count(rest, ", ") + 1; n > 1 {
		return fmt.Sprintf("%s; %d runs looked", before, n)
	}
	return before + "; a run looked"
}

// noneOf reports optional kinds of which at least one is needed, because they
// alone can give what freshness.of asks for.
func (f *finisher) noneOf(r *rule, kinds []currency) string {
	for _, p := range r.plans {
		var names []string
		for _, i := range p.of {
			if i < 0 || !p.joins[i].optional {
				return ""
			}
			at := slices.IndexFunc(r.needs, func(n need) bool { return n.kind == p.joins[i].kind })
			if kinds[at].state != neverRead {
				return ""
			}
			names = append(names, p.joins[i].kind.kind.ID)
		}
		if len(names) > 0 {
			return "no source has been asked for any of " + strings.Join(names, ", ")
		}
	}
	var names []string
	for _, p := range r.plans {
		at := slices.IndexFunc(r.needs, func(n need) bool { return n.kind == p.kind })
		if !p.def.Optional || !kinds[at].unasked {
			return ""
		}
		names = append(names, p.kindID())
	}
	return "no source has been asked for any of " + strings.Join(names, ", ")
}

// finish gives the results of a rule, ordered by subject, and its population.
func (f *finisher) finish(r *rule, st standing) ([]*Result, Population) {
	if r.Off != "" {
		return []*Result{switchedOff(f, r)}, noPopulation(r, f.subjectType(r))
	}
	var results []*Result
	for _, p := range r.plans {
		c := f.caches[p.number]
		c.reorder()
		results = merge(results, f.plan(c, st))
	}
	results = f.held(r, st, mergeSubjects(results))
	var pop Population
	if !f.lean {
		pop = f.population(r, st, results)
	}
	if len(results) == 0 {
		results = []*Result{f.emptyResult(r, st)}
	}
	f.waive(r, results)
	return results, pop
}

// switchedOff stands for an expectation that a file of the user's turned off.
func switchedOff(f *finisher, r *rule) *Result {
	return &Result{
		Expectation: r.Slug, Control: r.Control, Severity: r.Severity, Status: StatusNotApplicable,
		Subject: evidence.Subject{Type: f.subjectType(r), ID: "(none)"}, Reason: "switched off: " + r.Off, Evidence: []evidence.Digest{},
	}
}

// plan gives the results of a plan in order.
func (f *finisher) plan(c *planCache, st standing) []*Result {
	out := make([]*Result, len(c.order))
	watched := f.lastReadings(c)
	for i, slot := range c.order {
		out[i] = c.base[slot]
		switch status := c.base[slot].Status; {
		case st.excluded != "", st.status != "", st.late:
			out[i] = st.over(c.base[slot])
		case status == StatusMissing || status == StatusFailing:
			if status == StatusMissing {
				out[i] = restate(c.base[slot], status, c.base[slot].Reason+st.looked)
			}
			switch why, late := watched.unseen(c, slot); {
			case why != "":
				out[i] = restate(c.base[slot], StatusStale, ReasonCollectionGap+": "+why)
			case late && !c.base[slot].LateCapture:
				out[i] = restate(out[i], status, out[i].Reason)
				out[i].LateCapture = true
			}
		}
	}
	return out
}

// over gives a result as the standing of its rule allows.
func (st standing) over(r *Result) *Result {
	switch {
	case st.excluded != "":
		c := restate(r, StatusNotApplicable, st.excluded)
		c.DueAt, c.AnsweredAt, c.Remedy, c.Evidence = nil, nil, "", st.exclusion
		return c
	case st.status != "":
		c := restate(r, st.status, st.reason)
		c.LateCapture = c.LateCapture || st.late
		return c
	}
	c := *r
	c.LateCapture = true
	return &c
}

func restate(r *Result, status Status, reason string) *Result {
	c := *r
	c.Status, c.Reason = status, reason
	return &c
}

// lastReading is the last complete reading of a joined kind by a source.
type lastReading struct {
	kind     string
	source   text
	finished int64
	inTime   int64 // the last one that ended by the instant
}

// lastReadings are what absence may be claimed from.
type lastReadings []lastReading

func (f *finisher) lastReadings(c *planCache) lastReadings {
	if c.table == nil {
		return nil
	}
	var out lastReadings
	for _, j := range c.plan.joins {
		id := j.kind.kind.ID
		for source, cv := range f.v.s.coverage.kinds[id] {
			finished := cv.last(f.v.at, j.kind.event)
			name, _ := f.v.s.texts.lookup(source)
			if finished != absent && !slices.ContainsFunc(out, func(l lastReading) bool { return l.kind == id && l.source == name }) {
				out = append(out, lastReading{kind: id, source: name, finished: finished, inTime: cv.last(f.v.at, false)})
			}
		}
	}
	slices.SortFunc(out, func(a, b lastReading) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return strings.Compare(f.v.s.texts.str(a.source), f.v.s.texts.str(b.source))
	})
	return out
}

// unseen says why nothing can be concluded from what was not found for a
// subject: the subject was read, or happened, after the joined kind was last
// read completely. late says that it can be concluded only from a reading
// after the instant.
func (l lastReadings) unseen(c *planCache, slot uint32) (why string, late bool) {
	if len(l) == 0 {
		return "", false
	}
	m := c.table.meta(c.subjects[slot].row)
	for _, r := range l {
		at := m.collected
		if c.table.slot(slot).source != r.source {
			if !c.table.info.event || m.event == absent {
				continue
			}
			at = m.event
		}
		if at > r.finished {
			return fmt.Sprintf("%s was last read completely at %s, before this was known (%s)", r.kind, stamp(r.finished), stamp(at)), false
		}
		late = late || at > r.inTime
	}
	return "", late
}

// merge puts two lists that are in order by subject into one; what is equal
// keeps its order.
func merge(a, b []*Result) []*Result {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]*Result, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareSubjects(b[0].Subject, a[0].Subject) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// rank orders statuses from worst to best; not_applicable is no status
// in this order.
func rank(s Status) int {
	return slices.Index([]Status{StatusFailing, StatusMissing, StatusNotAssessed, StatusStale, StatusPendingReview,
		StatusDue, StatusWaived, StatusSatisfied, StatusNotApplicable}, s)
}

// mergeSubjects makes one result of several about the same subject: the worst,
// resting on the evidence of all.
func mergeSubjects(results []*Result) []*Result {
	out := results[:0:0]
	for i, r := range results {
		if i == 0 || r.Subject != results[i-1].Subject {
			if out != nil {
				out = append(out, r)
			}
			continue
		}
		if out == nil {
			out = append(make([]*Result, 0, len(results)), results[:i]...)
		}
		last := out[len(out)-1]
		worse, other := last, r
		if rank(r.Status) < rank(last.Status) {
			worse, other = r, last
		}
		c := *worse
		c.Evidence = union(last.Evidence, r.Evidence)
		c.LateCapture = last.LateCapture || r.LateCapture
		c.Systems = unionText(last.Systems, r.Systems)
		if c.Owner == "" {
			c.Owner = other.Owner
		}
		out[len(out)-1] = &c
	}
	if out == nil {
		return results
	}
	return out
}

func union(a, b []evidence.Digest) []evidence.Digest {
	out := slices.Clone(a)
	for _, d := range b {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

func unionText(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// idsDigest is the SHA-256 over the sorted subject ids, one per line.
func idsDigest(results []*Result) evidence.Digest {
	h := sha256.New()
	ids := make([]string, len(results))
	sorted := true
	for i, r := range results {
		ids[i] = r.Subject.ID
		sorted = sorted && (i == 0 || ids[i-1] <= ids[i])
	}
	if !sorted {
		slices.Sort(ids)
	}
	var line []byte
	for _, id := range ids {
		line = append(append(line[:0], id...), '\n')
		h.Write(line)
	}
	return evidence.Digest(h.Sum(nil))
}
