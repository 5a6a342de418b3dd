package okta

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg     *config
	req     connector.Request
	book    *coverage.Book
	api     *api
	matcher *grants.Matcher
	now     time.Time

	apps   []known // those of AI
	looked int     // applications that were looked at
	listed bool    // all of them
	missed coverage.Misses
}

// Collect reads the organisation.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	r := &run{
		cfg: cfg, req: req, book: coverage.New(New().Describe(), req, emit), now: time.Now().UTC().Truncate(time.Second),
		missed: coverage.Misses{Each: "application"},
	}
	if r.matcher, err = conn.matcher(); err != nil {
		return nil, fmt.Errorf("okta: %w", err)
	}
	if r.api, err = newAPI(ctx, cfg, conn.clock, r.book.Counter()); err != nil {
		return nil, err
	}
	r.book.Enumerated(records.KindSighting)
	for _, step := range []func(context.Context) error{r.listApps, r.tellApps, r.userGrants, r.activity, r.unread} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.book.Result(), nil
}

// unread tells what could not be read of single applications.
func (r *run) unread(context.Context) error { return r.missed.Tell(r.book) }
