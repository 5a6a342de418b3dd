package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

const asPerson = "Put on record as the person of the register that the token belongs to; whoever began something is never its second person."

func (a *API) actOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "people", needs: access.Read, costly: true, summary: summary}
	}
	act := func(path, id, summary string, needs access.Permission) operation {
		return operation{method: http.MethodPost, path: path, id: id, tag: "people", needs: needs, summary: summary, about: asPerson}
	}
	register(a, get("/v1/waivers", "waivers", "Waivers with what state they are in"), a.waivers)
	register(a, get("/v1/waivers/{id}", "waiver", "One waiver"), a.waiver)
	register(a, act("/v1/waivers", "request-waiver", "Ask for a waiver", access.Request), a.requestWaiver)
	register(a, act("/v1/waivers/{id}/approve", "approve-waiver", "Approve what somebody else asked for", access.Approve), a.stepWaiver(approveWaiver))
	register(a, act("/v1/waivers/{id}/reject", "reject-waiver", "Reject what somebody else asked for", access.Approve), a.stepWaiver(people.Policy.Reject))
	register(a, act("/v1/waivers/{id}/revoke", "revoke-waiver", "End a waiver before its time", access.Approve), a.stepWaiver(people.Policy.Revoke))

	register(a, get("/v1/statements", "statements", "Versions of the statement of applicability"), a.statements)
	register(a, get("/v1/statements/{version}", "statement", "One version; in-force is the one in force"), a.statement)
	register(a, get("/v1/statements/{version}/diff", "statement-diff", "What another version says otherwise"), a.statementDiff)
	register(a, get("/v1/statement-template", "statement-template", "A statement with every Annex A control, as the one in force decides it, to be proposed"), a.statementTemplate)
	propose := act("/v1/statements", "propose-statement", "Propose a version", access.Request)
	propose.body = 2 << 20
	register(a, propose, a.proposeStatement)
	register(a, act("/v1/statements/{version}/approve", "approve-statement", "Put a version in force that somebody else proposed", access.Approve), a.approveStatement)

	register(a, get("/v1/reviews", "reviews", "What was handed in, and how its review stands"), a.reviews)
	register(a, get("/v1/auditors-notes", "auditors-notes", "What auditors wrote into workbooks that came back"), a.auditorsNotes)
	register(a, get("/v1/reviews/{id}", "review", "One thing that was handed in"), a.review)
	register(a, act("/v1/reviews/{id}/accept", "accept-review", "Accept what somebody else handed in", access.Approve), a.decideReview(people.Accepted))
	register(a, act("/v1/reviews/{id}/reject", "reject-review", "Reject what somebody else handed in", access.Approve), a.decideReview(people.Rejected))
}

func (a *API) waivers(ctx context.Context, in *struct {
	Paged
	States []string `query:"state" maxItems:"6" enum:"requested,active,lapsed,rejected,revoked,invalid"`
}) (*Answer[List[service.WaiverRow]], error) {
	all, err := a.Service.Waivers(ctx)
	if err != nil {
		return nil, err
	}
	now := a.Clock()
	var rows []service.WaiverRow
	for _, w := range all {
		if r := service.RowOfWaiver(w, now); len(in.States) == 0 || slices.Contains(in.States, r.State) {
			rows = append(rows, r)
		}
	}
	out := List[service.WaiverRow]{}
	out.Items, out.Next, err = pageOf("waivers", in.Paged, rows, func(r service.WaiverRow) string { return r.Origin + "/" + r.ID }, every[service.WaiverRow])
	return answered(out, err)
}

// ByID names something.
type ByID struct {
	ID string `path:"id" minLength:"1" maxLength:"500"`
}

func (a *API) waiver(ctx context.Context, in *ByID) (*Answer[service.WaiverRow], error) {
	w, err := a.Service.FindWaiver(ctx, in.ID)
	return answered(service.RowOfWaiver(w, a.Clock()), err)
}

func (a *API) requestWaiver(ctx context.Context, in *struct {
	Body struct {
		Expectation string `json:"expectation" minLength:"1" maxLength:"200"`
		Subject     string `json:"subject" minLength:"1" maxLength:"8192" doc:"type/id, or * for every subject."`
		Reason      string `json:"reason" minLength:"1" maxLength:"4000"`
		Instead     string `json:"compensating_controls,omitempty" maxLength:"4000"`
		Risk        string `json:"risk_ref,omitempty" maxLength:"500"`
		Expires     string `json:"expires_at" minLength:"1" maxLength:"40" format:"instant" doc:"RFC 3339, or a date: its end, UTC."`
	}
}) (out *Answer[service.WaiverRow], err error) {
	end, err := parseDay("expires_at", in.Body.Expires)
	if err != nil {
		return nil, err
	}
	w := people.Waiver{Expectation: in.Body.Expectation, Reason: in.Body.Reason, CompensatingControls: in.Body.Instead, RiskRef: in.Body.Risk}
	err = a.atDesk(ctx, func(d *service.Desk) error {
		made, err := d.RequestWaiver(ctx, w, in.Body.Subject, end)
		out = &Answer[service.WaiverRow]{service.RowOfWaiver(made, d.Now)}
		return err
	})
	return out, err
}

// Reasoned is an act on something, with the reason.
type Reasoned struct {
	ByID
	Body struct {
		Because string `json:"because,omitempty" maxLength:"4000"`
	}
}

// approveWaiver is a step without a reason.
func approveWaiver(p people.Policy, who people.Person, w people.Waiver, _ string, now time.Time) (people.Waiver, evidence.Record, error) {
	return p.Approve(who, w, now)
}

