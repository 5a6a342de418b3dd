package service

import (
	"cmp"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// StateDuty is how a duty is shown that is no finding yet.
const StateDuty finding.State = "duty"

// FindingRow is one finding, or one duty, with what its result says now.
type FindingRow struct {
	ID             string             `json:"id"`
	Control        string             `json:"control"`
	Expectation    string             `json:"expectation"`
	Subject        evidence.Subject   `json:"subject"`
	Systems        []string           `json:"systems,omitempty"`
	State          finding.State      `json:"state"`
	Status         assess.Status      `json:"status"`
	Underlying     assess.Status      `json:"underlying,omitempty"`
	Waiver         string             `json:"waiver,omitempty"`
	Reason         string             `json:"reason"`
	Severity       string             `json:"severity"`
	OpenedAt       *time.Time         `json:"opened_at,omitempty"`
	ReopenedAt     []time.Time        `json:"reopened_at,omitempty"`
	AcknowledgedAt *time.Time         `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string             `json:"acknowledged_by,omitempty"`
	ResolvedAt     *time.Time         `json:"resolved_at,omitempty"`
	AgeDays        int                `json:"age_days"`
	DueAt          *time.Time         `json:"due_at,omitempty"`
	Overdue        bool               `json:"overdue"`
	DutyAt         *time.Time         `json:"duty_at,omitempty"`
	Owner          string             `json:"owner"`
	OwnerFrom      string             `json:"owner_from,omitempty"`
	Grade          string             `json:"suggested_grade,omitempty"`
	Extent         string             `json:"extent,omitempty"`
	GradeReason    string             `json:"grade_reason"`
	Judged         *finding.Judgement `json:"judged,omitempty"`
	NextStep       string             `json:"next_step"`
	Evidence       []evidence.Digest  `json:"evidence"`
	Recorded       bool               `json:"recorded"`
}

// rowsOf joins the lives with the results that they are about. events are
// those that the ledger does not have.
func rowsOf(a *assess.Assessment, b *finding.Book, events []finding.Event, p finding.Policy) []FindingRow {
	results := map[string]*assess.Result{}
	var duties []FindingRow
	now := map[string]assess.Finding{}
	for _, f := range assess.Findings(a) {
		now[f.ID] = f
	}
	for _, r := range a.Results {
		id := assess.FindingID(r.Expectation, r.Subject)
		results[id] = r
		if r.Status != assess.StatusDue {
			continue
		}
		if l, ok := b.Life(id); !ok || !l.State.IsOpen() {
			duties = append(duties, dutyRow(now[id], r, p))
		}
	}
	pending := map[string]bool{}
	for _, e := range events {
		pending[e.Finding] = true
	}
	var rows []FindingRow
	for _, l := range b.Lives() {
		row := lifeRow(l, a.AsOf)
		row.Recorded = !pending[l.ID]
		row.about(results[l.ID], now[l.ID])
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, MostUrgent)
	slices.SortStableFunc(duties, MostUrgent)
	return append(rows, duties...)
}

// dutyRow is a duty whose deadline has not passed.
func dutyRow(f assess.Finding, r *assess.Result, p finding.Policy) FindingRow {
	owner, from := p.Owner(r)
	return FindingRow{ID: f.ID, Control: f.Control, Expectation: f.Expectation, Subject: f.Subject, Systems: f.Systems, State: StateDuty,
		Status: f.Status, Reason: f.Reason, Severity: f.Severity, DueAt: r.DueAt, DutyAt: r.DueAt, Owner: owner, OwnerFrom: from,
		GradeReason: f.GradeReason, NextStep: f.NextStep, Evidence: f.Evidence, Recorded: true}
}

// lifeRow is what a life says.
func lifeRow(l *finding.Life, at time.Time) FindingRow {
	opened := l.OpenedAt
	r := FindingRow{ID: l.ID, Control: l.Control, Expectation: l.Expectation, Subject: l.Subject, Systems: l.Systems, State: l.State,
		Status: l.Status, Underlying: l.Underlying, Waiver: l.Waiver, Severity: l.Severity, OpenedAt: &opened, ReopenedAt: l.ReopenedAt,
		AcknowledgedAt: l.AcknowledgedAt, AcknowledgedBy: l.AcknowledgedBy, ResolvedAt: l.ResolvedAt,
		DueAt: l.DueAt, Overdue: l.Overdue(at), DutyAt: l.DutyAt,
		Grade: l.Grade, Extent: l.Extent, GradeReason: l.GradeReason, Judged: l.Judged, Evidence: []evidence.Digest{}}
	r.Owner, r.OwnerFrom = l.OwnedBy()
	end := at
	if l.ResolvedAt != nil {
		end = *l.ResolvedAt
	}
	r.AgeDays = int(end.Sub(l.Since()) / (24 * time.Hour))
	r.Reason = l.History[len(l.History)-1].Cause
	return r
}

// about adds what the result says now.
func (r *FindingRow) about(res *assess.Result, f assess.Finding) {
	if res != nil {
		r.Reason, r.Evidence = res.Reason, res.Evidence
	}
	if f.Grade != "" || r.Grade == "" {
		r.GradeReason = f.GradeReason // with the numbers of now
	}
	switch {
	case r.State == finding.Concluded:
	case r.State == finding.Covered:
		r.NextStep = "Mind the end of the waiver."
	case f.ID != "":
		r.NextStep = f.NextStep
	default:
		r.NextStep = "Read all its sources completely: then it is resolved."
	}
}

// MostUrgent orders by severity, then by due date; what has none comes last.
func MostUrgent(x, y FindingRow) int {
	severities := []string{"major", "minor", "observation"}
	due := func(t *time.Time) int64 {
		if t == nil {
			return 1<<63 - 1
		}
		return t.Unix()
	}
	return cmp.Or(
		cmp.Compare(slices.Index(severities, x.Severity), slices.Index(severities, y.Severity)),
		cmp.Compare(due(x.DueAt), due(y.DueAt)),
		cmp.Compare(x.Control, y.Control), cmp.Compare(x.Expectation, y.Expectation), cmp.Compare(x.Subject.ID, y.Subject.ID),
	)
}
