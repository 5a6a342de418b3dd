package period

import (
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// Reads is on which days of the span a source read a kind completely.
type Reads struct {
	Kind   string    `json:"kind"`
	Source string    `json:"source"`
	Asked  time.Time `json:"asked_since"`
	Days   int       `json:"days"`         // of the span
	Read   int       `json:"days_read"`    // with a complete reading
	Partly int       `json:"days_in_part"` // of them, with parts unseen in every reading
	Count  int       `json:"reads"`
	Unread []Span    `json:"not_read"` // days without
}

// Span is a stretch of days, both inclusive.
type Span struct {
	From string `json:"from"` // 2006-01-02
	To   string `json:"to"`
	Days int    `json:"days"`
}

// readDays finds out on which days kinds were read.
type readDays struct {
	first, days int
	st          *assess.State
	kinds       map[string][]bool // by kind: the day was read by every source asked by then
	reads       []Reads
}

func newReadDays(st *assess.State, from, to time.Time) *readDays {
	return &readDays{first: dayOf(from), days: dayOf(to) - dayOf(from) + 1, st: st, kinds: map[string][]bool{}}
}

// of returns the days on which every source that had been asked for a kind by
// then read it completely. A kind that nobody was asked for was not read.
func (r *readDays) of(kind string) []bool {
	if known, ok := r.kinds[kind]; ok {
		return known
	}
	read, asked := make([]bool, r.days), make([]bool, r.days)
	for i := range read {
		read[i] = true
	}
	for _, h := range r.st.Histories(kind) {
		if dayOf(h.Asked) >= r.first+r.days {
			continue
		}
		one := r.source(kind, h)
		for i := range read {
			if r.first+i >= dayOf(h.Asked) {
				asked[i] = true
				read[i] = read[i] && one[i]
			}
		}
	}
	for i := range read {
		read[i] = read[i] && asked[i]
	}
	r.kinds[kind] = read
	return read
}

// source counts the days of one source and notes them.
func (r *readDays) source(kind string, h assess.History) []bool {
	read, whole := make([]bool, r.days), make([]bool, r.days)
	out := Reads{Kind: kind, Source: h.Source, Asked: h.Asked, Days: r.days}
	for _, x := range h.Reads {
		i := dayOf(x.Finished) - r.first
		if i < 0 || i >= r.days {
			continue
		}
		out.Count++
		read[i] = true
		whole[i] = whole[i] || len(x.Unseen) == 0
	}
	for i := range read {
		if read[i] {
			out.Read++
			if !whole[i] {
				out.Partly++
			}
		}
	}
	out.Unread = r.spans(read)
	r.reads = append(r.reads, out)
	return read
}

// spans lists the days that are not set.
func (r *readDays) spans(set []bool) []Span {
	out := []Span{}
	for i := 0; i < len(set); i++ {
		if set[i] {
			continue
		}
		from := i
		for i+1 < len(set) && !set[i+1] {
			i++
		}
		out = append(out, Span{From: dateOf(r.first + from), To: dateOf(r.first + i), Days: i - from + 1})
	}
	return out
}

func dateOf(d int) string {
	return time.Unix(int64(d)*int64(day/time.Second), 0).UTC().Format(time.DateOnly)
}

// together returns the days on which all kinds were read.
func (r *readDays) together(kinds []string) []bool {
	out := make([]bool, r.days)
	for i := range out {
		out[i] = true
	}
	for _, k := range kinds {
		for i, ok := range r.of(k) {
			out[i] = out[i] && ok
		}
	}
	return out
}

// sorted returns the reads of all kinds that were asked about.
func (r *readDays) sorted() []Reads {
	slices.SortFunc(r.reads, func(a, b Reads) int {
		if a.Kind != b.Kind {
			if a.Kind < b.Kind {
				return -1
			}
			return 1
		}
		if a.Source < b.Source {
			return -1
		}
		return 1
	})
	if r.reads == nil {
		return []Reads{}
	}
	return r.reads
}
