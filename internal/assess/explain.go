package assess

import (
	"fmt"
	"slices"
	"strings"
)

// Explanation says in words how an expectation in force is judged. Conditions
// stand as they are written; everything else is a sentence.
type Explanation struct {
	InForce
	AppliesTo   []string    `json:"applies_to"`            // one for each population
	Looks       []string    `json:"looks_at,omitempty"`    // records joined to the subject
	Order       []Condition `json:"conditions"`            // in the order in which they decide
	Freshness   string      `json:"freshness"`             // what ages, and when it is too old
	Duty        []string    `json:"duty,omitempty"`        // deadlines that a subject opens
	Invalidated []Condition `json:"invalidated,omitempty"` // what makes satisfied stale
}

// Condition is something that must hold, and what follows when it does not.
type Condition struct {
	That    string `json:"that"`
	Else    Status `json:"else"`
	Because string `json:"because"`
}

// Explain returns how an expectation is judged; ok is false if there is none
// of that name.
func (eng *Engine) Explain(slug string) (Explanation, bool) {
	i := slices.IndexFunc(eng.rules, func(r *rule) bool { return r.Slug == slug })
	if i < 0 {
		return Explanation{}, false
	}
	r := eng.rules[i]
	x := Explanation{InForce: r.inForce(), Freshness: r.freshnessWords(), Order: []Condition{}}
	for i := range r.Population {
		d := &r.Population[i]
		x.AppliesTo = append(x.AppliesTo, d.words())
		x.Looks = append(x.Looks, joinWords(d.Uses)...)
		x.Order = append(x.Order, conditions(d.Checks)...)
		x.Duty = append(x.Duty, d.Duty.words()...)
	}
	x.Looks = append(x.Looks, joinWords(r.Uses)...)
	x.Order = append(x.Order, conditions(r.Checks)...)
	x.Order = append(x.Order, conditions(r.Freshness.Qualifies)...)
	x.Duty = append(x.Duty, r.Duty.words()...)
	for _, in := range r.Invalidated {
		x.Invalidated = append(x.Invalidated, Condition{That: in.When.text, Else: StatusStale, Because: in.Because.text})
	}
	return x, true
}

func (d *populationDef) words() string {
	if d.Kind == organization {
		if d.Where.empty() {
			return "the organisation itself"
		}
		return "the organisation itself, if " + oneLine(d.Where.text)
	}
	out := "each record of " + d.Kind
	if d.As != "" {
		out += " (as " + d.As + ")"
	}
	if !d.Where.empty() {
		out += " for which " + oneLine(d.Where.text)
	}
	return out
}

func joinWords(uses map[string]joinDef) []string {
	var out []string
	for name, j := range uses {
		s := name + ": records of " + j.Kind
		var fields []string
		for field, e := range j.Match {
			fields = append(fields, field+" is "+oneLine(e.text))
		}
		slices.Sort(fields)
		if len(fields) > 0 {
			s += " whose " + strings.Join(fields, " and ")
		}
		if !j.Where.empty() {
			s += ", for which " + oneLine(j.Where.text)
		}
		if j.Optional {
			s += " (if they are collected)"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func conditions(list []checkDef) []Condition {
	var out []Condition
	for _, c := range list {
		status := Status(c.Otherwise)
		if status == "" {
			status = StatusFailing
		}
		out = append(out, Condition{That: oneLine(c.That.text), Else: status, Because: oneLine(c.Because.text)})
	}
	return out
}

func (d *dutyDef) words() []string {
	if d == nil {
		return nil
	}
	days := ""
	if d.BusinessDays {
		days = " business days"
	}
	s := fmt.Sprintf("answered within %s%s of its time", d.Within, days)
	if !d.Until.empty() {
		s += ", or before " + oneLine(d.Until.text) + " if that is earlier"
	}
	return []string{s + ": due until then; missing after it without an answer, failing with a late one. Answered means " +
		oneLine(d.Answered.text) + ", at " + oneLine(d.AnsweredAt.text)}
}

func (r *rule) freshnessWords() string {
	f := r.Freshness
	read := "Each kind that is needed must have been read completely within " + span(f.CollectionMaxAge) + "; after that the result is stale."
	of := "what it looks at"
	if len(f.Of) > 0 {
		of = strings.Join(f.Of, " and ")
	}
	switch f.Mode {
	case modePeriodic:
		return fmt.Sprintf("The newest of %s that qualifies may be %s old, counted from when it happened: reading it again renews nothing. ", of, span(f.EventMaxAge)) + read
	case modePerEvent:
		return fmt.Sprintf("Every occurrence of the last %s is judged on its own. ", span(f.Lookback)) + read
	case modeContinuous:
		return fmt.Sprintf("Between two of %s there may be %s at most, over the last %s. ", of, span(f.EventMaxAge), span(f.Lookback)) + read
	}
	return "Judged on the state as it was last read. " + read
}

// oneLine folds the white space of a condition that was written over lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
