package assess

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// maker turns outcomes into results. Results of one evaluation are allocated
// together.
type maker struct {
	plan      *plan
	collected *time.Time
	slab      []Result
	digests   []evidence.Digest
	left      int // results that are still to come, at most
}

const slabSize = 256

// newMaker makes n results at most. Results are remembered, and room beside
// them with them: there is no more of it than they need.
func newMaker(c *planCache, n int) *maker {
	return &maker{plan: c.plan, collected: timeOf(c.finished), left: n}
}

func timeOf(ns int64) *time.Time {
	if ns == absent {
		return nil
	}
	t := instant(ns)
	return &t
}

// keep reduces an outcome to what is remembered.
func (m *maker) keep(o *outcome) evaluation {
	sc := o.sc
	e := evaluation{in: o.in, old: o.old, until: min(o.until, sc.until), now: sc.now || sc.ticks, judged: -1}
	if sc.subject != nil {
		e.judged = sc.subject.row
	}
	if len(sc.joined) > 0 {
		e.hashes = make([][]uint64, len(sc.joined))
		for i := range sc.joined {
			e.hashes[i] = sc.joined[i].hashes
		}
	}
	if o.in {
		e.result = m.result(o)
	}
	return e
}

func (m *maker) result(o *outcome) *Result {
	r := m.next()
	*r = Result{
		Expectation: m.plan.rule.Slug, Control: m.plan.rule.Control, Subject: m.subject(o),
		Status: o.status, Reason: o.reason, DueAt: timeOf(o.due), AnsweredAt: timeOf(o.answered), EventTime: timeOf(o.event), CollectedAt: m.collected,
		Evidence: m.evidence(o.evidence), LateCapture: o.late, Severity: m.plan.rule.Severity,
		Systems: systemIDs(o.systems), Tier: highestTier(o.systems), Owner: o.owner,
	}
	if r.Status != StatusSatisfied {
		r.Remedy = m.plan.rule.Remedy
	}
	return r
}

// next is room for a result, of which there is some for the next ones too.
func (m *maker) next() *Result {
	if len(m.slab) == 0 {
		m.slab = make([]Result, max(1, min(slabSize, m.left)))
	}
	r := &m.slab[0]
	m.slab, m.left = m.slab[1:], m.left-1
	return r
}

func (m *maker) subject(o *outcome) evidence.Subject {
	sc := o.sc
	if sc.subject == nil {
		return evidence.Subject{Type: organization, ID: sc.w.v.s.eng.org}
	}
	in := sc.subject.t.texts
	s := evidence.Subject{Type: in.str(o.subject[0]), ID: in.str(o.subject[1])}
	if o.id != "" {
		s.ID = o.id
	}
	if m.plan.def.Type != "" {
		s.Type = m.plan.def.Type
	}
	return s
}

func (m *maker) evidence(rows []rowRef) []evidence.Digest {
	if len(rows) == 0 {
		return []evidence.Digest{}
	}
	if len(m.digests)+len(rows) > cap(m.digests) {
		m.digests = make([]evidence.Digest, 0, max(min(slabSize, m.left+1)*2, len(rows)))
	}
	from := len(m.digests)
	for _, r := range rows {
		m.digests = append(m.digests, r.t.meta(r.row).digest)
	}
	return m.digests[from:len(m.digests):len(m.digests)]
}

func systemIDs(list []*systemView) []string {
	if len(list) == 0 {
		return nil
	}
	if len(list) == 1 {
		return list[0].only
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.id
	}
	return out
}

// highestTier returns the most severe of the systems' tiers. A tier that is
// not known ranks above minimal: it is not known to be harmless.
func highestTier(list []*systemView) string {
	best, rank := "", 0
	for _, s := range list {
		n := 2
		switch s.tier {
		case "":
			n = 0
		case "minimal":
			n = 1
		case "limited":
			n = 3
		case "high":
			n = 4
		}
		if n > rank {
			best, rank = s.tier, n
		}
	}
	return best
}
