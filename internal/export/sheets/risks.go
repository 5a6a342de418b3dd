package sheets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var risksLayout = Layout{Name: "Risks and impacts",
	About: "Risk and impact assessments of the AI systems, what treats the risks found, and what was accepted until when.",
	Tab:   "C4603C", Large: true, Frozen: 1, Columns: tail(
		Column{"system", 26}, Column{"type", 16}, Column{"id", 14}, Column{"version assessed", 14}, Column{"assessor", 28},
		Column{"approver", 28}, Column{"approved (UTC)", 18}, Column{"age, days", 8}, Column{"trigger", 26}, Column{"key result", 46},
		Column{"treatment actions open", 34}, Column{"overdue", 9}, Column{"residual", 12}, Column{"acceptance expiry (UTC)", 18},
		Column{"acceptance", 30}, Column{"approved by another", 12}, Column{"superseded by", 14})}

func riskKinds() []string {
	return []string{"risk.assessment", "impact.assessment", "risk.treatment_plan", "risk.acceptance"}
}

// appraisal is what the sheet shows of a risk.assessment or an impact.assessment.
type appraisal struct {
	ID         string `json:"assessment_id"`
	System     string `json:"system_id"`
	Version    string `json:"system_version"`
	Assessor   string `json:"assessor"`
	ApprovedBy string `json:"approved_by"`
	Approved   when   `json:"approved_at"`
	Trigger    string `json:"trigger"`
	Supersedes string `json:"supersedes"`

	Risks         []assessedRisk `json:"risks"`
	CalibrationOf string         `json:"calibration_of"`

	Type       string   `json:"type"`
	Affected   *bool    `json:"affected"`
	Conclusion string   `json:"conclusion"`
	Groups     []string `json:"affected_groups"`
}

type assessedRisk struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Level  string `json:"level"`
}

// treatment is what the sheet shows of a risk.treatment_plan.
type treatment struct {
	ID      string   `json:"plan_id"`
	System  string   `json:"system_id"`
	Risks   []string `json:"risk_ids"`
	Actions []struct {
		ID         string `json:"id"`
		Owner      string `json:"owner"`
		Due        when   `json:"due"`
		Status     string `json:"status"`
		ExtendedTo when   `json:"extended_to"`
		ExtendedBy string `json:"extended_by"`
		Closed     when   `json:"closed_at"`
	} `json:"actions"`
	Residual string `json:"residual"`
}

// acceptance is what the sheet shows of a risk.acceptance.
type acceptance struct {
	Risk     string `json:"risk_id"`
	System   string `json:"system_id"`
	Level    string `json:"level"`
	By       string `json:"accepted_by"`
	Accepted when   `json:"accepted_at"`
	Expires  when   `json:"expires_at"`
	Ended    when   `json:"ended_at"`
}

// riskJoins are what is done about risks, by system.
type riskJoins struct {
	plans       map[string][]treatment
	acceptances map[string][]acceptance
	superseded  map[string]string // by what
	people      *names
}

// risks writes one row per assessment, by system, the newest first. Plans and
// acceptances that no assessment names have rows of their own.
func (b *Book) risks(ctx context.Context, w Writer) error {
	list, err := recordsOf[appraisal](ctx, b, "risk.assessment", "impact.assessment")
	if err != nil {
		return err
	}
	j, loose, err := b.riskJoins(ctx, list)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(x, y record[appraisal]) int {
		return cmp.Or(cmp.Compare(x.v.System, y.v.System), y.v.Approved.Compare(x.v.Approved.Time), cmp.Compare(x.v.ID, y.v.ID))
	})
	for i := range list {
		if r := &list[i]; r.broken != "" {
			err = b.brokenRow(w, risksLayout, r.item)
		} else {
			err = b.riskRow(w, r, j)
		}
		if err != nil {
			return err
		}
	}
	for i := range loose {
		if err := b.looseRow(w, &loose[i]); err != nil {
			return err
		}
	}
	if len(list)+len(loose) == 0 {
		return b.none(w, risksLayout, "risk.assessment", "impact.assessment")
	}
	return nil
}

