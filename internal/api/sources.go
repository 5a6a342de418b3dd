package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// Schedule is what is known of sources and their times. agent.Schedule is one.
type Schedule interface {
	Status(ctx context.Context) ([]agent.SourceStatus, error)
	Nodes(ctx context.Context) ([]agent.NodeStatus, error)
	Pause(ctx context.Context, source, by, because string) error
	Resume(ctx context.Context, source, by string) error
	RunNow(ctx context.Context, source, by string) (waiting bool, err error)
}

func (a *API) sourceOperations() {
	register(a, operation{method: http.MethodGet, path: "/v1/sources", id: "sources", tag: "sources", needs: access.Read,
		summary: "Agents and sources: when each was read, and when it will be"}, a.sources)
	register(a, operation{method: http.MethodGet, path: "/v1/roles", id: "roles", tag: "about", needs: access.Read, summary: "The roles and what each allows"}, a.roles)
	act := func(path, id, summary string) operation {
		return operation{method: http.MethodPost, path: path, id: id, tag: "sources", needs: access.RunSources, summary: summary}
	}
	register(a, act("/v1/sources/{source}/run", "run-source", "Read a source now"), a.runNow)
	register(a, act("/v1/sources/{source}/pause", "pause-source", "Do not read a source until it is resumed"), a.pause)
	register(a, act("/v1/sources/{source}/resume", "resume-source", "Read a source on schedule again"), a.resume)
}

// SourcesBody is what exhibit agent status -o json prints.
type SourcesBody struct {
	Nodes   []agent.NodeStatus   `json:"nodes" nullable:"false"`
	Sources []agent.SourceStatus `json:"sources" nullable:"false"`
}

var errNoSchedule = errors.New("no schedule is known here")

func (a *API) schedule() (Schedule, error) {
	if a.Schedule == nil {
		return nil, wrong("ask an agent that reads on schedule", errNoSchedule)
	}
	return a.Schedule, nil
}

func (a *API) sources(ctx context.Context, _ *struct{}) (*Answer[SourcesBody], error) {
	s, err := a.schedule()
	if err != nil {
		return nil, err
	}
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := s.Status(ctx)
	return answered(SourcesBody{orEmpty(nodes), orEmpty(sources)}, err)
}

// BySource names a source.
type BySource struct {
	Source string `path:"source" pattern:"^[a-z][a-z0-9-]{0,62}$"`
}

// SourceBody says what will be done.
type SourceBody struct {
	Source  string `json:"source"`
	Waiting bool   `json:"waiting,omitempty" doc:"It waits for its turn."`
	Paused  bool   `json:"paused,omitempty"`
}

// known returns the schedule, if it has the source.
func (a *API) known(ctx context.Context, source string) (Schedule, string, error) {
	s, err := a.schedule()
	if err != nil {
		return nil, "", err
	}
	all, err := s.Status(ctx)
	if err != nil {
		return nil, "", err
	}
	if !slices.ContainsFunc(all, func(x agent.SourceStatus) bool { return x.Source == source }) {
		return nil, "", service.NotFound{Mistake: service.Mistake{Err: errors.New("no source is called so"), Remedy: "GET /v1/sources lists them"}}
	}
	who, _ := access.From(ctx)
	by := who.Person
	if by == "" {
		by = who.ActingAccount()
	}
	return s, by, nil
}

func (a *API) runNow(ctx context.Context, in *struct {
	BySource
	Body *struct{}
}) (*Answer[SourceBody], error) {
	s, by, err := a.known(ctx, in.Source)
	if err != nil {
		return nil, err
	}
	waiting, err := s.RunNow(ctx, in.Source, by)
	return answered(SourceBody{Source: in.Source, Waiting: waiting}, err)
}

func (a *API) pause(ctx context.Context, in *struct {
	BySource
	Body struct {
		Because string `json:"because" minLength:"1" maxLength:"1000"`
	}
}) (*Answer[SourceBody], error) {
	s, by, err := a.known(ctx, in.Source)
	if err != nil {
		return nil, err
	}
	return answered(SourceBody{Source: in.Source, Paused: true}, s.Pause(ctx, in.Source, by, in.Body.Because))
}

func (a *API) resume(ctx context.Context, in *struct {
	BySource
	Body *struct{}
}) (*Answer[SourceBody], error) {
	s, by, err := a.known(ctx, in.Source)
	if err != nil {
		return nil, err
	}
	return answered(SourceBody{Source: in.Source}, s.Resume(ctx, in.Source, by))
}

// RoleRow is a role and what it allows.
type RoleRow struct {
	Role        access.Role         `json:"role"`
	For         string              `json:"for"`
	Permissions []access.Permission `json:"permissions" nullable:"false"`
}

// RoleRows is the table of roles.
func RoleRows() []RoleRow {
	var rows []RoleRow
	for _, i := range access.Roles() {
		rows = append(rows, RoleRow{Role: i.Role, For: i.For, Permissions: i.Allowed})
	}
	return rows
}

func (a *API) roles(context.Context, *struct{}) (*Answer[List[RoleRow]], error) {
	return answered(List[RoleRow]{Items: RoleRows()}, nil)
}
