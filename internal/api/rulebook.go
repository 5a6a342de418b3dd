package api

import (
	"context"
	"net/http"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/trace"
)

func (a *API) rulebookOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "catalog", needs: access.Read, summary: summary}
	}
	register(a, get("/v1/catalog/expectations/{slug}", "explain-expectation", "One expectation in words: what counts, what decides, what ages"), a.explainExpectation)
	register(a, get("/v1/catalog/controls/{id}", "explain-control", "One clause or control in our own words, and what is expected of it"), a.explainControl)
	register(a, get("/v1/catalog/kinds/{kind}", "explain-kind", "One kind of record: its fields, what it can prove and what it cannot"), a.explainKind)
	coverage := get("/v1/catalog/coverage", "catalog-coverage", "Which control is reached by which evidence from which source")
	coverage.costly = true
	coverage.about = "Each connector that is installed beside the agent is asked what it delivers, again when its binary is another one."
	register(a, coverage, a.catalogCoverage)
	cross := get("/v1/crosswalk", "crosswalk", "What the evidence may serve beside ISO/IEC 42001")
	cross.cached = true
	cross.about = "Pairs of a control and an item of another framework. A pair says that evidence of one may serve the other once somebody has looked at it; never that one covers the other."
	register(a, cross, a.crosswalk)
	register(a, get("/v1/templates", "templates", "Forms of policies, procedures, records and registers"), a.templates)
	register(a, get("/v1/templates/{name}", "template", "One form, as it is filled in"), a.template)
}

var errOtherName = service.NotFound{Mistake: service.Mistake{Err: errNoName, Remedy: "GET /v1/expectations and /v1/controls list what there is"}}

// explain finds what a name stands for, of the sort that want picks.
func explain[T any](a *API, name string, want func(service.Explained) *T) (*Answer[*T], error) {
	x, err := a.Service.Explain(name)
	if err != nil {
		return nil, err
	}
	if out := want(x); out != nil {
		return &Answer[*T]{out}, nil
	}
	return nil, errOtherName
}

func (a *API) explainExpectation(_ context.Context, in *struct {
	Slug string `path:"slug" maxLength:"200"`
}) (*Answer[*assess.Explanation], error) {
	return explain(a, in.Slug, func(x service.Explained) *assess.Explanation { return x.Expectation })
}

func (a *API) explainControl(_ context.Context, in *struct {
	ID string `path:"id" maxLength:"40" example:"A.6.2.4"`
}) (*Answer[*service.ExplainedControl], error) {
	return explain(a, in.ID, func(x service.Explained) *service.ExplainedControl { return x.Control })
}

func (a *API) explainKind(_ context.Context, in *struct {
	Kind string `path:"kind" maxLength:"200" example:"github.pull_request"`
}) (*Answer[*catalog.Kind], error) {
	return explain(a, in.Kind, func(x service.Explained) *catalog.Kind { return x.Kind })
}

func (a *API) catalogCoverage(ctx context.Context, _ *struct{}) (*Answer[List[trace.Control]], error) {
	from, err := a.Delivers(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.Service.Covered(from)
	return answered(List[trace.Control]{Items: orEmpty(rows)}, err)
}

func (a *API) crosswalk(ctx context.Context, in *struct {
	Instant
	Control   string `query:"control" maxLength:"40"`
	Framework string `query:"framework" maxLength:"100" example:"eu-ai-act"`
	Item      string `query:"item" maxLength:"100" doc:"Only pairs with this item of a framework."`
	Group     string `query:"group" maxLength:"100" doc:"Only items of this group."`
	Basis     string `query:"basis" enum:"published_institutional,published_community,proposed"`
	Evidence  string `query:"evidence" maxLength:"64" doc:"Only controls whose results rest on the evidence whose digest begins so; 8 digits or more."`
}) (*Stated[Page[service.CrossRow]], error) {
	cross, err := service.NewCrosswalk(a.Service.Catalog)
	if err != nil {
		return nil, err
	}
	want := service.CrosswalkWanted{Control: in.Control, Framework: in.Framework, Item: in.Item, Group: in.Group, Basis: in.Basis, Evidence: in.Evidence}
	if err := cross.Check(want); err != nil {
		return nil, err
	}
	v, tag, err := a.view(ctx, in.Instant)
	if err != nil {
		return nil, err
	}
	rows, err := cross.Rows(v.Assessment, want)
	return &Stated[Page[service.CrossRow]]{tag, Page[service.CrossRow]{State: stateOf(v), Items: rows}}, err
}

func (a *API) templates(context.Context, *struct{}) (*Answer[List[service.Template]], error) {
	list, err := service.Templates()
	return answered(List[service.Template]{Items: orEmpty(list)}, err)
}

// TemplateBody is a form.
type TemplateBody struct {
	service.Template
	Text string `json:"text" doc:"The form. What stands between < and > is to be filled in."`
}

func (a *API) template(_ context.Context, in *struct {
	Name string `path:"name" minLength:"1" maxLength:"200" doc:"Its file's name or path, or the document's id." example:"ai-policy"`
}) (*Answer[TemplateBody], error) {
	list, err := service.Templates()
	if err != nil {
		return nil, err
	}
	t, err := service.FindTemplate(list, in.Name)
	if err != nil {
		return nil, err
	}
	text, err := t.Text()
	return answered(TemplateBody{t, string(text)}, err)
}
