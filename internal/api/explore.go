package api

import (
	"context"
	"net/http"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func (a *API) exploreOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "state", needs: access.Read, cached: true, summary: summary}
	}
	costly := func(o operation) operation {
		o.costly = true
		return o
	}
	register(a, get("/v1/expectations", "expectations", "What is expected, with every threshold in force"), a.expectations)
	register(a, get("/v1/systems", "systems", "The AI systems of the register"), a.systems)
	register(a, costly(get("/v1/systems/{id}/trace", "trace", "One AI system from intake to today, stage by stage")), a.trace)
	register(a, get("/v1/questions", "questions", "The questions that can be asked"), a.questions)
	register(a, costly(get("/v1/ask", "ask", "Answer a question from evidence, with citations")), a.ask)
	register(a, operation{method: http.MethodGet, path: "/v1/plan", id: "plan", tag: "state", needs: access.Read, costly: true, summary: "The way to an audit, item by item"}, a.plan)
	register(a, get("/v1/populations", "populations", "What each expectation was held against"), a.populations)
	register(a, get("/v1/populations/{expectation}", "population", "One population, with its members counted by status"), a.population)
	register(a, get("/v1/populations/{expectation}/items", "population-items", "The members of one population"), a.populationItems)
	register(a, operation{method: http.MethodGet, path: "/v1/gaps", id: "gaps", tag: "sources", needs: access.Read, costly: true,
		summary: "What the newest run of each source could not see, and why"}, a.gaps)
	register(a, operation{method: http.MethodGet, path: "/v1/runs", id: "runs", tag: "sources", needs: access.Read,
		summary: "Runs, the newest first"}, a.runs)
}

