package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func (a *API) shadowOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "shadow", needs: access.Read, cached: true, summary: summary}
	}
	act := func(path, id, summary string, needs access.Permission) operation {
		return operation{method: http.MethodPost, path: path, id: id, tag: "shadow", needs: needs, summary: summary, about: asPerson}
	}
	register(a, get("/v1/shadow", "shadow", "Uses of AI that were seen, and what accounts for each"), a.cases)
	register(a, get("/v1/shadow/{id}", "shadow-case", "One use of AI, with what was seen"), a.oneCase)
	register(a, get("/v1/shadow/{id}/draft", "shadow-draft", "An entry for the register, with what was seen filled in"), a.draft)
	register(a, get("/v1/shadow-coverage", "shadow-coverage", "Which sources report, which are silent, and what nobody looks at"), a.coverage)
	register(a, act("/v1/shadow/{id}/decide", "decide-shadow", "Decide on a use of AI", access.DecideShadow), a.decideCase)
	register(a, act("/v1/shadow/{id}/approve", "approve-shadow", "Approve what somebody else decided", access.Approve), a.approveCase)

	register(a, act("/v1/samples", "draw-sample", "Draw a sample from a population", access.Sample), a.draw)
}

func (a *API) cases(ctx context.Context, in *struct {
	Instant
	Paged
	States []string `query:"state" maxItems:"20" doc:"In these states; left out: all but gone and false_positive; all: every one."`
}) (*Stated[Page[shadow.Case]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	out := Page[shadow.Case]{State: stateOf(v)}
	out.Items, out.Next, err = pageOf("shadow", in.Paged, v.Shadow.Cases, func(c shadow.Case) string { return c.ID }, func(c shadow.Case) bool {
		if len(in.States) == 0 {
			return c.Status != shadow.Gone && c.Status != shadow.FalsePositive
		}
		return slices.Contains(in.States, "all") || slices.Contains(in.States, c.Status)
	})
	return &Stated[Page[shadow.Case]]{tag, out}, err
}

// CaseInput names a case.
type CaseInput struct {
	Instant
	ByID
}

// CaseBody is a case with what it rests on.
type CaseBody struct {
	shadow.Case
	Signals   []shadow.Signal       `json:"signals" nullable:"false"`
	Decisions []people.CaseDecision `json:"decisions" nullable:"false"`
	History   []service.CaseStep    `json:"history" nullable:"false" doc:"The states it was in, the oldest first, up to as_of."`
}

func (a *API) oneCase(ctx context.Context, in *CaseInput) (*Stated[CaseBody], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	c, err := service.FindCase(v.Shadow, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := a.Service.CaseDecisions(ctx)
	if err != nil {
		return nil, err
	}
	out := CaseBody{Case: c, Signals: orEmpty(c.Signals), Decisions: []people.CaseDecision{}}
	for _, d := range all {
		if d.Case == c.ID {
			out.Decisions = append(out.Decisions, d)
		}
	}
	steps, err := service.CaseHistory(ctx, a.Service.Store(), c.ID)
	if err != nil {
		return nil, err
	}
	out.History = slices.DeleteFunc(steps, func(s service.CaseStep) bool { return s.At.After(v.Assessment.AsOf) })
	return &Stated[CaseBody]{tag, out}, nil
}

// DraftBody is what exhibit shadow draft -o json prints.
type DraftBody struct {
	ID    string `json:"finding_id"`
	Entry string `json:"entry" doc:"YAML; what only people know is left blank."`
}

func (a *API) draft(ctx context.Context, in *CaseInput) (*Stated[DraftBody], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	c, err := service.FindCase(v.Shadow, in.ID)
	if err != nil {
		return nil, err
	}
	text, err := a.Service.DraftEntry(c)
	return &Stated[DraftBody]{tag, DraftBody{c.ID, text}}, err
}

func (a *API) coverage(ctx context.Context, in *struct{ Instant }) (*Stated[shadow.Coverage], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	return &Stated[shadow.Coverage]{tag, v.Shadow.Coverage}, nil
}

// DecidedBody is what exhibit shadow decide -o json prints.
type DecidedBody struct {
	people.CaseDecision
	Status string `json:"status" doc:"Of the case, now."`
}

func (a *API) decideCase(ctx context.Context, in *struct {
	ByID
	Body struct {
		Decision string `json:"decision" enum:"taken,registered,accepted,blocked,false_positive" doc:"What is decided."`
		System   string `json:"system,omitempty" maxLength:"8192" doc:"With registered: which."`
		Because  string `json:"because,omitempty" maxLength:"4000"`
		Due      string `json:"due,omitempty" maxLength:"40" format:"instant"`
		Expires  string `json:"expires,omitempty" maxLength:"40" format:"instant"`
	}
}) (out *Answer[DecidedBody], err error) {
	var t people.Deadlines
	if t.Due, err = parseDay("due", in.Body.Due); err != nil {
		return nil, err
	}
	if t.Expires, err = parseDay("expires", in.Body.Expires); err != nil {
		return nil, err
	}
	made := people.CaseDecision{Decision: in.Body.Decision, Reason: in.Body.Because, System: in.Body.System}
	err = a.atDesk(ctx, func(d *service.Desk) error {
		made, c, err := d.DecideCase(ctx, in.ID, made, t)
		out = &Answer[DecidedBody]{DecidedBody{made, c.Status}}
		return err
	})
	return out, err
}

func (a *API) approveCase(ctx context.Context, in *struct {
	ByID
	Body *struct{}
}) (out *Answer[DecidedBody], err error) {
	err = a.atDesk(ctx, func(d *service.Desk) error {
		made, c, err := d.ApproveCase(ctx, in.ID)
		out = &Answer[DecidedBody]{DecidedBody{made, c.Status}}
		return err
	})
	return out, err
}

// SampleBody is what exhibit sample -o json prints.
type SampleBody struct {
	ID string `json:"sample_id,omitempty"`
	*assess.Sample
}

func (a *API) draw(ctx context.Context, in *struct {
	Body struct {
		Expectation string   `json:"expectation" minLength:"1" maxLength:"200"`
		Seed        string   `json:"seed" minLength:"1" maxLength:"200" pattern:"^[^\\n\\x00]+$" doc:"Chosen by whoever audits."`
		Size        int      `json:"size,omitempty" minimum:"0" maximum:"100000"`
		Always      []string `json:"always,omitempty" maxItems:"20" doc:"high-risk, or statuses: these are drawn in any case."`
		AsOf        string   `json:"as_of,omitempty" maxLength:"40" format:"instant"`
		Record      bool     `json:"record,omitempty" doc:"Put the draw on record."`
	}
}) (out *Answer[SampleBody], err error) {
	at, err := parseInstant("as_of", in.Body.AsOf, a.Clock())
	if err != nil {
		return nil, err
	}
	v, err := a.at(ctx, at)
	if err != nil {
		return nil, err
	}
	s, err := a.Service.Draw(v, in.Body.Expectation, assess.SampleOptions{Seed: in.Body.Seed, Size: in.Body.Size, Always: in.Body.Always})
	if err != nil || !in.Body.Record {
		return answered(SampleBody{Sample: s}, err)
	}
	err = a.atDesk(ctx, func(d *service.Desk) error {
		id, err := d.RecordSample(ctx, s, v.Assessment.AsOf)
		out = &Answer[SampleBody]{SampleBody{id, s}}
		return err
	})
	return out, err
}
