package assess

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Fact is what is known of a piece of evidence beside what it says.
type Fact struct {
	Digest    evidence.Digest
	Kind      string
	Strength  catalog.Strength
	State     bool      // a reading of a state, not an event
	EventTime time.Time // zero if it has none
	FirstSeen time.Time // when the agent first read it with that event time
}

// Facts finds pieces of evidence by digest. They are numbered, so that many
// lists of them are small.
type Facts struct {
	tables []*table
	bases  []int32 // the number of each table's first row
	index  map[evidence.Digest]int32
}

// Facts lists the evidence that rules refer to. The list does not follow what
// is applied later.
func (s *State) Facts() *Facts {
	f := &Facts{index: make(map[evidence.Digest]int32, s.Rows())}
	n := int32(0)
	for _, id := range slices.Sorted(maps.Keys(s.tables)) {
		t := s.tables[id]
		f.tables, f.bases = append(f.tables, t), append(f.bases, n)
		for row := range t.rows() {
			f.index[t.meta(int32(row)).digest] = n
			n++
		}
	}
	return f
}

// Number returns the number of a piece of evidence. Revisions of a key with
// the same event time are one event; its number is that of the first.
func (f *Facts) Number(d evidence.Digest) (int32, bool) {
	n, ok := f.index[d]
	if !ok {
		return 0, false
	}
	t, row, base := f.row(n)
	return base + t.firstOf(row), true
}

// firstOf is the row that was the first to speak of the same event.
func (t *table) firstOf(row int32) int32 {
	m := t.meta(row)
	for prev := m.prev; prev >= 0 && t.meta(prev).event == m.event; prev = t.meta(prev).prev {
		row = prev
	}
	return row
}

// Operating says of those among some pieces of evidence that show that something
// was done, when it was done: when it happened, else when it was first read.
func (s *State) Operating(of map[evidence.Digest]struct{}) map[evidence.Digest]time.Time {
	out := map[evidence.Digest]time.Time{}
	for _, t := range s.tables {
		if t.info.kind.Strength != catalog.Operation {
			continue
		}
		for row := range int32(t.rows()) {
			m := t.meta(row)
			if _, wanted := of[m.digest]; !wanted {
				continue
			}
			if m.event != absent {
				out[m.digest] = instant(m.event)
			} else {
				out[m.digest] = instant(t.meta(t.firstOf(row)).collected)
			}
		}
	}
	return out
}

func (f *Facts) row(n int32) (t *table, row, base int32) {
	i, exact := slices.BinarySearch(f.bases, n)
	if !exact {
		i--
	}
	for i+1 < len(f.bases) && f.bases[i+1] == n { // tables without rows
		i++
	}
	return f.tables[i], n - f.bases[i], f.bases[i]
}

// Fact returns a piece of evidence by its number.
func (f *Facts) Fact(n int32) Fact {
	t, row, _ := f.row(n)
	m := t.meta(row)
	k := t.info.kind
	out := Fact{Digest: m.digest, Kind: k.ID, Strength: k.Strength, State: !t.info.event, FirstSeen: instant(m.collected)}
	if m.event != absent {
		out.EventTime = instant(m.event)
	}
	return out
}

// Read is a complete reading of a kind by a run of a source.
type Read struct {
	Run      string
	Finished time.Time
	Unseen   []string // named parts that it could not see
}

// A History is the complete readings of a kind by one source, in order.
type History struct {
	Source string
	Asked  time.Time // since when the source is asked for the kind
	Reads  []Read
}

// Histories tells how often a kind was read, by source.
func (s *State) Histories(kind string) []History {
	var out []History
	for source, cv := range s.coverage.kinds[kind] {
		one := History{Source: source, Asked: instant(cv.asked)}
		for _, r := range cv.readings {
			reading := Read{Run: r.run, Finished: instant(r.finished)}
			for _, b := range r.blind {
				reading.Unseen = append(reading.Unseen, b.name)
			}
			one.Reads = append(one.Reads, reading)
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b History) int { return cmp.Compare(a.Source, b.Source) })
	return out
}

// RunEnds lists when runs ended within a span, in order.
func (s *State) RunEnds(from, to time.Time) []time.Time {
	var out []time.Time
	for _, r := range s.coverage.runs {
		if at := r.FinishedAt.UTC(); !r.FinishedAt.IsZero() && at.After(from) && at.Before(to) {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// Basis is what an expectation rests on, for whoever asks about a period.
type Basis struct {
	InForce
	// States are the kinds of a state that must be read again and again,
	// because a reading shows nothing about the days before and after. What is
	// judged event by event needs none: the events are dated.
	States []string
}

// Bases returns the basis of every expectation, in the order of results.
func (s *State) Bases() []Basis {
	out := make([]Basis, len(s.eng.rules))
	for i, r := range s.eng.rules {
		out[i] = Basis{InForce: r.inForce(), States: []string{}}
		if r.Freshness.Mode == modePerEvent {
			continue
		}
		add := func(k *kindInfo) {
			if k != nil && !k.event && !slices.Contains(out[i].States, k.kind.ID) {
				out[i].States = append(out[i].States, k.kind.ID)
			}
		}
		for _, p := range r.plans {
			if !p.def.Optional || len(s.coverage.kinds[p.kindID()]) > 0 {
				add(p.kind)
			}
			for _, j := range p.joins {
				if !j.optional || len(s.coverage.kinds[j.kind.kind.ID]) > 0 {
					add(j.kind)
				}
			}
		}
		slices.Sort(out[i].States)
	}
	return out
}

// Engine returns the engine that the state was made by.
func (s *State) Engine() *Engine { return s.eng }
