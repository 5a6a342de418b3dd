package sheets

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var incidentsLayout = Layout{Name: "Incidents",
	About: "AI incidents from detection to the check that what was done about them works, with who had to be told.",
	Tab:   "B3361B", Large: true, Frozen: 1, Columns: tail(
		Column{"key", 14}, Column{"systems", 24}, Column{"severity", 10}, Column{"detected (UTC)", 18}, Column{"declared (UTC)", 18},
		Column{"contained (UTC)", 18}, Column{"resolved (UTC)", 18}, Column{"notifiable", 12}, Column{"decided by", 24},
		Column{"decided (UTC)", 18}, Column{"notices due and sent", 36}, Column{"cause", 36}, Column{"corrective actions", 18},
		Column{"effectiveness check", 34}, Column{"summary", 36}, Column{"harm", 18}, Column{"status", 12})}

func incidentKinds() []string {
	return []string{"jira.incident", "incident.communication", "corrective_action.record", "nonconformity.record"}
}

// incident is what the sheet shows of a jira.incident.
type incident struct {
	Key        string   `json:"key"`
	Summary    string   `json:"summary"`
	Status     string   `json:"status"`
	Systems    []string `json:"system_ids"`
	Severity   string   `json:"severity"`
	Harm       string   `json:"harm_type"`
	Detected   when     `json:"detected_at"`
	Declared   when     `json:"declared_at"`
	Contained  when     `json:"contained_at"`
	Resolved   when     `json:"resolved_at"`
	Notifiable *bool    `json:"notifiable"`
	DecisionBy string   `json:"decision_by"`
	DecidedAt  when     `json:"notifiable_decided_at"`
	Cause      string   `json:"rca_link"`
	Actions    []string `json:"corrective_action_keys"`
}

// notice is what the sheet shows of an incident.communication.
type notice struct {
	Incident  string `json:"incident_key"`
	Recipient string `json:"recipient_class"`
	Due       when   `json:"due_at"`
	Sent      when   `json:"sent_at"`
	Channel   string `json:"channel"`
	By        string `json:"decision_by"`
}

// incidentJoins are the records that say what came of incidents.
type incidentJoins struct {
	notices map[string][]notice
	actions map[string]action // by id
	about   map[string][]action
	causes  map[string]string // by nonconformity, which may be the incident
	people  *names
}

// incidents writes one row per incident, oldest first.
func (b *Book) incidents(ctx context.Context, w Writer) error {
	list, err := recordsOf[incident](ctx, b, "jira.incident")
	if err != nil {
		return err
	}
	j, err := b.incidentJoins(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(x, y record[incident]) int {
		return cmp.Or(cmp.Compare(first(x.v.Declared, x.v.Detected), first(y.v.Declared, y.v.Detected)), cmp.Compare(x.v.Key, y.v.Key))
	})
	return rows(b, w, incidentsLayout, list, func(r *record[incident]) error {
		if r.broken != "" {
			return b.brokenRow(w, incidentsLayout, r.item)
		}
		return b.incidentRow(w, r, j)
	}, "jira.incident")
}

// first is the earliest known of instants, for sorting.
func first(list ...when) int64 {
	for _, t := range list {
		if !t.IsZero() {
			return t.UnixNano()
		}
	}
	return 0
}

func (b *Book) incidentJoins(ctx context.Context) (*incidentJoins, error) {
	j := &incidentJoins{notices: map[string][]notice{}, actions: map[string]action{}, about: map[string][]action{}, causes: map[string]string{}}
	var err error
	if j.people, err = b.directory(ctx); err != nil {
		return nil, err
	}
	notices, err := recordsOf[notice](ctx, b, "incident.communication")
	if err != nil {
		return nil, err
	}
	for _, r := range notices {
		j.notices[r.v.Incident] = append(j.notices[r.v.Incident], r.v)
	}
	actions, err := recordsOf[action](ctx, b, "corrective_action.record")
	if err != nil {
		return nil, err
	}
	for _, r := range actions {
		j.actions[r.v.ID] = r.v
		j.about[r.v.NC] = append(j.about[r.v.NC], r.v)
	}
	ncs, err := recordsOf[nonconformity](ctx, b, "nonconformity.record")
	if err != nil {
		return nil, err
	}
	for _, r := range ncs {
		j.causes[r.v.ID] = r.v.Cause
	}
	return j, nil
}

func (b *Book) incidentRow(w Writer, r *record[incident], j *incidentJoins) error {
	v := &r.v
	w.Text(firstOf(v.Key, r.subject.ID))
	w.List(b.systemNames(v.Systems))
	w.Text(v.Severity)
	w.Date(v.Detected.Time)
	w.Date(v.Declared.Time)
	w.Date(v.Contained.Time)
	w.Date(v.Resolved.Time)
	established(w, v.Notifiable)
	w.Text(j.people.label(v.DecisionBy))
	w.Date(v.DecidedAt.Time)
	w.List(noticeTexts(j.notices[v.Key]))
	w.Text(joined("\n", j.causes[v.Key], v.Cause))
	actions := j.of(v)
	w.List(actions)
	w.List(j.checks(actions))
	w.Text(v.Summary)
	w.Text(v.Harm)
	w.Text(v.Status)
	return b.shown(w, r.item)
}

// of lists the actions of an incident: those it names, and those that name it.
func (j *incidentJoins) of(v *incident) []string {
	ids := slices.Clone(v.Actions)
	for _, a := range j.about[v.Key] {
		ids = append(ids, a.ID)
	}
	return distinct(ids)
}

// checks says of each action whether somebody found that it works.
func (j *incidentJoins) checks(ids []string) []string {
	var out []string
	for _, id := range ids {
		a, known := j.actions[id]
		switch {
		case !known:
			out = append(out, id+": no record of it")
		case a.Verified.IsZero() && a.Effective == nil:
			out = append(out, id+": not checked")
		default:
			out = append(out, id+": "+joined(", ", effectText(a.Effective), joined(" ", "checked by", firstOf(a.VerifiedBy, "nobody named")), onDay(a.Verified.Time)))
		}
	}
	return out
}

func effectText(v *bool) string {
	switch {
	case v == nil:
		return "effect not stated"
	case *v:
		return "effective"
	}
	return "not effective"
}

func noticeTexts(list []notice) []string {
	var out []string
	for _, n := range list {
		text := n.Recipient + ":"
		if !n.Due.IsZero() {
			text += " due " + onDay(n.Due.Time)
		}
		if n.Sent.IsZero() {
			text += " not sent"
		} else {
			text += " sent " + onDay(n.Sent.Time)
		}
		out = append(out, strings.TrimSpace(text))
	}
	slices.Sort(out)
	return out
}

// effectStatus are the colours of whether an action works.
func effectStatus(v *bool) assess.Status {
	switch {
	case v == nil:
		return assess.StatusNotAssessed
	case *v:
		return assess.StatusSatisfied
	}
	return assess.StatusFailing
}
