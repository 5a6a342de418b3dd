package ask

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// sampleSize is how many decisions of people an answer shows.
const sampleSize = 10

// oversight answers what people review: the rule, how much was reviewed in the
// last full month and with what outcome, and decisions to look at.
func (w *World) oversight(s System) []Part {
	if s.ID == "" {
		return nil
	}
	rule, ok := w.newestRule(s)
	parts := []Part{{Title: "The rule"}}
	if ok {
		parts[0].Facts = []Fact{ruleFact(rule)}
	}
	from, to := lastMonth(w.now())
	var all, month []record
	for _, r := range w.of("oversight.human_decision", s.ID) {
		at := r.time("decided_at")
		if at.IsZero() || at.After(w.now()) {
			continue
		}
		all = append(all, r)
		if !at.Before(from) && at.Before(to) {
			month = append(month, r)
		}
	}
	return append(parts, reviewed(rule, month, from), w.sampled(s, all, month, from))
}

func (w *World) newestRule(s System) (record, bool) {
	var rule record
	found := false
	for _, r := range w.of("oversight.rule", s.ID) {
		if at := r.time("approved_at"); !at.IsZero() && !at.After(w.now()) {
			rule, found = r, true // they come in order
		}
	}
	return rule, found
}

func ruleFact(r record) Fact {
	q := r.object("required_review")
	text := fmt.Sprintf("version %s, approved on %s: %s: %s is reviewed by %s", or(r.text("version"), "unknown"), day(r.time("approved_at")),
		or(r.text("decision_class"), "no class of decisions named"), or(q.text("level"), "how much, it does not say,"), or(q.text("who"), "nobody named"))
	if when := q.text("when"); when != "" {
		text += ", " + when
	}
	if share, ok := q.number("share"); ok {
		text += fmt.Sprintf("; share of outputs %g", share)
	}
	if least, ok := q.number("min_seconds"); ok {
		text += fmt.Sprintf("; at least %g seconds each", least)
	}
	return r.fact(r.time("approved_at"), text+"; right to overrule: "+or(r.text("override_rights"), "none stated"))
}

// lastMonth returns the bounds of the last full month.
func lastMonth(now time.Time) (from, to time.Time) {
	now = now.UTC()
	to = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return to.AddDate(0, -1, 0), to
}

// reviewed counts what people did with the outputs of a month.
func reviewed(rule record, month []record, from time.Time) Part {
	p := Part{Title: "Reviewed in " + from.Format("January 2006")}
	if len(month) == 0 {
		return p
	}
	n, actions, by := 0, map[string]int{}, map[string][]record{}
	for _, r := range month {
		if r.text("reviewer") == "" || r.text("action") == "" {
			continue
		}
		n++
		actions[r.text("action")]++
		by[strings.ToLower(r.text("reviewer"))] = append(by[strings.ToLower(r.text("reviewer"))], r)
	}
	text := fmt.Sprintf("%d of %d outputs on record were reviewed", n, len(month))
	if share, ok := rule.object("required_review").number("share"); ok {
		text += fmt.Sprintf("; the rule asks for %g of them, which is %s", share, strings.TrimSuffix(fmt.Sprintf("%.1f", share*float64(len(month))), ".0"))
	}
	p.Facts = append(p.Facts, Fact{Text: text, Kind: "oversight.human_decision", Records: len(month)},
		Fact{Text: fmt.Sprintf("overruled %d, rejected %d, edited %d, accepted %d", actions["override"], actions["reject"], actions["edit"], actions["accept"]),
			Kind: "oversight.human_decision", Records: n})
	for _, who := range sortedKeys(by) {
		p.Facts = append(p.Facts, Fact{Text: reviewerWord(by[who]), Kind: "oversight.human_decision", Records: len(by[who])})
	}
	return p
}

func reviewerWord(list []record) string {
	var seconds []float64
	accepted := 0
	for _, r := range list {
		if v, ok := r.number("latency_s"); ok {
			seconds = append(seconds, v)
		}
		if r.text("action") == "accept" {
			accepted++
		}
	}
	text := fmt.Sprintf("%s reviewed %d, accepted %d", list[0].text("reviewer"), len(list), accepted)
	if len(seconds) == 0 {
		return text + "; nothing says how long a review took"
	}
	sort.Float64s(seconds)
	return fmt.Sprintf("%s; median %g seconds", text, seconds[(len(seconds)-1)/2])
}

// sampled draws decisions by rank, so that anybody can draw them again.
func (w *World) sampled(s System, all, month []record, from time.Time) Part {
	from2, what := month, "of the last full month"
	if len(month) == 0 {
		from2, what = all, "of all on record, as the last full month has none"
	}
	if len(from2) == 0 {
		return Part{Title: "Decisions to look at"}
	}
	seed := or(w.o.Seed, s.ID+" "+from.Format("2006-01"))
	rank := func(r record) string {
		return evidence.Sum([]byte(seed + "\n" + or(r.text("decision_id"), r.Key))).String()
	}
	drawn := slices.Clone(from2)
	slices.SortFunc(drawn, func(x, y record) int { return strings.Compare(rank(x), rank(y)) })
	drawn = drawn[:min(sampleSize, len(drawn))]
	p := Part{Title: "Decisions to look at", Note: fmt.Sprintf("%d %s, %d in all: the lowest SHA-256 of seed %q, a line feed and the decision's id",
		len(drawn), what, len(from2), seed)}
	for _, r := range drawn {
		text := fmt.Sprintf("%s: %s by %s", or(r.text("decision_id"), r.Key), or(r.text("action"), "no action recorded"), or(r.text("reviewer"), "nobody named"))
		if v, ok := r.number("latency_s"); ok {
			text += fmt.Sprintf(" in %g seconds", v)
		}
		if ref := r.text("ai_output_ref"); ref != "" {
			text += ", output " + ref
		}
		p.Facts = append(p.Facts, r.fact(r.time("decided_at"), text))
	}
	return p
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
