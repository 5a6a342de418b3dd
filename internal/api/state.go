package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// AssessmentBody is how everything stands, in numbers.
type AssessmentBody struct {
	State
	Catalog     assess.CatalogRef     `json:"catalog"`
	Counts      map[assess.Status]int `json:"counts" doc:"Results by status."`
	Runs        []assess.RunSummary   `json:"runs" nullable:"false" doc:"The newest run of each source."`
	Unexplained int                   `json:"unaccounted_ai" doc:"Uses of AI that no registered system accounts for."`
	Says        string                `json:"says,omitempty" doc:"What speaks against the list of AI systems being whole."`
}

// ControlBody is a control with what is expected of it.
type ControlBody struct {
	State
	service.ControlRow
	Expectations []assess.InForce `json:"expectations" nullable:"false" doc:"What is expected, with every threshold."`
}

func (a *API) stateOperations() {
	register(a, operation{method: http.MethodGet, path: "/v1/assessment", id: "assessment", tag: "state", needs: access.Read, cached: true,
		summary: "How everything stands", about: "The assessment as of an instant, in numbers. /v1/results lists what it found."}, a.assessment)
	register(a, operation{method: http.MethodGet, path: "/v1/controls", id: "controls", tag: "state", needs: access.Read, cached: true,
		summary: "Clauses and controls with their status"}, a.controls)
	register(a, operation{method: http.MethodGet, path: "/v1/controls/{id}", id: "control", tag: "state", needs: access.Read, cached: true,
		summary: "One clause or control, and what is expected of it"}, a.control)
	register(a, operation{method: http.MethodGet, path: "/v1/results", id: "results", tag: "state", needs: access.Read, cached: true,
		summary: "Results, by control, expectation, subject, AI system or status"}, a.results)
}

func (a *API) assessment(ctx context.Context, in *struct{ Instant }) (*Stated[AssessmentBody], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	counts := map[assess.Status]int{}
	for i := range v.Assessment.Controls {
		for s, n := range v.Assessment.Controls[i].Counts {
			counts[s] += n
		}
	}
	runs := v.Assessment.Runs
	if runs == nil {
		runs = []assess.RunSummary{}
	}
	return &Stated[AssessmentBody]{tag, AssessmentBody{State: stateOf(v), Catalog: v.Assessment.Catalog, Counts: counts, Runs: runs,
		Unexplained: v.Wholeness.Open, Says: v.Wholeness.Says()}}, nil
}

func (a *API) controls(ctx context.Context, in *struct{ Instant }) (*Stated[Page[service.ControlRow]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	out := Page[service.ControlRow]{State: stateOf(v), Items: []service.ControlRow{}}
	for i := range v.Assessment.Controls {
		out.Items = append(out.Items, service.ControlRowOf(&v.Assessment.Controls[i]))
	}
	return &Stated[Page[service.ControlRow]]{tag, out}, nil
}

func (a *API) control(ctx context.Context, in *struct {
	Instant
	ID string `path:"id" maxLength:"40" example:"A.6.2.4"`
}) (*Stated[ControlBody], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	c, err := v.Control(in.ID)
	if err != nil {
		return nil, err
	}
	out := ControlBody{State: stateOf(v), ControlRow: service.ControlRowOf(c), Expectations: []assess.InForce{}}
	for _, e := range v.Assessment.Expectations {
		if e.Control == c.ID {
			out.Expectations = append(out.Expectations, e)
		}
	}
	return &Stated[ControlBody]{tag, out}, nil
}

// ResultsWanted narrows the list of results.
type ResultsWanted struct {
	Instant
	Paged
	Control     string `query:"control" maxLength:"40"`
	Expectation string `query:"expectation" maxLength:"200"`
	SubjectType string `query:"subject_type" maxLength:"200"`
	SubjectID   string `query:"subject_id" maxLength:"8192"`
	System      string `query:"system" maxLength:"8192" doc:"Of this AI system."`
	Status      string `query:"status" enum:"satisfied,failing,missing,stale,due,pending_review,waived,not_applicable,not_assessed"`
}

func (a *API) results(ctx context.Context, in *ResultsWanted) (*Stated[Page[*assess.Result]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	all := v.Assessment.Results
	switch {
	case in.Expectation != "":
		if _, all, err = v.Expectation(in.Expectation); err != nil {
			return nil, err
		}
	case in.Control != "":
		c, err := v.Control(in.Control)
		if err != nil {
			return nil, err
		}
		all = c.Results
	}
	out := Page[*assess.Result]{State: stateOf(v)}
	out.Items, out.Next, err = pageOf("results", in.Paged, all, resultKey, in.wants)
	return &Stated[Page[*assess.Result]]{tag, out}, err
}

func resultKey(r *assess.Result) string {
	return r.Expectation + "\x00" + r.Subject.Type + "\x00" + r.Subject.ID
}

func (in *ResultsWanted) wants(r *assess.Result) bool {
	return (in.Control == "" || r.Control == in.Control) &&
		(in.SubjectType == "" || r.Subject.Type == in.SubjectType) &&
		(in.SubjectID == "" || r.Subject.ID == in.SubjectID) &&
		(in.System == "" || slices.Contains(r.Systems, in.System)) &&
		(in.Status == "" || string(r.Status) == in.Status)
}
