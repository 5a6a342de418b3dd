package openai

import (
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

const day = 24 * time.Hour

// run is one collection.
type run struct {
	cfg   *config
	req   connector.Request
	book  *coverage.Book
	admin *api
	key   *api // nil without the secret
	now   time.Time

	projects []project
	listed   bool            // all projects are known
	used     map[string]bool // projects with use on the days that were read
	missed   coverage.Misses
}

// Collect reads the organisation.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, req: req, book: coverage.New(New().Describe(), req, emit), missed: coverage.Misses{Each: "project"}, used: map[string]bool{}}
	if r.admin, err = newAPI(cfg, cfg.admin, conn.clock, r.book.Counter()); err != nil {
		return nil, err
	}
	if cfg.key != "" {
		if r.key, err = newAPI(cfg, cfg.key, conn.clock, r.book.Counter()); err != nil {
			return nil, err
		}
	}
	hello, err := r.admin.admit(ctx, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	r.now = hello.now
	r.book.Enumerated(records.KindVendorUser, records.KindVendorProject, records.KindAPIKey, records.KindDataControls)
	steps := []func(context.Context) error{
		r.listProjects, r.users, r.members, r.keys, r.usage, r.costs, r.hidden, r.auditLog, r.controls, r.lifecycles, r.fineTuned, r.unread,
	}
	for i, step := range steps {
		r.book.Progress("openai", i, len(steps))
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.book.Result(), nil
}

// active are the projects that can be used.
func (r *run) active() []project {
	return slices.DeleteFunc(slices.Clone(r.projects), func(p project) bool { return p.archived() })
}

// unread tells what could not be read of single projects.
func (r *run) unread(context.Context) error { return r.missed.Tell(r.book) }

// onDay writes the day of a time in seconds; empty for none.
func onDay(seconds int64) string { return records.Stamp(midnightOf(records.Unix(seconds))) }

func midnightOf(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return usage.Midnight(t)
}

// counted is a number that is known.
func counted(n int64) *int64 { return &n }

func yes(b bool) *bool { return &b }