func (a *API) stepWaiver(do service.WaiverStep) func(context.Context, *Reasoned) (*Answer[service.WaiverRow], error) {
	return func(ctx context.Context, in *Reasoned) (out *Answer[service.WaiverRow], err error) {
		err = a.atDesk(ctx, func(d *service.Desk) error {
			w, err := d.StepWaiver(ctx, in.ID, in.Body.Because, do)
			out = &Answer[service.WaiverRow]{service.RowOfWaiver(w, d.Now)}
			return err
		})
		return out, err
	}
}

func (a *API) statements(ctx context.Context, in *Paged) (*Answer[List[service.StatementRow]], error) {
	all, err := a.Service.Statements(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]service.StatementRow, 0, len(all))
	for _, s := range all {
		rows = append(rows, service.StatementRow{Statement: s, Origin: s.Source})
	}
	out := List[service.StatementRow]{}
	out.Items, out.Next, err = pageOf("statements", *in, rows, func(s service.StatementRow) string { return s.Origin + "/" + s.Version }, every[service.StatementRow])
	return answered(out, err)
}

const inForce = "in-force"

// ByVersion names a version of the statement.
type ByVersion struct {
	Version string `path:"version" minLength:"1" maxLength:"200" doc:"in-force is the one in force."`
}

func (v ByVersion) name() string {
	if v.Version == inForce {
		return ""
	}
	return v.Version
}

func (a *API) statement(ctx context.Context, in *ByVersion) (*Answer[service.StatementRow], error) {
	s, err := a.Service.FindStatement(ctx, in.name(), a.Clock())
	if err != nil {
		return nil, err
	}
	v, err := a.Service.Current(ctx)
	if err != nil {
		return nil, err
	}
	return answered(service.StatementRow{Statement: s, Origin: s.Source, Contradiction: v.Contradiction()}, nil)
}

func (a *API) statementDiff(ctx context.Context, in *struct {
	ByVersion
	To string `query:"to" required:"true" minLength:"1" maxLength:"200" doc:"The other version."`
}) (*Answer[List[people.Change]], error) {
	from, err := a.Service.FindStatement(ctx, in.name(), a.Clock())
	if err != nil {
		return nil, err
	}
	to, err := a.Service.FindStatement(ctx, ByVersion{in.To}.name(), a.Clock())
	if err != nil {
		return nil, err
	}
	return answered(List[people.Change]{Items: orEmpty(people.Diff(from, to))}, nil)
}

func (a *API) proposeStatement(ctx context.Context, in *struct {
	Body struct {
		Version  string            `json:"version" minLength:"1" maxLength:"200"`
		Controls []people.Decision `json:"controls" minItems:"1" maxItems:"200"`
	}
}) (out *Answer[service.Proposed], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		n, err := d.ProposeStatement(ctx, people.Statement{Version: in.Body.Version, Controls: in.Body.Controls})
		out = &Answer[service.Proposed]{service.Proposed{Version: in.Body.Version, Changed: n}}
		return err
	})
	return out, err
}

func (a *API) statementTemplate(ctx context.Context, _ *struct{}) (*Answer[service.StatementForm], error) {
	return answered(a.Service.StatementForm(ctx))
}

func (a *API) approveStatement(ctx context.Context, in *struct {
	ByVersion
	Body struct {
		Digest string `json:"digest,omitempty" maxLength:"64" doc:"The SHA-256 of the text that was read."`
	}
}) (out *Answer[service.StatementRow], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		s, err := d.ApproveStatement(ctx, in.Version, in.Body.Digest)
		out = &Answer[service.StatementRow]{service.StatementRow{Statement: s, Origin: s.Source}}
		return err
	})
	return out, err
}

func (a *API) reviews(ctx context.Context, in *struct {
	Paged
	All bool `query:"all" doc:"Also what was decided on."`
}) (*Answer[List[service.HandedIn]], error) {
	list, err := a.Service.Pile(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(x, y service.HandedIn) int { return x.At.Compare(y.At) })
	out := List[service.HandedIn]{}
	out.Items, out.Next, err = pageOf("reviews", in.Paged, list, func(h service.HandedIn) string { return h.ID + h.SHA256 },
		func(h service.HandedIn) bool { return in.All || h.State == "pending" })
	return answered(out, err)
}

func (a *API) auditorsNotes(ctx context.Context, in *struct {
	Paged
	Control string `query:"control" maxLength:"40"`
}) (*Answer[List[service.AuditorsWord]], error) {
	all, err := a.Service.AuditorsWords(ctx, in.Control)
	if err != nil {
		return nil, err
	}
	out := List[service.AuditorsWord]{}
	out.Items, out.Next, err = pageOf("auditors-notes", in.Paged, all, func(w service.AuditorsWord) string { return w.ID }, every[service.AuditorsWord])
	return answered(out, err)
}

func (a *API) review(ctx context.Context, in *ByID) (*Answer[service.Shown], error) {
	h, err := a.Service.FindHandedIn(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answered(a.Service.Shown(ctx, h))
}

func (a *API) decideReview(decision string) func(context.Context, *struct {
	ByID
	Body struct {
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
}) (*Answer[service.Reviewed], error) {
	return func(ctx context.Context, in *struct {
		ByID
		Body struct {
			Note string `json:"note,omitempty" maxLength:"4000"`
		}
	}) (out *Answer[service.Reviewed], err error) {
		err = a.atDesk(ctx, func(d *service.Desk) error {
			out, err = answered(d.Review(ctx, in.ID, decision, in.Body.Note))
			return err
		})
		return out, err
	}
}
