package sheets

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

var auditLayout = Layout{Name: "Audit and review",
	About: "Internal audits, their programme, management reviews and improvements.",
	Tab:   "4F6D8A", Large: true, Frozen: 1, Columns: tail(
		Column{"id", 16}, Column{"type", 18}, Column{"date (UTC)", 18}, Column{"scope", 44}, Column{"persons", 40},
		Column{"independence check", 28}, Column{"findings", 34}, Column{"inputs covered", 44}, Column{"decisions and state", 60},
		Column{"reported or approved", 28})}

func auditKinds() []string {
	return []string{"audit.internal", "review.management", "audit.programme", "improvement.record"}
}

// internalAudit is what the sheet shows of an audit.internal.
type internalAudit struct {
	ID          string   `json:"audit_id"`
	Scope       string   `json:"scope"`
	Clauses     []string `json:"clauses"`
	Controls    []string `json:"controls"`
	Systems     []string `json:"systems"`
	Auditor     string   `json:"auditor"`
	Independent *bool    `json:"auditor_independent"`
	Performed   when     `json:"performed_at"`
	Findings    []string `json:"findings"`
	ReportedTo  string   `json:"reported_to"`
	Reported    when     `json:"reported_at"`
}

// programme is what the sheet shows of an audit.programme.
type programme struct {
	Cycle  string `json:"cycle"`
	Audits []struct {
		Scope    string   `json:"scope"`
		Clauses  []string `json:"clauses"`
		Controls []string `json:"controls"`
		Systems  []string `json:"systems"`
		Planned  when     `json:"planned_at"`
		Auditor  string   `json:"auditor"`
	} `json:"audits"`
	Approved   when   `json:"approved_at"`
	ApprovedBy string `json:"approved_by"`
}

// review is what the sheet shows of a review.management.
type review struct {
	ID        string                     `json:"review_id"`
	Held      when                       `json:"held_at"`
	Chair     string                     `json:"chair"`
	Attendees []string                   `json:"attendees"`
	Inputs    map[string]json.RawMessage `json:"inputs"`
	Decisions []struct {
		Text      string `json:"text"`
		Owner     string `json:"owner"`
		Due       when   `json:"due"`
		Status    string `json:"status"`
		Item      string `json:"item"`
		RedecAt   when   `json:"redecided_at"`
		Redecided when   `json:"redecided_due"`
	} `json:"decisions"`
}

// improvement is what the sheet shows of an improvement.record.
type improvement struct {
	ID          string `json:"id"`
	Source      string `json:"source"`
	Description string `json:"description"`
	Implemented when   `json:"implemented_at"`
	Ref         string `json:"evidence_ref"`
}

// auditRow is one row, from whichever kind.
type auditRow struct {
	item
	id, typ, scope, independence, closing string
	at                                    time.Time
	persons, findings, inputs, decisions  []string
}

// audits writes one row per audit, programme, review and improvement, oldest
// first.
func (b *Book) audits(ctx context.Context, w Writer) error {
	var list []auditRow
	for _, read := range []func(context.Context) ([]auditRow, error){b.internalAudits, b.programmes, b.reviews, b.improvements} {
		part, err := read(ctx)
		if err != nil {
			return err
		}
		list = append(list, part...)
	}
	slices.SortStableFunc(list, func(x, y auditRow) int {
		return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.typ, y.typ), cmp.Compare(x.id, y.id))
	})
	return rows(b, w, auditLayout, list, func(r *auditRow) error {
		if r.broken != "" {
			return b.brokenRow(w, auditLayout, r.item)
		}
		w.Text(r.id)
		w.Text(r.typ)
		w.Date(r.at)
		w.Text(r.scope)
		w.List(r.persons)
		w.Text(r.independence)
		w.List(r.findings)
		w.List(r.inputs)
		w.List(r.decisions)
		w.Text(r.closing)
		return b.shown(w, r.item)
	}, auditKinds()...)
}

func (b *Book) internalAudits(ctx context.Context) ([]auditRow, error) {
	people, err := b.directory(ctx)
	if err != nil {
		return nil, err
	}
	findings, err := recordsOf[auditFinding](ctx, b, "audit.finding")
	if err != nil {
		return nil, err
	}
	list, err := recordsOf[internalAudit](ctx, b, "audit.internal")
	if err != nil {
		return nil, err
	}
	var out []auditRow
	for _, r := range list {
		v := &r.v
		row := auditRow{item: r.item, id: firstOf(v.ID, r.key), typ: "internal audit", at: v.Performed.Time,
			scope:        joined("\n", v.Scope, coverText(v.Clauses, v.Controls, b.systemNames(v.Systems))),
			persons:      []string{joined(" ", "auditor", firstOf(people.label(v.Auditor), "not named"))},
			independence: b.independence(v, people),
			closing:      joined(" ", "reported to", firstOf(people.label(v.ReportedTo), "nobody named"), onDay(v.Reported.Time))}
		for _, f := range findings {
			if f.v.Source == v.ID && !slices.Contains(v.Findings, f.v.ID) {
				v.Findings = append(v.Findings, f.v.ID)
			}
		}
		for _, id := range v.Findings {
			row.findings = append(row.findings, findingText(id, findings))
		}
		out = append(out, row)
	}
	return out, nil
}

