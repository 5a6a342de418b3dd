package googleworkspace

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
	session *session
	matcher *grants.Matcher
	now     time.Time

	account  string // the customer's id, as Google gives it
	people   []member
	listed   bool
	consents *coverage.Table[firstConsent]
	clients  map[string]bool // all that people let in
	apps     map[string]*app // those of AI
}

// Collect reads the customer.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	r := &run{
		cfg: cfg, req: req, book: coverage.New(New().Describe(), req, emit), now: time.Now().UTC().Truncate(time.Second),
		clients: map[string]bool{}, apps: map[string]*app{},
	}
	if r.matcher, err = conn.matcher(); err != nil {
		return nil, fmt.Errorf("googleworkspace: %w", err)
	}
	// people are remembered as the settings have them told
	r.consents = coverage.OpenTable[firstConsent](r.book, "first consents", cfg.Owners)
	r.session = newSession(cfg, conn.clock, r.book.Counter())
	r.book.Enumerated(records.KindSighting)
	for _, step := range []func(context.Context) error{r.listPeople, r.readTokens, r.readLogs, r.tellApps, r.readLicences} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.book.Result(), nil
}

// accountName names the customer.
func (r *run) accountName() string {
	if r.cfg.Customer == "my_customer" && r.account != "" {
		return r.account
	}
	return r.cfg.Customer
}
