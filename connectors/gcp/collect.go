package gcp

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// run is one collection.
type run struct {
	cfg  *config
	req  connector.Request
	book *coverage.Book
	s    *session
	now  time.Time
}

// place is one location of one project.
type place struct {
	*run
	project, location string
	api               *rest.Client
}

// step reads some kinds of one place.
type step struct {
	kinds      []string
	what       string
	permission string
	read       func(*place, context.Context) error
}

// steps are what is read of each place. Approval is among it only where the
// settings say what that is: else nobody looked.
func (c *config) steps() []step {
	models := []string{records.KindModel, records.KindModelVersion, records.KindLineage, kindEvaluation}
	if len(c.ApprovalAliases) > 0 {
		models = append(models, records.KindModelApproval)
	}
	return []step{
		{models, "models", permModels, (*place).models},
		{[]string{records.KindDeployment, records.KindInvocationLogging, records.KindAIResource}, "endpoints", permEndpoints, (*place).endpoints},
		{[]string{records.KindModelMonitor}, "monitoring jobs", permMonitoring, (*place).monitoringJobs},
		{[]string{records.KindModelMonitor}, "model monitors", permMonitors, (*place).modelMonitors},
		{[]string{records.KindLineage}, "tuning jobs", permTuning, (*place).tuningJobs},
		{[]string{records.KindAIResource}, "agents", permAgents, (*place).agents},
		{[]string{records.KindAIResource}, "notebook runtimes", permNotebooks, (*place).notebooks},
	}
}

// Collect reads project by project, location by location.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(New().Describe(), req, emit)
	s, err := newSession(ctx, cfg, book.Counter())
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, req: req, book: book, s: s, now: time.Now().UTC()}
	book.Enumerated(records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindInvocationLogging, records.KindAIResource)
	for i, p := range cfg.Projects {
		book.Progress("project "+p, i, len(cfg.Projects))
		if err := r.project(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := r.publishers(ctx); err != nil {
		return nil, err
	}
	if len(cfg.ApprovalAliases) > 0 {
		book.Query("versions with the aliases "+strings.Join(cfg.ApprovalAliases, ", ")+"; as read, so changes between two runs may be missed", records.KindModelApproval)
	} else {
		book.Query("not read: settings.approval_aliases names no alias that means approval", records.KindModelApproval)
	}
	return book.Result(), nil
}

func (r *run) project(ctx context.Context, project string) error {
	locations := r.cfg.Locations
	if len(locations) == 0 {
		all := r.cfg.placeKinds()
		err := r.book.Missed(ctx, coverage.Part{Kinds: all, Scope: "project " + project + ", locations", Permission: permLocations}, r.locations(ctx, project, &locations))
		if err != nil {
			return err
		}
	}
	for _, l := range locations {
		api, err := r.s.vertex(l)
		if err != nil {
			return err
		}
		if err := (&place{run: r, project: project, location: l, api: api}).read(ctx); err != nil {
			return err
		}
	}
	r.book.Query(fmt.Sprintf("project %s, locations %s; no other was looked at", project, strings.Join(locations, ", ")), r.cfg.placeKinds()...)
	return r.auditLog(ctx, project)
}

// placeKinds are the kinds that are read by location.
func (c *config) placeKinds() []string {
	var all []string
	for _, s := range c.steps() {
		all = append(all, s.kinds...)
	}
	return all
}

// locations lists where a project can use Vertex AI.
func (r *run) locations(ctx context.Context, project string, into *[]string) error {
	api, err := r.s.vertex("")
	if err != nil {
		return err
	}
	return list(ctx, api, "v1/projects/"+project+"/locations", "locations", func(l struct {
		ID string `json:"locationId"`
	}) error {
		if l.ID == "" || strings.Trim(l.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return &rest.MalformedError{Path: "locations", Why: "a location has no name that can be one"}
		}
		*into = append(*into, l.ID)
		return nil
	})
}

func (p *place) read(ctx context.Context) error {
	for _, s := range p.cfg.steps() {
		part := coverage.Part{Kinds: s.kinds, Scope: p.scope(s.what), Permission: s.permission}
		if err := p.book.Part(ctx, part, func() error { return s.read(p, ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) scope(what string) string {
	return "project " + p.project + ", location " + p.location + ", " + what
}

func (p *place) parent() string { return "v1/projects/" + p.project + "/locations/" + p.location }

// registry is the registry's name in records.
func (p *place) registry() string { return "vertex/" + p.project + "/" + p.location }

// unfit reports one thing that cannot be taken.
func (p *place) unfit(kinds []string, what string, err error) error {
	return p.book.Gap(connector.Gap{Kinds: kinds, Scope: p.scope(what), Reason: connector.Malformed, Detail: err.Error()})
}

// labels makes labels fit for a payload.
func labels(in map[string]string) map[string]string {
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[records.Line(k, 128)] = records.Line(v, 256)
	}
	return out
}
