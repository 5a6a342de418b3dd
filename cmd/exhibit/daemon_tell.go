package main

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

// openTeller makes what people are told through, by the configuration in force
// when the agent starts.
func (d *daemon) openTeller(ctx context.Context) error {
	opts, err := d.w.g.tellOptions(d.w.cfg, d.ops, d.w.logger)
	if err != nil {
		return err
	}
	opts.Sent, opts.Did = d.metrics.Notified, d.metrics.Ticketed
	d.teller, err = tell.New(ctx, opts)
	return err
}

// tell says what changed to whom it concerns.
func (d *daemon) tell(ctx context.Context, v *service.View) error {
	seen, err := seenBeside(ctx, d.w.svc, d.schedule)
	if err != nil {
		return err
	}
	return d.teller.Tell(ctx, v, seen)
}
