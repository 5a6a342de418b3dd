package readiness

import (
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// States of a clause or control in the audit programme.
const (
	AuditDone    = "audited"
	AuditPlanned = "planned"
	AuditLate    = "late"        // its date has passed without an audit
	AuditNone    = "not planned" // by no audit of the programme in force, and not audited
)

// Audited is what the audit programme says of a clause or control, and what
// was done.
type Audited struct {
	Control   string    `json:"control"`
	Title     string    `json:"title"`
	State     string    `json:"state"`
	Cycle     string    `json:"cycle,omitempty"`
	PlannedAt time.Time `json:"planned_at,omitzero"` // the first date that nothing has answered yet, else the last one
	AuditedAt time.Time `json:"audited_at,omitzero"`
	Audit     string    `json:"audit,omitempty"`
	Auditor   string    `json:"auditor,omitempty"`
}

// early is how much before its planned date an audit may take place.
const early = 92 * 24 * time.Hour

// Programme holds each clause and each control that applies against the newest
// approved programme and the internal audits that were done.
func Programme(a *assess.Assessment, all Records) []Audited {
	var plan Record
	for _, p := range all.Of("audit.programme") {
		if by, at := p.Approval(); by != "" && !at.After(a.AsOf) {
			plan = p
			break
		}
	}
	out := []Audited{}
	for _, c := range a.Controls {
		if !c.Applicable {
			continue
		}
		row := Audited{Control: c.ID, Title: c.Title, State: AuditNone}
		row.done(all, a.AsOf)
		row.planned(plan, a.AsOf)
		out = append(out, row)
	}
	return out
}

// covers reports whether an audit looks at a clause or control, by itself or
// by what it is a part of.
func covers(audit Record, control string) bool {
	for _, field := range []string{"clauses", "controls"} {
		for _, p := range audit.Texts(field) {
			if p == control || strings.HasPrefix(control, p+".") {
				return true
			}
		}
	}
	return false
}

// done finds the newest audit.
func (row *Audited) done(all Records, now time.Time) {
	for _, audit := range all.Of("audit.internal") {
		if at := audit.Time("performed_at"); covers(audit, row.Control) && !at.IsZero() && !at.After(now) {
			row.State, row.AuditedAt, row.Audit, row.Auditor = AuditDone, at, audit.Text("audit_id"), audit.Text("auditor")
			return
		}
	}
}

// planned finds the first planned date that no audit has answered.
func (row *Audited) planned(plan Record, now time.Time) {
	for _, audit := range plan.Objects("audits") {
		at := audit.Time("planned_at")
		if at.IsZero() || !covers(audit, row.Control) {
			continue
		}
		row.Cycle = plan.Text("cycle")
		answered := !row.AuditedAt.IsZero() && !row.AuditedAt.Before(at.Add(-early))
		switch {
		case answered:
			if row.PlannedAt.IsZero() {
				row.PlannedAt = at
			}
		case at.Before(now):
			row.State, row.PlannedAt = AuditLate, at
			return
		default:
			if row.State == AuditNone {
				row.State = AuditPlanned
			}
			if row.PlannedAt.IsZero() || at.Before(row.PlannedAt) || row.PlannedAt.Before(now) {
				row.PlannedAt = at
			}
		}
	}
}

// programme counts it for an item.
func (r *Ready) programme(w World) {
	rows, by := Programme(w.Assessment, w.Records), map[string][]string{}
	for _, row := range rows {
		by[row.State] = append(by[row.State], row.Control)
	}
	r.line("%d of %d clauses and controls audited, %d planned, %d late, %d not planned", len(by[AuditDone]), len(rows), len(by[AuditPlanned]), len(by[AuditLate]), len(by[AuditNone]))
	if len(by[AuditLate]) > 0 {
		r.miss("planned and not audited: %s", strings.Join(by[AuditLate], ", "))
	}
	if len(by[AuditNone]) > 0 {
		r.miss("neither planned nor audited: %s", strings.Join(by[AuditNone], ", "))
	}
}
