package main

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/reload"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

// rereading is how a daemon takes up a changed configuration: what was read
// anew and found right, it starts again with, in the same process.
type rereading struct {
	*reload.Reloader[*configfile.Config]
	metrics atomic.Pointer[telemetry.Metrics] // nil until the daemon has some
}

// newRereading uses cfg until another one is read.
func (g *globals) newRereading(cfg *configfile.Config, logger *slog.Logger) *rereading {
	r := &rereading{}
	r.Reloader = reload.New(cfg, reload.Options[*configfile.Config]{
		Read: func(context.Context) (*configfile.Config, error) { return g.checkedConfig(logger) },
		Told: func(at time.Time, err error) { r.metrics.Load().Reloaded(at, err) }, Logger: logger, Clock: time.Now,
	})
	return r
}

// checkedConfig reads the configuration, and everything that a start would
// refuse: register, rules, schedules and the way out.
func (g *globals) checkedConfig(logger *slog.Logger) (*configfile.Config, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	if _, err := service.EngineOf(cfg); err != nil {
		return nil, err
	}
	if cfg.Register != "" {
		if _, err := register.Load(cfg.Register, register.Known{Now: time.Now()}); err != nil {
			return nil, err
		}
	}
	if _, err := newHost(cfg, logger, nil); err != nil {
		return nil, err
	}
	_, err = (&workplace{g: g, cfg: cfg}).schedules()
	return cfg, err
}

// until returns a context that ends when ctx does, or when a configuration was
// asked for and found right: again then reports true.
func (r *rereading) until(ctx context.Context, asked <-chan os.Signal) (running context.Context, again func() bool, stop func()) {
	running, cancel := context.WithCancel(ctx)
	changed, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-running.Done():
				return
			case <-asked:
				if r.Reload(running) == nil {
					changed = true
					cancel()
					return
				}
			}
		}
	}()
	stop = func() { cancel(); <-ended }
	return running, func() bool { stop(); return changed && ctx.Err() == nil }, stop
}
