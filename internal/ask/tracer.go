package ask

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// Trace is the record of one AI system, from intake to today.
type Trace struct {
	AsOf       time.Time         `json:"as_of"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	System     System            `json:"system"`
	Stages     []Stage           `json:"stages"` // all of them, in the order of a life
}

// Stage is one part of a system's life: what happened, and what falls short.
type Stage struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Chain string `json:"chain,omitempty"`
	Lines []Fact `json:"lines"` // in order of time
	Gaps  []Gap  `json:"gaps"`
}

// Trace lays out a system's record; with a chain only the stages of that one.
func (w *World) Trace(s System, chain string) Trace {
	t := Trace{AsOf: w.a.AsOf, Checkpoint: w.a.Checkpoint, System: s, Stages: []Stage{}}
	for _, d := range stageDefs() {
		if chain == "" || chain == d.chain {
			t.Stages = append(t.Stages, w.stage(d, s))
		}
	}
	return t
}

// Only is a trace with the stages of one chain; all if it is empty.
func (t Trace) Only(chain string) Trace {
	if chain == "" {
		return t
	}
	all := t.Stages
	t.Stages = []Stage{}
	for _, s := range all {
		if s.Chain == chain {
			t.Stages = append(t.Stages, s)
		}
	}
	return t
}

func (w *World) stage(d stageDef, s System) Stage {
	st := Stage{ID: d.id, Title: d.title, Chain: d.chain, Lines: []Fact{}, Gaps: []Gap{}}
	for _, kind := range d.named {
		list := w.of(kind, s.ID)
		if kind == "audit.internal" {
			list = slices.DeleteFunc(slices.Clone(w.kinds[kind]), func(r record) bool { return !slices.Contains(r.texts("systems"), s.ID) })
		}
		st.Lines = append(st.Lines, w.lines(kind, list)...)
	}
	for _, kind := range d.joined {
		st.Lines = append(st.Lines, w.joinedLines(d, kind, s)...)
	}
	q := Question{Expectations: d.judges}
	if d.id == "incident" {
		q.judges = (*World).judgesIncident
	}
	for _, slug := range d.judges {
		for _, r := range w.judging(q, slug, s) {
			if short(r) {
				st.Gaps = append(st.Gaps, w.gap(r))
			}
		}
	}
	slices.SortStableFunc(st.Lines, func(x, y Fact) int { return cmp.Or(x.when().Compare(y.when()), cmp.Compare(x.Text, y.Text)) })
	worst(st.Gaps)
	return st
}

// when orders a fact: by its event, by when it is due, or after what it is of.
func (f Fact) when() time.Time {
	switch {
	case !f.At.IsZero():
		return f.At
	case !f.Due.IsZero():
		return f.Due
	}
	return f.after
}

// many are kinds with a record for each day or each output: a trace counts them.
func many(kind string) bool {
	return kind == "monitoring.metric_series" || kind == "oversight.human_decision"
}

func (w *World) lines(kind string, list []record) []Fact {
	if many(kind) {
		return counted(kind, list)
	}
	var out []Fact
	for _, r := range list {
		switch kind {
		case "jira.incident":
			out = append(out, w.incidentLines(r)...)
		case "inventory.ai_system":
			out = append(out, lifeLines(r)...)
		default:
			out = append(out, line(r))
		}
	}
	return out
}

// joinedLines are about records that the stage's results rest on, with what
// the result says where it is about that record.
func (w *World) joinedLines(d stageDef, kind string, s System) []Fact {
	var out []Fact
	seen := map[string]bool{}
	for _, slug := range d.judges {
		for _, res := range w.about(slug, s.ID) {
			for _, r := range w.rests(res, kind) {
				if seen[r.Digest.String()] {
					continue
				}
				seen[r.Digest.String()] = true
				f := line(r)
				if kind == "github.pull_request" {
					f.Text += w.reviewWords(res)
				}
				if res.Subject.ID == r.Subject.ID {
					f = f.judged(res)
				}
				out = append(out, f)
			}
		}
	}
	return out
}

// reviewWords names who approved a change, as far as a result looked.
func (w *World) reviewWords(res *assess.Result) string {
	var who []string
	for _, r := range w.rests(res, "github.pull_request_review") {
		if r.text("state") == "APPROVED" {
			who = append(who, or(r.text("reviewer"), "somebody")+" on "+day(r.time("submitted_at")))
		}
	}
	if len(who) == 0 {
		return "; no approval was looked at"
	}
	return "; approved by " + strings.Join(who, ", ")
}

// incidentLines tell an incident in one go, each line with its key.
func (w *World) incidentLines(r record) []Fact {
	key := or(r.text("key"), r.Subject.ID)
	out := w.incident(r).Facts
	for i := range out {
		out[i].Text = key + ": " + out[i].Text
		out[i].after = r.EventTime // stays with its incident
	}
	return out
}

// lifeLines are the dates that the register gives.
func lifeLines(r record) []Fact {
	out := []Fact{line(r)}
	for _, d := range []struct{ field, word string }{{"go_live", "went live"}, {"intended_use_changed_at", "its intended use changed"},
		{"tier_changed_at", "its risk tier changed"}, {"retired_at", "was retired"}} {
		if at := r.time(d.field); !at.IsZero() {
			out = append(out, r.fact(at, "the register says: "+d.word))
		}
	}
	return out
}

// counted sums up records of which there are many: a line for each metric, or
// for each month of decisions.
func counted(kind string, list []record) []Fact {
	groups := map[string][]record{}
	for _, r := range list {
		name := r.text("metric")
		if kind == "oversight.human_decision" {
			name = "decisions of people in " + r.EventTime.Format("2006-01")
		}
		groups[name] = append(groups[name], r)
	}
	var out []Fact
	for _, name := range sortedKeys(groups) {
		g := groups[name]
		first, last := g[0], g[len(g)-1]
		text := fmt.Sprintf("%s: %d on record from %s to %s", name, len(g), day(first.EventTime), day(last.EventTime))
		if v, ok := last.number("value"); ok {
			text += fmt.Sprintf("; the last %g", v)
			if t, ok := last.number("threshold"); ok {
				text += fmt.Sprintf(", threshold %g", t)
			}
		}
		f := last.fact(last.EventTime, text)
		f.Records = len(g)
		out = append(out, f)
	}
	return out
}
