package ask

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// incidents answers how each incident went: from detection to the check that
// what was done about its cause worked.
func (w *World) incidents(s System) []Part {
	var out []Part
	for _, r := range w.of("jira.incident", s.ID) {
		out = append(out, w.incident(r))
	}
	if len(out) == 0 && s.ID != "" {
		out = append(out, w.none("incident-handled", "No incident names this system"))
	}
	return out
}

// judgesIncident picks the results about incidents of a system, and about the
// actions that followed: these name no system themselves.
func (w *World) judgesIncident(s System) func(*assess.Result) bool {
	keys := map[string]bool{}
	for _, r := range w.of("jira.incident", s.ID) {
		keys[r.Subject.ID] = true
		for _, a := range w.actions(r) {
			keys[a.Subject.ID], keys[a.text("action_id")], keys[a.text("nc_id")] = true, true, true
		}
	}
	return func(r *assess.Result) bool { return r.Subject.ID != "" && keys[r.Subject.ID] }
}

// incident is the course of one incident.
func (w *World) incident(r record) Part {
	key := or(r.text("key"), r.Subject.ID)
	p := Part{Title: strings.TrimSpace(key + " " + r.text("summary"))}
	about := "severity " + or(r.text("severity"), "not stated")
	if harm := r.text("harm_type"); harm != "" {
		about += ", harm " + harm
	}
	p.Note = about
	for _, step := range []struct{ field, word string }{
		{"detected_at", "detected"}, {"declared_at", "declared"}, {"contained_at", "contained"}, {"resolved_at", "resolved"},
	} {
		if at := r.time(step.field); !at.IsZero() {
			p.Facts = append(p.Facts, r.fact(at, step.word))
			continue
		}
		mark := Absent
		if step.field == "resolved_at" && w.statusOf("incident-handled", r) == assess.StatusDue {
			mark = Pending
		}
		p.Facts = append(p.Facts, r.fact(r.time(""), "no time on record: "+step.word).marked(mark))
	}
	p.Facts = append(p.Facts, w.notices(r, key)...)
	if cause := r.text("rca_link"); cause != "" {
		p.Facts = append(p.Facts, r.fact(r.time(""), "cause: "+cause))
	} else {
		p.Facts = append(p.Facts, r.fact(r.time(""), "cause: none on record").marked(Absent))
	}
	return w.withActions(p, r)
}

func (w *World) statusOf(slug string, r record) assess.Status {
	for _, res := range w.results[slug] {
		if res.Subject == r.Subject {
			return res.Status
		}
	}
	return assess.StatusNotAssessed
}

// notices says whether others had to be told, and who was.
func (w *World) notices(r record, key string) []Fact {
	var out []Fact
	by := or(r.text("decision_by"), "nobody named")
	switch notifiable, known := r.yes("notifiable"); {
	case !known:
		out = append(out, r.fact(r.time("notifiable_decided_at"), "whether others had to be told is not on record").marked(Absent))
	case notifiable:
		out = append(out, r.fact(r.time("notifiable_decided_at"), "others had to be told, decided by "+by))
	default:
		out = append(out, r.fact(r.time("notifiable_decided_at"), "nobody had to be told, decided by "+by))
	}
	for _, c := range w.kinds["incident.communication"] {
		if c.text("incident_key") != key {
			continue
		}
		f := c.fact(c.time("sent_at"), "told "+or(c.text("recipient_class"), "somebody")+" by "+or(c.text("channel"), "an unnamed channel"))
		if due := c.time("due_at"); !due.IsZero() && c.time("sent_at").After(due) {
			f.Text += fmt.Sprintf(", %s after it was due", span(c.time("sent_at").Sub(due)))
			f.Mark = Late
		} else if c.time("sent_at").IsZero() {
			f.Text, f.Mark = "to tell "+or(c.text("recipient_class"), "somebody")+" by "+day(due)+": nothing was sent", Absent
		}
		out = append(out, f)
	}
	return out
}

// actions returns the corrective actions that an incident links to, or that
// name it.
func (w *World) actions(incident record) []record {
	keys, key := incident.texts("corrective_action_keys"), or(incident.text("key"), incident.Subject.ID)
	var out []record
	for _, a := range w.kinds["corrective_action.record"] {
		if a.text("nc_id") == key || slices.Contains(keys, a.text("action_id")) || slices.Contains(keys, a.Subject.ID) {
			out = append(out, a)
		}
	}
	return out
}

func (w *World) withActions(p Part, incident record) Part {
	actions := w.actions(incident)
	for _, a := range actions {
		p.Facts = append(p.Facts, w.action(a)...)
	}
	for _, key := range incident.texts("corrective_action_keys") {
		if !slices.ContainsFunc(actions, func(a record) bool { return a.text("action_id") == key || a.Subject.ID == key }) {
			p.Facts = append(p.Facts, incident.fact(incident.time(""), "corrective action "+key+" is linked, and no record of it was read").marked(Absent))
		}
	}
	if len(actions) == 0 && len(incident.texts("corrective_action_keys")) == 0 {
		p.Facts = append(p.Facts, incident.fact(incident.time(""), "no corrective action is linked").marked(Absent))
	}
	return p
}

// action is a corrective action and its verification.
func (w *World) action(a record) []Fact {
	id, due := or(a.text("action_id"), a.Key), a.time("due")
	done := a.fact(a.time("implemented_at"), fmt.Sprintf("action %s of %s done", id, or(a.text("owner"), "nobody named")))
	switch at := a.time("implemented_at"); {
	case at.IsZero() && !due.IsZero() && due.Before(w.now()):
		done.Text, done.Mark = fmt.Sprintf("action %s of %s was due on %s and is not done", id, or(a.text("owner"), "nobody named"), day(due)), Absent
	case at.IsZero():
		done.Text, done.Mark = fmt.Sprintf("action %s of %s is open, due on %s", id, or(a.text("owner"), "nobody named"), day(due)), Pending
	case !due.IsZero() && at.After(due):
		done.Text += fmt.Sprintf(", %s after it was due", span(at.Sub(due)))
		done.Mark = Late
	}
	return []Fact{done, w.verification(a, id)}
}

func (w *World) verification(a record, id string) Fact {
	at, by := a.time("verified_at"), a.text("verified_by")
	if at.IsZero() {
		mark := Absent
		if a.time("implemented_at").IsZero() {
			mark = Pending
		}
		return a.fact(at, "action "+id+": nobody verified that it works").marked(mark)
	}
	word := "and does not say whether it works"
	if effective, known := a.yes("effective"); known {
		word = map[bool]string{true: "and found it to work", false: "and found it not to work"}[effective]
	}
	f := a.fact(at, fmt.Sprintf("action %s verified by %s, %s", id, or(by, "nobody named"), word))
	if same(by, a.text("owner")) || same(by, a.text("implemented_by")) {
		f.Text += "; whoever verified it owned it or did it"
	}
	return f
}