func (a *API) expectations(ctx context.Context, in *struct{ Instant }) (*Stated[Page[assess.InForce]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	return &Stated[Page[assess.InForce]]{tag, Page[assess.InForce]{State: stateOf(v), Items: orEmpty(v.Assessment.Expectations)}}, nil
}

func (a *API) systems(ctx context.Context, in *struct {
	Instant
	Paged
}) (*Stated[Page[ask.System]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	out := Page[ask.System]{State: stateOf(v)}
	out.Items, out.Next, err = pageOf("systems", in.Paged, v.Systems(), func(s ask.System) string { return s.ID }, every[ask.System])
	return &Stated[Page[ask.System]]{tag, out}, err
}

func (a *API) trace(ctx context.Context, in *struct {
	Instant
	ID    string `path:"id" maxLength:"8192"`
	Chain string `query:"chain" maxLength:"100" doc:"Only this chain."`
}) (*Stated[ask.Trace], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	t, of, err := a.Service.ViewTrace(ctx, v, in.ID, in.Chain)
	if err == nil && of != v { // one shortly before
		tag = tagOf(of)
		err = fresh(in.Match, tag)
	}
	return &Stated[ask.Trace]{tag, t}, err
}

func (a *API) questions(_ context.Context, _ *struct{}) (*Answer[List[ask.Question]], error) {
	return answered(List[ask.Question]{Items: ask.Questions()}, nil)
}

func (a *API) ask(ctx context.Context, in *struct {
	Instant
	Question string `query:"question" required:"true" minLength:"1" maxLength:"500" doc:"A name of /v1/questions, or words near to one."`
	System   string `query:"system" maxLength:"8192" doc:"Only for this AI system."`
	Seed     string `query:"seed" maxLength:"200" doc:"What the sample of a question that draws one depends on."`
}) (*Stated[Page[ask.Answer]], error) {
	q, _, err := service.QuestionOf(in.Question)
	if err != nil {
		return nil, err
	}
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	list, err := a.Service.Ask(ctx, v.Basis(), q, in.System, in.Seed)
	return &Stated[Page[ask.Answer]]{tag, Page[ask.Answer]{State: stateOf(v), Items: orEmpty(list)}}, err
}

func (a *API) plan(ctx context.Context, in *struct {
	AsOf  string `query:"as_of" maxLength:"40" format:"instant"`
	Start string `query:"start" maxLength:"40" format:"instant" doc:"When the project began; left out: as the configuration says, else the first entry of the ledger."`
}) (*Answer[plan.Report], error) {
	v, _, err := a.view(ctx, Instant{AsOf: in.AsOf})
	if err != nil {
		return nil, err
	}
	start, err := dayStart("start", in.Start)
	if err != nil {
		return nil, err
	}
	roadmap, err := a.Service.Roadmap()
	if err != nil {
		return nil, err
	}
	return answered(a.Service.Plan(ctx, roadmap, v, start))
}

func (a *API) populations(ctx context.Context, in *struct{ Instant }) (*Stated[Page[assess.Population]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	return &Stated[Page[assess.Population]]{tag, Page[assess.Population]{State: stateOf(v), Items: orEmpty(v.Assessment.Populations)}}, nil
}

func (a *API) population(ctx context.Context, in *struct {
	Instant
	Expectation string `path:"expectation" maxLength:"200"`
}) (*Stated[service.PopulationPage], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	page, err := service.PopulationPageOf(v.Assessment, in.Expectation)
	return &Stated[service.PopulationPage]{tag, page}, err
}

func (a *API) populationItems(ctx context.Context, in *struct {
	Instant
	Paged
	Expectation string `path:"expectation" maxLength:"200"`
}) (*Stated[Page[service.PopulationItem]], error) {
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	if _, err := service.PopulationOf(v.Assessment, in.Expectation); err != nil {
		return nil, err
	}
	page, next, err := pageOf("items:"+in.Expectation, in.Paged, assess.Items(v.Assessment, in.Expectation), resultKey, every[*assess.Result])
	out := Page[service.PopulationItem]{State: stateOf(v), Items: []service.PopulationItem{}, Next: next}
	for _, r := range page {
		out.Items = append(out.Items, service.ItemOf(r))
	}
	return &Stated[Page[service.PopulationItem]]{tag, out}, err
}

func (a *API) gaps(ctx context.Context, _ *struct{}) (*Answer[List[service.GapRow]], error) {
	rows, err := a.Service.Gaps(ctx)
	return answered(List[service.GapRow]{Items: orEmpty(rows)}, err)
}

// RunRow is one run.
type RunRow struct {
	PushedRow
	Connector   string                       `json:"connector"`
	Version     string                       `json:"connector_version"`
	Method      string                       `json:"method"`
	Identity    string                       `json:"identity"`
	Imported    bool                         `json:"imported,omitempty"`
	StartedAt   time.Time                    `json:"started_at"`
	Confinement string                       `json:"confinement,omitempty"`
	Kinds       map[string]evidence.KindRead `json:"kinds"`
}

func (a *API) runs(ctx context.Context, in *struct {
	Paged
	Source string `query:"source" maxLength:"2048"`
}) (*Answer[List[RunRow]], error) {
	at, err := parsePlace("runs:"+in.Source, in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.Service.Runs(ctx, store.RunQuery{Source: in.Source, Before: at.Key, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := List[RunRow]{Items: []RunRow{}}
	if page.More {
		out.Next = place{List: at.List, Key: page.Runs[len(page.Runs)-1].ID}.String()
	}
	for _, r := range page.Runs {
		p := r.Provenance
		row := RunRow{PushedRow: *pushedRow(r), Connector: p.Connector, Version: p.ConnectorVersion, Method: p.Method, Identity: p.Identity,
			Imported: p.Imported, StartedAt: r.StartedAt, Confinement: r.Confinement, Kinds: r.Kinds}
		row.Requests, row.NotMod = r.Calls.Requests, r.Calls.NotModified
		if row.Kinds == nil {
			row.Kinds = map[string]evidence.KindRead{}
		}
		out.Items = append(out.Items, row)
	}
	return answered(out, err)
}
