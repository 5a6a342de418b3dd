package sheets

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var ncLayout = Layout{Name: "NC and actions",
	About: "Nonconformities and findings with what was done about them: one row for each action, or for what has none.",
	Tab:   "B3361B", Large: true, Frozen: 1, Columns: tail(
		Column{"id", 16}, Column{"source", 16}, Column{"requirement", 12}, Column{"grade", 12}, Column{"raised (UTC)", 18},
		Column{"correction", 32}, Column{"cause", 32}, Column{"similar check", 28}, Column{"action", 14}, Column{"owner", 26},
		Column{"due (UTC)", 18}, Column{"done (UTC)", 18}, Column{"verified by", 26}, Column{"verified (UTC)", 18}, Column{"effective", 12},
		Column{"overdue", 9}, Column{"verified by another", 12}, Column{"description", 34}, Column{"status", 12})}

func ncKinds() []string {
	return []string{"nonconformity.record", "corrective_action.record", "audit.finding"}
}

// nonconformity is what the sheet shows of a nonconformity.record.
type nonconformity struct {
	ID          string `json:"nc_id"`
	Source      string `json:"source"`
	Clause      string `json:"clause"`
	Description string `json:"description"`
	Raised      when   `json:"raised_at"`
	Correction  string `json:"correction"`
	Cause       string `json:"cause"`
	Similar     string `json:"similar_check"`
	Status      string `json:"status"`
}

// action is what sheets show of a corrective_action.record.
type action struct {
	ID            string `json:"action_id"`
	NC            string `json:"nc_id"`
	Owner         string `json:"owner"`
	Due           when   `json:"due"`
	ExtendedTo    when   `json:"extended_to"`
	ExtendedBy    string `json:"extension_approved_by"`
	ExtendedAt    when   `json:"extension_approved_at"`
	Implemented   when   `json:"implemented_at"`
	ImplementedBy string `json:"implemented_by"`
	VerifiedBy    string `json:"verified_by"`
	Verified      when   `json:"verified_at"`
	Effective     *bool  `json:"effective"`
}

// due is the date that holds: a later one where somebody agreed to it.
func (a *action) due() time.Time {
	if !a.ExtendedTo.IsZero() && a.ExtendedBy != "" && !a.ExtendedAt.IsZero() {
		return a.ExtendedTo.Time
	}
	return a.Due.Time
}

// auditFinding is what sheets show of an audit.finding.
type auditFinding struct {
	ID     string `json:"finding_id"`
	Source string `json:"source"`
	Grade  string `json:"grade"`
	Clause string `json:"clause"`
	Raised when   `json:"raised_at"`
	Owner  string `json:"owner"`
	Due    when   `json:"due"`
	Closed when   `json:"closed_at"`
}

// ncRow is one row of the sheet, from the records that speak of it.
type ncRow struct {
	item
	id, status string
	nc         nonconformity
	grade      string
	act        *action
	owner      string
	due, done  time.Time
}

// ncs writes one row per action, and per nonconformity or finding without one.
func (b *Book) ncs(ctx context.Context, w Writer) error {
	list, err := b.ncRows(ctx)
	if err != nil {
		return err
	}
	people, err := b.directory(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(x, y ncRow) int {
		return cmp.Or(cmp.Compare(first(x.nc.Raised), first(y.nc.Raised)), cmp.Compare(x.id, y.id))
	})
	return rows(b, w, ncLayout, list, func(r *ncRow) error {
		if r.broken != "" {
			return b.brokenRow(w, ncLayout, r.item)
		}
		return b.ncRow(w, r, people)
	}, ncKinds()...)
}

// ncRows puts nonconformities, findings and actions together.
func (b *Book) ncRows(ctx context.Context) ([]ncRow, error) {
	ncs, err := recordsOf[nonconformity](ctx, b, "nonconformity.record")
	if err != nil {
		return nil, err
	}
	findings, err := recordsOf[auditFinding](ctx, b, "audit.finding")
	if err != nil {
		return nil, err
	}
	actions, err := recordsOf[action](ctx, b, "corrective_action.record")
	if err != nil {
		return nil, err
	}
	var out []ncRow
	graded, at := map[string]*auditFinding{}, map[string]ncRow{}
	for i := range findings {
		graded[findings[i].v.ID] = &findings[i].v
	}
	acted := map[string]bool{}
	for i := range actions {
		acted[actions[i].v.NC] = actions[i].broken == ""
	}
	for _, r := range ncs {
		row := ncRow{item: r.item, id: r.v.ID, nc: r.v, status: r.v.Status}
		if f := graded[r.v.ID]; f != nil {
			row.grade, row.owner, row.due = f.Grade, f.Owner, f.Due.Time
		}
		at[r.v.ID] = row
		if !acted[r.v.ID] || r.broken != "" {
			out = append(out, row)
		}
	}
	for _, r := range findings {
		row := ncRow{item: r.item, id: r.v.ID, grade: r.v.Grade, owner: r.v.Owner, due: r.v.Due.Time, done: r.v.Closed.Time,
			nc: nonconformity{Source: r.v.Source, Clause: r.v.Clause, Raised: r.v.Raised}, status: closedText(r.v.Closed.Time)}
		if _, known := at[r.v.ID]; known && r.broken == "" {
			continue // the nonconformity of the same id says more
		}
		at[r.v.ID] = row
		if !acted[r.v.ID] || r.broken != "" {
			out = append(out, row)
		}
	}
	for i := range actions {
		out = append(out, actionRow(&actions[i], at))
	}
	return out, nil
}

func closedText(t time.Time) string {
	if t.IsZero() {
		return "open"
	}
	return "closed"
}

// actionRow is the row of an action, with what is known of what it is about.
func actionRow(r *record[action], at map[string]ncRow) ncRow {
	row := at[r.v.NC]
	row.item, row.act = r.item, &r.v
	row.id = firstOf(r.v.NC, r.v.ID)
	row.owner, row.due, row.done = r.v.Owner, r.v.due(), r.v.Implemented.Time
	return row
}

func (b *Book) ncRow(w Writer, r *ncRow, people *names) error {
	w.Text(r.id)
	w.Text(r.nc.Source)
	w.Text(r.nc.Clause)
	w.Text(r.grade)
	w.Date(r.nc.Raised.Time)
	w.Text(r.nc.Correction)
	w.Text(r.nc.Cause)
	w.Text(r.nc.Similar)
	act := action{}
	if r.act != nil {
		act = *r.act
		w.Text(act.ID)
	} else {
		w.Text("none on record")
	}
	w.Text(people.label(r.owner))
	w.Date(r.due)
	w.Date(r.done)
	w.Text(people.label(act.VerifiedBy))
	w.Date(act.Verified.Time)
	if act.Effective == nil {
		w.Text("not established")
	} else {
		w.Mark(yesNo(*act.Effective), effectStatus(act.Effective))
	}
	if late := r.done.IsZero() && !r.due.IsZero() && r.due.Before(b.snap.AsOf); late {
		w.Mark("Y", assess.StatusFailing)
	} else {
		w.Yes(false)
	}
	switch {
	case act.VerifiedBy == "":
		w.Blank()
	case firstOf(act.ImplementedBy, act.Owner) == "":
		w.Text("not established")
	default:
		w.Yes(!people.same(act.VerifiedBy, act.Owner) && !people.same(act.VerifiedBy, firstOf(act.ImplementedBy, act.Owner)))
	}
	w.Text(r.nc.Description)
	w.Text(r.status)
	return b.shown(w, r.item)
}

func yesNo(v bool) string {
	if v {
		return "Y"
	}
	return "N"
}