// looseRisk is a plan or an acceptance of risks that no assessment names.
type looseRisk struct {
	item
	system, typ, id string
	open            []string
	overdue         int
	residual        string
	accept          *acceptance
}

func (b *Book) riskJoins(ctx context.Context, list []record[appraisal]) (*riskJoins, []looseRisk, error) {
	j := &riskJoins{plans: map[string][]treatment{}, acceptances: map[string][]acceptance{}, superseded: map[string]string{}}
	var err error
	if j.people, err = b.directory(ctx); err != nil {
		return nil, nil, err
	}
	named := map[[2]string]bool{} // system and risk
	for _, r := range list {
		if r.v.Supersedes != "" {
			j.superseded[r.v.Supersedes] = joined(", ", j.superseded[r.v.Supersedes], r.v.ID)
		}
		for _, risk := range r.v.Risks {
			named[[2]string{r.v.System, risk.ID}] = true
		}
	}
	var loose []looseRisk
	plans, err := recordsOf[treatment](ctx, b, "risk.treatment_plan")
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plans {
		j.plans[p.v.System] = append(j.plans[p.v.System], p.v)
		if !slices.ContainsFunc(p.v.Risks, func(id string) bool { return named[[2]string{p.v.System, id}] }) {
			open, overdue := b.openActions(p.v)
			loose = append(loose, looseRisk{item: p.item, system: p.v.System, typ: "treatment plan", id: p.v.ID, open: open, overdue: overdue, residual: p.v.Residual})
		}
	}
	accepted, err := recordsOf[acceptance](ctx, b, "risk.acceptance")
	if err != nil {
		return nil, nil, err
	}
	for _, a := range accepted {
		j.acceptances[a.v.System] = append(j.acceptances[a.v.System], a.v)
		if !named[[2]string{a.v.System, a.v.Risk}] {
			loose = append(loose, looseRisk{item: a.item, system: a.v.System, typ: "acceptance", id: a.v.Risk, accept: ptr(a.v)})
		}
	}
	return j, loose, nil
}

// openActions lists the open actions of a plan, and how many are overdue.
func (b *Book) openActions(p treatment) (open []string, overdue int) {
	for _, a := range p.Actions {
		if !a.Closed.IsZero() || doneWord(a.Status) {
			continue
		}
		due := a.Due.Time
		if !a.ExtendedTo.IsZero() && a.ExtendedBy != "" {
			due = a.ExtendedTo.Time
		}
		text := p.ID + "/" + a.ID + ": " + joined(", ", a.Owner, dueText(due))
		if !due.IsZero() && due.Before(b.snap.AsOf) {
			overdue++
			text += ", overdue"
		}
		open = append(open, strings.TrimRight(text, ": "))
	}
	return open, overdue
}

func dueText(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return "due " + onDay(t)
}

// doneWord reports whether a status of an action or a decision says that it is
// done.
func doneWord(s string) bool {
	switch strings.ToLower(s) {
	case "done", "closed", "completed", "implemented", "verified", "resolved":
		return true
	}
	return false
}

func (b *Book) riskRow(w Writer, r *record[appraisal], j *riskJoins) error {
	v, risk := &r.v, r.kind == "risk.assessment"
	w.Text(b.systemName(firstOf(v.System, r.subject.ID)))
	w.Text(appraisalType(v, risk))
	w.Text(firstOf(v.ID, r.key))
	w.Text(v.Version)
	w.Text(j.people.label(v.Assessor))
	w.Text(j.people.label(v.ApprovedBy))
	w.Date(v.Approved.Time)
	b.age(w, &v.Approved.Time, 24*time.Hour)
	w.Text(v.Trigger)
	var open []string
	overdue, residual := 0, []string(nil)
	if risk {
		w.List(riskLines(v))
		for _, p := range j.plansFor(v) {
			o, n := b.openActions(p)
			open, overdue, residual = append(open, o...), overdue+n, append(residual, p.Residual)
		}
	} else {
		w.List(impactLines(v))
	}
	w.List(open)
	if !risk {
		w.Blank()
	} else if overdue > 0 {
		w.Mark(fmt.Sprint(overdue), assess.StatusFailing)
	} else {
		w.Number(0)
	}
	w.List(distinct(residual))
	b.acceptanceCells(w, j.acceptedFor(v))
	if v.Assessor == "" || v.ApprovedBy == "" {
		w.Text("not established")
	} else {
		w.Yes(!j.people.same(v.Assessor, v.ApprovedBy))
	}
	w.Text(j.superseded[v.ID])
	return b.shown(w, r.item)
}

