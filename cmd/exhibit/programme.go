package main

import (
	"context"
	"time"

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
