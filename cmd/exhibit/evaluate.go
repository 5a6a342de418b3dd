package main

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

// assessAsOf evaluates the configured store at an instant given by --as-of.
func (g *globals) assessAsOf(ctx context.Context, asOf string) (*assess.Assessment, error) {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return nil, err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	p := newProgress(g, "assessing")
	defer p.end()
	return svc.Assess(ctx, at)
}

// view is how everything in the configured store stood at an instant; an empty
// one is now.
func (g *globals) view(ctx context.Context, asOf string) (*service.View, error) {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return nil, err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if asOf != "" {
		return stateAt(ctx, g, svc, at)
	}
	p := newProgress(g, "assessing")
	defer p.end()
	return svc.Refresh(ctx)
}

// stateAt is how everything stood at an instant.
func stateAt(ctx context.Context, g *globals, svc *service.Service, at time.Time) (*service.View, error) {
	p := newProgress(g, "assessing")
	defer p.end()
	return svc.At(ctx, at)
}

// reading is a service on the configured store that only reads.
func (g *globals) reading(ctx context.Context) (svc *service.Service, done func(), err error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return nil, nil, err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return nil, nil, err
	}
	return service.New(service.Options{Config: cfg, Catalog: cat, Store: st, Clock: time.Now, Version: version, User: currentUser()}), func() { st.Close() }, nil
}
