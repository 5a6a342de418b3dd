package assess

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// reading is one complete reading of a kind by a run.
type reading struct {
	finished int64
	since    int64 // how far back it reaches; absent means without limit
	run      string
	blind    []blindScope // parts that it could not see
}

// covering is what one source has done about one kind.
type covering struct {
	asked    int64 // when the first run ended that was asked for the kind, or when it was first delivered
	readings []reading
	unread   []unread // records in a form that is not known
}

// coverage knows, for each kind and source, when it was read completely.
type coverage struct {
	kinds map[string]map[string]*covering // kind → source
	runs  map[string]*evidence.Run
	order []string // run ids in the order of their opening
}

func newCoverage() *coverage {
	return &coverage{kinds: map[string]map[string]*covering{}, runs: map[string]*evidence.Run{}}
}

func (c *coverage) of(kind, source string) *covering {
	sources := c.kinds[kind]
	if sources == nil {
		sources = map[string]*covering{}
		c.kinds[kind] = sources
	}
	cv := sources[source]
	if cv == nil {
		cv = &covering{asked: notGone}
		sources[source] = cv
	}
	return cv
}

// delivered notes that a source has a kind.
func (c *coverage) delivered(kind, source string, at int64) *covering {
	cv := c.of(kind, source)
	cv.asked = min(cv.asked, at)
	return cv
}

// run takes what a run claims; only a reading of a kind by a run that ended
// counts, complete but for parts that its gaps name, whatever became of the
// other kinds of that run.
func (c *coverage) run(r evidence.Run) {
	before := c.runs[r.ID]
	if before == nil {
		c.order = append(c.order, r.ID)
	} else if !before.FinishedAt.IsZero() {
		return // closed already; a run closes once
	}
	c.runs[r.ID] = &r
	finished := nanos(r.FinishedAt)
	if finished == absent {
		return // what it was asked for is known when it ends
	}
	for kind, read := range r.Kinds {
		cv := c.of(kind, r.Provenance.Source)
		cv.asked = min(cv.asked, finished)
		ended := r.Status == evidence.RunComplete || r.Status == evidence.RunPartial
		blind, named := partial(r, kind)
		if !ended || read.Coverage != "complete" && (read.Coverage != "partial" || !named) {
			continue
		}
		at := sort.Search(len(cv.readings), func(i int) bool { return cv.readings[i].finished > finished })
		cv.readings = slices.Insert(cv.readings, at, reading{finished: finished, since: nanos(read.Since), run: r.ID, blind: blind})
	}
}

// currency says how far a kind can be relied on at an instant.
type currency struct {
	state    currencyState
	finished int64  // the last complete reading; the oldest of them, if several sources deliver
	late     bool   // known only from a reading after the instant
	unasked  bool   // no source was asked for the kind by the instant
	why      string // what is wrong
}

type currencyState uint8

const (
	neverRead currencyState = iota // no source ever read the kind completely
	outdated                       // the last complete reading is too old
	current
)

// at tells how far a kind can be relied on at an instant, allowing an age.
// Every source that was ever asked for the kind must be current.
func (c *coverage) at(k *kindInfo, t int64, maxAge time.Duration) currency {
	id := k.kind.ID
	out := currency{state: current, finished: absent}
	var never, old []string
	seen := 0
	sources := c.kinds[id]
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		one := sources[name].at(k, t, maxAge)
		if !one.asked {
			continue
		}
		seen++
		if one.finished != absent && (out.finished == absent || one.finished < out.finished) {
			out.finished = one.finished
		}
		out.late = out.late || one.late
		switch one.state {
		case neverRead:
			never = append(never, name)
		case outdated:
			old = append(old, fmt.Sprintf("%s last read %s completely at %s, %s ago", name, id, stamp(one.finished),
				exactSpan(time.Duration(t-one.finished), maxAge)))
		}
	}
	switch {
	case seen == 0:
		return currency{state: neverRead, finished: absent, unasked: true, why: "no source has been asked for " + id}
	case len(never) == seen:
		out.state, out.why = neverRead, "no complete reading of "+id+" yet by "+strings.Join(never, ", ")
	case len(never)+len(old) > 0:
		out.state = outdated
		for _, name := range never {
			old = append(old, name+" has never read "+id+" completely")
		}
		out.why = strings.Join(old, "; ") + ", at most " + span(maxAge)
	}
	return out
}

type sourceCurrency struct {
	asked    bool
	state    currencyState
	finished int64
	late     bool
}

func (cv *covering) at(k *kindInfo, t int64, maxAge time.Duration) sourceCurrency {
	n := sort.Search(len(cv.readings), func(i int) bool { return cv.readings[i].finished > t })
	out := sourceCurrency{asked: cv.asked <= t, finished: absent}
	if n > 0 {
		out.asked = true
		out.finished = cv.readings[n-1].finished
		out.state = outdated
		if t-out.finished <= int64(maxAge) {
			out.state = current
			return out
		}
	}
	if k.event && cv.reaches(n, t) {
		out.asked, out.late, out.state = true, true, current
	}
	return out
}

// reaches reports whether a complete reading from the n-th on reaches back to
// t, so that what happened until t is known after all.
func (cv *covering) reaches(n int, t int64) bool {
	for _, r := range cv.readings[n:] {
		if r.since == absent || r.since <= t {
			return true
		}
	}
	return false
}

// newest returns the newest run of each source that ended by t, by source.
func (c *coverage) newest(t int64) []RunSummary {
	best := map[string]*evidence.Run{}
	for _, id := range c.order {
		r := c.runs[id]
		if r.FinishedAt.IsZero() || nanos(r.FinishedAt) > t {
			continue
		}
		if b := best[r.Provenance.Source]; b == nil || !r.FinishedAt.Before(b.FinishedAt) {
			best[r.Provenance.Source] = r
		}
	}
	out := make([]RunSummary, 0, len(best))
	for source, r := range best {
		gaps := r.Gaps
		if gaps == nil {
			gaps = []evidence.Gap{}
		}
		out = append(out, RunSummary{Source: source, Run: r.ID, Status: string(r.Status), Finished: r.FinishedAt.UTC(), Gaps: gaps})
	}
	slices.SortFunc(out, func(a, b RunSummary) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// last returns when the reading ended that an instant relies on, absent if
// there is none.
func (cv *covering) last(t int64, event bool) int64 {
	if r := cv.lastReading(t, event); r != nil {
		return r.finished
	}
	return absent
}

// relied returns the reading that an assessment at t relies on: the last one
// that ended by then; if that is older than maxAge, one that ended later and
// reaches back to t, where that counts.
func (cv *covering) relied(t int64, event bool, maxAge time.Duration) *reading {
	r := cv.lastReading(t, false)
	if r == nil || event && t-r.finished > int64(maxAge) {
		r = cv.lastReading(t, event)
	}
	return r
}

func (cv *covering) lastReading(t int64, event bool) *reading {
	n := sort.Search(len(cv.readings), func(i int) bool { return cv.readings[i].finished > t })
	if event {
		for i := n; i < len(cv.readings); i++ {
			if r := &cv.readings[i]; r.since == absent || r.since <= t {
				return r
			}
		}
	}
	if n > 0 {
		return &cv.readings[n-1]
	}
	return nil
}
