package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (a *API) findingOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "findings", needs: access.Read, cached: true, summary: summary}
	}
	act := func(path, id, summary string) operation {
		return operation{method: http.MethodPost, path: path, id: id, tag: "findings", needs: access.ActFindings, summary: summary,
			about: "Put on record as the person of the register that the token belongs to."}
	}
	register(a, get("/v1/findings", "findings", "Findings and duties, the most urgent first"), a.findings)
	register(a, operation{method: http.MethodGet, path: "/v1/findings/{id}", id: "finding", tag: "findings", needs: access.Read,
		summary: "One finding, with everything that happened to it"}, a.finding)
	register(a, act("/v1/findings/{id}/acknowledge", "acknowledge-finding", "Take note of a finding"), a.acknowledge)
	register(a, act("/v1/findings/{id}/assign", "assign-finding", "Make somebody its owner"), a.assign)
	register(a, act("/v1/findings/{id}/grade", "grade-finding", "Grade it otherwise than suggested"), a.grade)
	register(a, get("/v1/today", "today", "What each person has to look after"), a.today)
	register(a, operation{method: http.MethodGet, path: "/v1/waiting", id: "waiting", tag: "findings", needs: access.Read, costly: true,
		summary: "What waits for a second person, the longest first"}, a.waiting)
}

// FindingsWanted narrows the list of findings.
type FindingsWanted struct {
	Instant
	Paged
	State   string `query:"state" enum:"open,acknowledged,waived,resolved,duty,all" doc:"Left out: what is open, and duties."`
	Owner   string `query:"owner" maxLength:"500"`
	Control string `query:"control" maxLength:"40"`
	System  string `query:"system" maxLength:"8192" doc:"Of this AI system."`
}

func (in *FindingsWanted) wants(r service.FindingRow) bool {
	switch {
	case in.Owner != "" && r.Owner != in.Owner,
		in.Control != "" && r.Control != in.Control,
		in.System != "" && !slices.Contains(r.Systems, in.System):
		return false
	case in.State == "":
		return r.State.IsOpen() || r.State == service.StateDuty
	}
	return in.State == "all" || string(r.State) == in.State
}

func (a *API) findings(ctx context.Context, in *FindingsWanted) (*Stated[Page[service.FindingRow]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	out := Page[service.FindingRow]{State: stateOf(v)}
	out.Items, out.Next, err = pageOf("findings", in.Paged, v.Findings, func(r service.FindingRow) string { return r.ID }, in.wants)
	return &Stated[Page[service.FindingRow]]{tag, out}, err
}

// Answer is an answer without a state that it was made from.
type Answer[T any] struct{ Body T }

func answered[T any](body T, err error) (*Answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &Answer[T]{body}, nil
}

func (a *API) finding(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"100" example:"F-0123456789ab"`
}) (*Answer[*finding.Life], error) {
	return answered(a.Service.Life(ctx, in.ID))
}

// atDesk lets whoever asks put something on record, as the person that they are.
func (a *API) atDesk(ctx context.Context, do func(*service.Desk) error) error {
	who, err := a.person(ctx)
	if err != nil {
		return err
	}
	d, err := a.Service.Desk(ctx, who)
	if err != nil {
		return err
	}
	defer d.Leave()
	return do(d)
}

// person is the person of the register who asks.
func (a *API) person(ctx context.Context) (people.Person, error) {
	reg, err := a.Service.Register()
	if err != nil {
		return people.Person{}, err
	}
	p, _ := access.From(ctx)
	who, err := p.PersonOf(reg, a.Clock())
	if err != nil {
		return who, errNoPerson{err}
	}
	return who, nil
}

func (a *API) acknowledge(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
}) (out *Answer[finding.Event], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		out, err = answered(d.Acknowledge(ctx, in.ID, in.Body.Note))
		return err
	})
	return out, err
}

func (a *API) assign(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		To   string `json:"to" minLength:"1" maxLength:"500" doc:"A person of the register."`
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
}) (out *Answer[finding.Event], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		out, err = answered(d.Assign(ctx, in.ID, in.Body.To, in.Body.Note))
		return err
	})
	return out, err
}

func (a *API) grade(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Grade   string `json:"grade" minLength:"1" maxLength:"100"`
		Because string `json:"because" minLength:"1" maxLength:"4000"`
	}
}) (out *Answer[finding.Event], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		out, err = answered(d.Grade(ctx, in.ID, in.Body.Grade, in.Body.Because))
		return err
	})
	return out, err
}

func (a *API) today(ctx context.Context, in *struct {
	Instant
	Owner string `query:"owner" maxLength:"500" doc:"Only for this person."`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many duties, and how many findings, of each person at most: /v1/findings lists all."`
}) (*Stated[Page[service.OwnerView]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	out := Page[service.OwnerView]{State: stateOf(v), Items: []service.OwnerView{}}
	for _, o := range v.Owners {
		if in.Owner != "" && o.Person != in.Owner {
			continue
		}
		o.Duties, o.Findings = o.Duties[:min(in.Limit, len(o.Duties))], o.Findings[:min(in.Limit, len(o.Findings))]
		out.Items = append(out.Items, o)
	}
	return &Stated[Page[service.OwnerView]]{tag, out}, nil
}

func (a *API) waiting(ctx context.Context, _ *struct{}) (*Answer[List[service.Waiting]], error) {
	all, err := a.Service.AwaitsSecond(ctx)
	return answered(List[service.Waiting]{Items: orEmpty(all)}, err)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
