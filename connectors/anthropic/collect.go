package anthropic

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg        *config
	req        connector.Request
	book       *coverage.Book
	admin      *api
	key        *api // nil without the secret
	compliance *api
	now        time.Time

	workspaces []workspace
	listed     bool              // all workspaces are known
	defaultID  string            // the id of the default workspace, or its name
	used       map[string]bool   // workspaces with use on the days that were read
	usedKeys   map[string]bool   // keys, likewise
	lastUsed   map[string]string // the last day of use, by key
	missed     coverage.Misses
}

// Collect reads the organisation.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, req: req, book: coverage.New(New().Describe(), req, emit), missed: coverage.Misses{Each: "workspace"},
		used: map[string]bool{}, usedKeys: map[string]bool{}, lastUsed: map[string]string{}}
	if err := r.connect(conn, r.book.Counter()); err != nil {
		return nil, err
	}
	hello, err := r.admin.admit(ctx, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	r.now = hello.now
	r.book.Enumerated(records.KindVendorUser, records.KindVendorProject, records.KindAPIKey, records.KindDataControls)
	steps := []func(context.Context) error{
		r.listWorkspaces, r.users, r.members, r.usage, r.costs, r.keys, r.hidden, r.activities, r.controls, r.lifecycles, r.unread,
	}
	for i, step := range steps {
		r.book.Progress("anthropic", i, len(steps))
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.book.Result(), nil
}

// connect makes a client for each key.
func (r *run) connect(conn *Connector, counted func(connector.Calls)) (err error) {
	if r.admin, err = newAPI(r.cfg, r.cfg.admin, conn.clock, counted); err != nil {
		return err
	}
	r.compliance = r.admin
	if r.cfg.compliance != "" {
		if r.compliance, err = newAPI(r.cfg, r.cfg.compliance, conn.clock, counted); err != nil {
			return err
		}
	}
	if r.cfg.key != "" {
		r.key, err = newAPI(r.cfg, r.cfg.key, conn.clock, counted)
	}
	return err
}

// unread tells what could not be read of single workspaces.
func (r *run) unread(context.Context) error { return r.missed.Tell(r.book) }

// moment reads a time of Anthropic's. The epoch stands for one that is not
// known: it is none.
func moment(s string) (time.Time, error) {
	at, err := records.Moment(s)
	if err != nil || at.Year() < 2000 || at.Year() > 9000 {
		return time.Time{}, err
	}
	return at, nil
}

// moments reads several times, or says which is none.
func moments(texts ...string) ([]time.Time, error) {
	var out []time.Time
	for _, s := range texts {
		at, err := moment(s)
		if err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, nil
}

// counted is a number that is known.
func counted(n int64) *int64 { return &n }