// independence says what is stated about the auditor, and whose systems the
// audit looked at.
func (b *Book) independence(v *internalAudit, people *names) string {
	text := "not stated"
	if v.Independent != nil {
		text = "stated: " + yesNo(*v.Independent)
	}
	if v.Auditor == "" {
		return text
	}
	var own []string
	for _, id := range v.Systems {
		if s := b.system(id); people.same(v.Auditor, s.Owner) || people.same(v.Auditor, s.Deputy) {
			own = append(own, id)
		}
	}
	if len(own) > 0 {
		return text + "; owns or deputises for " + strings.Join(own, ", ")
	}
	return text + "; neither owner nor deputy of a system audited"
}

func findingText(id string, list []record[auditFinding]) string {
	for _, f := range list {
		if f.v.ID == id {
			return id + ": " + joined(", ", f.v.Grade, f.v.Clause, closedText(f.v.Closed.Time))
		}
	}
	return id
}

func coverText(clauses, controls, systems []string) string {
	part := func(name string, list []string) string {
		if len(list) == 0 {
			return ""
		}
		return name + " " + strings.Join(list, ", ")
	}
	return joined("; ", part("clauses", clauses), part("controls", controls), part("systems", systems))
}

func (b *Book) programmes(ctx context.Context) ([]auditRow, error) {
	people, err := b.directory(ctx)
	if err != nil {
		return nil, err
	}
	list, err := recordsOf[programme](ctx, b, "audit.programme")
	if err != nil {
		return nil, err
	}
	var out []auditRow
	for _, r := range list {
		row := auditRow{item: r.item, id: firstOf(r.v.Cycle, r.key), typ: "audit programme", at: r.v.Approved.Time,
			closing: joined(" ", "approved by", firstOf(people.label(r.v.ApprovedBy), "nobody named"), onDay(r.v.Approved.Time))}
		var scopes []string
		for _, a := range r.v.Audits {
			scopes = append(scopes, joined(": ", onDay(a.Planned.Time), joined("; ", a.Scope, coverText(a.Clauses, a.Controls, b.systemNames(a.Systems)))))
			row.persons = append(row.persons, people.label(a.Auditor))
		}
		row.scope, row.persons = strings.Join(scopes, "\n"), distinct(row.persons)
		out = append(out, row)
	}
	return out, nil
}

func (b *Book) reviews(ctx context.Context) ([]auditRow, error) {
	people, err := b.directory(ctx)
	if err != nil {
		return nil, err
	}
	list, err := recordsOf[review](ctx, b, "review.management")
	if err != nil {
		return nil, err
	}
	var out []auditRow
	for _, r := range list {
		row := auditRow{item: r.item, id: firstOf(r.v.ID, r.key), typ: "management review", at: r.v.Held.Time}
		if r.v.Chair != "" {
			row.persons = []string{"chair " + people.label(r.v.Chair)}
		}
		if len(r.v.Attendees) > 0 {
			row.persons = append(row.persons, "present: "+strings.Join(people.labels(r.v.Attendees), ", "))
		}
		for _, name := range sortedKeys(r.v.Inputs) {
			row.inputs = append(row.inputs, strings.ReplaceAll(name, "_", " ")+": "+plainJSON(r.v.Inputs[name]))
		}
		for _, d := range r.v.Decisions {
			due := d.Due.Time
			text := joined(", ", d.Text, people.label(d.Owner), d.Item)
			if !d.RedecAt.IsZero() && !d.Redecided.IsZero() {
				due = d.Redecided.Time
			}
			text += ": " + firstOf(d.Status, "state not stated") + ", " + dueText(due)
			if !doneWord(d.Status) && !due.IsZero() && due.Before(b.snap.AsOf) {
				text += ", overdue"
			}
			row.decisions = append(row.decisions, text)
		}
		out = append(out, row)
	}
	return out, nil
}

// plainJSON is a value of a payload for people: a text without its quotes.
func plainJSON(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func (b *Book) improvements(ctx context.Context) ([]auditRow, error) {
	list, err := recordsOf[improvement](ctx, b, "improvement.record")
	if err != nil {
		return nil, err
	}
	var out []auditRow
	for _, r := range list {
		row := auditRow{item: r.item, id: firstOf(r.v.ID, r.key), typ: "improvement", at: r.v.Implemented.Time, scope: r.v.Description}
		if r.v.Source != "" {
			row.inputs = []string{"from: " + r.v.Source}
		}
		if r.v.Ref != "" {
			row.decisions = []string{"see " + r.v.Ref}
		}
		out = append(out, row)
	}
	return out, nil
}