func appraisalType(v *appraisal, risk bool) string {
	switch {
	case risk && v.CalibrationOf != "":
		return "risk, calibration"
	case risk:
		return "risk"
	case v.Type == "screening":
		return "impact, screening"
	}
	return "impact"
}

func riskLines(v *appraisal) []string {
	var out []string
	for _, r := range v.Risks {
		out = append(out, r.ID+" "+joined(": ", firstOf(r.Level, "no level"), r.Source))
	}
	return out
}

func impactLines(v *appraisal) []string {
	out := []string{v.Conclusion}
	if v.Affected != nil && *v.Affected {
		out = append(out, "the change touches the impact")
	} else if v.Affected != nil {
		out = append(out, "the change does not touch the impact")
	}
	if len(v.Groups) > 0 {
		out = append(out, "affected: "+strings.Join(v.Groups, ", "))
	}
	return distinct(out)
}

// plansFor are the plans that treat a risk of an assessment.
func (j *riskJoins) plansFor(v *appraisal) []treatment {
	var out []treatment
	for _, p := range j.plans[v.System] {
		if slices.ContainsFunc(v.Risks, func(r assessedRisk) bool { return slices.Contains(p.Risks, r.ID) }) {
			out = append(out, p)
		}
	}
	return out
}

// acceptedFor are the acceptances of the risks of an assessment.
func (j *riskJoins) acceptedFor(v *appraisal) []acceptance {
	var out []acceptance
	for _, a := range j.acceptances[v.System] {
		for _, r := range v.Risks {
			if r.ID == a.Risk {
				out = append(out, a)
			}
		}
	}
	return out
}

// acceptanceCells write the end of the acceptance that ends first, and all of
// them in words.
func (b *Book) acceptanceCells(w Writer, list []acceptance) {
	var end time.Time
	var lines []string
	for _, a := range list {
		text := a.Risk + " " + joined(", ", a.Level, joined(" ", "accepted by", firstOf(a.By, "nobody named")))
		switch {
		case !a.Ended.IsZero():
			text += ", ended " + onDay(a.Ended.Time)
		case a.Expires.IsZero():
			text += ", without end"
		default:
			if a.Expires.Before(b.snap.AsOf) {
				text += ", ran out " + onDay(a.Expires.Time)
			}
			if end.IsZero() || a.Expires.Before(end) {
				end = a.Expires.Time
			}
		}
		lines = append(lines, text)
	}
	w.Date(end)
	w.List(lines)
}

func (b *Book) looseRow(w Writer, r *looseRisk) error {
	if r.broken != "" {
		return b.brokenRow(w, risksLayout, r.item)
	}
	w.Text(b.systemName(firstOf(r.system, r.subject.ID)))
	w.Text(r.typ)
	w.Text(r.id)
	for range 6 {
		w.Blank()
	}
	w.Text("no assessment names what it is about")
	w.List(r.open)
	w.Number(int64(r.overdue))
	w.Text(r.residual)
	if r.accept != nil {
		b.acceptanceCells(w, []acceptance{*r.accept})
	} else {
		b.acceptanceCells(w, nil)
	}
	w.Blank()
	w.Blank()
	return b.shown(w, r.item)
}
