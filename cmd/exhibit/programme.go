package main

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// programme hands f what the configured store held at an instant, with the
// records of some kinds.
func (g *globals) programme(ctx context.Context, asOf string, kinds []string, f func(*service.Programme) error) error {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return err
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	p := newProgress(g, "assessing")
	defer p.end()
	return svc.Programme(ctx, at, kinds, f)
}

// book loads what auditors expect at each stage.
func (g *globals) book(cfg *configfile.Config) (*readiness.Book, error) {
	engine, err := service.EngineOf(cfg)
	if err != nil {
		return nil, err
	}
	return readiness.Load(config.FS, readiness.Known{Kinds: engine.Catalog().KindIDs(), Controls: engine.Catalog().ControlIDs(), Expectations: slugs(engine)})
}

func slugs(engine *assess.Engine) []string {
	var out []string
	for _, e := range engine.Expectations() {
		out = append(out, e.Slug)
	}
	return out
}
