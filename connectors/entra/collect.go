package entra

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
	graph   *graph
	matcher *grants.Matcher
	now     time.Time

	apps     []known // those of AI
	listed   bool    // all applications were looked at
	licensed bool    // there are licences of Microsoft 365 Copilot
	named    map[string]map[string]string
	consents *coverage.Table[firstConsent]
	missed   coverage.Misses
}

// Collect reads the tenant.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	r := &run{
		cfg: cfg, req: req, book: coverage.New(New().Describe(), req, emit), now: time.Now().UTC().Truncate(time.Second),
		named: map[string]map[string]string{}, missed: coverage.Misses{Each: "application"},
	}
	if r.matcher, err = conn.matcher(); err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	// people are remembered as the settings have them told
	r.consents = coverage.OpenTable[firstConsent](r.book, "first consents", cfg.Owners)
	if r.graph, err = newGraph(ctx, cfg, conn.clock, r.book.Counter()); err != nil {
		return nil, err
	}
	r.book.Enumerated(records.KindSighting)
	for _, step := range []func(context.Context) error{r.listApps, r.readConsents, r.tellApps, r.licences, r.readSignIns, r.copilotUse, r.unread} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.book.Result(), nil
}

// unread tells what could not be read of single applications.
func (r *run) unread(context.Context) error { return r.missed.Tell(r.book) }
