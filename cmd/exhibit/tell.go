package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

// telling is what the commands that tell people work with.
type telling struct {
	g    *globals
	cfg  *configfile.Config
	db   *opsdb.DB
	opts tell.Options
}

// withTelling opens what telling people needs.
func (g *globals) withTelling(ctx context.Context, f func(*telling) error) (err error) {
	if err := g.needStore(ctx); err != nil {
		return err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	db, err := openOps(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	opts, err := g.tellOptions(cfg, db, g.logger(slog.LevelError))
	if err != nil {
		return err
	}
	return f(&telling{g: g, cfg: cfg, db: db, opts: opts})
}

// tellOptions are what telling people needs, by a configuration.
func (g *globals) tellOptions(cfg *configfile.Config, db *opsdb.DB, logger *slog.Logger) (tell.Options, error) {
	way, err := wayOut(cfg)
	if err != nil {
		return tell.Options{}, err
	}
	secrets, err := g.secretsOf(cfg)
	if err != nil {
		return tell.Options{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return tell.Options{Config: cfg, DB: db, Way: way, Secret: secrets.Resolve, Logger: logger, Node: host + "/" + strconv.Itoa(os.Getpid())}, nil
}

// view is how everything stands now, with what agents did.
func (t *telling) view(ctx context.Context) (*service.View, tell.Seen, error) {
	svc, done, err := t.g.reading(ctx)
	if err != nil {
		return nil, tell.Seen{}, err
	}
	defer done()
	p := newProgress(t.g, "assessing")
	defer p.end()
	v, err := svc.Refresh(ctx)
	if err != nil {
		return nil, tell.Seen{}, err
	}
	schedule, err := agent.OpenSchedule(ctx, t.db, t.opts.Logger)
	if err != nil {
		return nil, tell.Seen{}, err
	}
	seen, err := seenBeside(ctx, svc, schedule)
	return v, seen, err
}

// seenBeside is what is observed beside a view.
func seenBeside(ctx context.Context, svc *service.Service, schedule *agent.Schedule) (tell.Seen, error) {
	waivers, err := svc.WaiversEnding(ctx, tell.WaiversAhead)
	if err != nil {
		return tell.Seen{}, err
	}
	sources, err := schedule.Status(ctx)
	return tell.Seen{Sources: sources, Waivers: waivers}, err
}
