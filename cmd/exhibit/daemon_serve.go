package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/dashboard"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/server"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

// listenNone serves nothing.
const listenNone = "none"

// openServer opens the listener, unless nothing is to be served.
func (d *daemon) openServer(ctx context.Context) (err error) {
	cfg := d.w.cfg.Server
	switch {
	case d.o.listen == listenNone:
		return nil
	case d.o.listen != "":
		cfg.Listen = d.o.listen
	}
	if cfg.Listen == "" {
		return nil
	}
	way, err := wayOut(d.w.cfg)
	if err != nil {
		return err
	}
	d.server, err = server.New(ctx, server.Options{
		Client: way.Client(providerWithin), Config: cfg, DB: d.ops, Account: account(), Logger: d.w.logger, Now: time.Now,
		Append: func(ctx context.Context, entries ...store.NewEntry) error {
			_, err := d.w.store.Append(ctx, store.Batch{Entries: entries})
			return err
		},
		Register: registerNow(d.w.svc, d.w.logger),
		Around:   func(next http.Handler) http.Handler { return telemetry.HTTP(d.metrics, d.tracing, next) },
	})
	return err
}

// registerNow gives the register as its file is, nil where there is none.
func registerNow(svc *service.Service, logger *slog.Logger) func() *register.Register {
	return func() *register.Register {
		if svc.Config().Register == "" {
			return nil
		}
		reg, err := svc.Register()
		if err != nil {
			logger.Warn("the register cannot be read: nobody is a person of it", "error", err)
			return nil
		}
		return reg
	}
}

// serve answers until ctx is done.
func (d *daemon) serve(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	health, err := d.health()
	if err != nil {
		return err
	}
	link, err := d.server.Link(ctx, "")
	if err != nil {
		return err
	}
	if link == "" {
		link = d.server.URL()
	}
	fmt.Fprintf(d.w.g.std.out, "Dashboard: %s\n", link)
	exports, end, err := d.openExports(ctx)
	if err != nil {
		return err
	}
	pages, err := dashboard.New(dashboard.Options{Service: d.w.svc, Payload: d.server.Journal(), Sources: d.schedule, Told: d.teller, Exports: exports, Logger: d.w.logger, Clock: time.Now, Version: version, //nolint:contextcheck // each request brings its own
		Logout: "/logout", Person: "/login/person", RequestID: server.RequestID})
	if err != nil {
		return errors.Join(err, end())
	}
	programmes, err := d.api(ctx, exports)
	if err != nil {
		return errors.Join(err, end())
	}
	warming, stop := context.WithCancel(ctx)
	var warm sync.WaitGroup
	warm.Go(func() { pages.KeepWarm(warming, viewEvery) })
	defer warm.Wait()
	defer stop()
	err = d.server.Run(ctx, server.Handlers{
		Dashboard: pages,
		API:       programmes,
		MCP:       d.assistants(),
		Metrics:   d.metrics,
		Health:    http.HandlerFunc(alive),
		Ready:     ready(health),
	})
	return errors.Join(err, end())
}

// alive says that the process answers.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"state":"ok"}`)
}

// ready says whether requests may come, without saying how the agent is made.
func ready(h *telemetry.Health) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report := h.Ask(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if !report.Ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// An answer that cannot be written has nobody who reads it.
		_ = json.NewEncoder(w).Encode(report.Brief())
	})
}

// lastLook is when an agent last looked for sources that are due, zero before
// the first time.
func (d *daemon) lastLook() time.Time {
	if at := d.looked.Load(); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// health is what the agent depends on.
func (d *daemon) health() (*telemetry.Health, error) {
	key, err := ledger.ParseVerifier(d.w.key.Public())
	if err != nil {
		return nil, err
	}
	checks := []telemetry.Check{
		telemetry.StoreCheck(d.w.store.Checkpoint, store.ErrNoStore, key),
		telemetry.PingCheck("jobs", d.ops.PingContext),
		telemetry.TickCheck(d.lastLook, d.began, mostSilence, time.Now),
	}
	if d.w.reread != nil {
		checks = append(checks, telemetry.StateCheck("configuration", d.w.reread.State))
	}
	return &telemetry.Health{Version: version, Clock: time.Now, Mask: d.mask.Text, Checks: checks}, nil
}

// spansWithin is how long the collector of spans has to take them, providerWithin
// how long the OpenID provider has to answer.
const (
	spansWithin    = 10 * time.Second
	providerWithin = 15 * time.Second
)

// openTracing makes what sends spans, where something says where to.
func (d *daemon) openTracing(ctx context.Context) (*telemetry.Tracing, error) {
	t := d.w.cfg.Telemetry.Traces
	way, err := wayOut(d.w.cfg)
	if err != nil {
		return nil, err
	}
	return telemetry.NewTracing(ctx, telemetry.TraceOptions{Client: way.Client(spansWithin), Endpoint: t.Endpoint, Sample: t.Sample, Version: version, Getenv: os.Getenv,
		Mask: d.mask.Text, Logger: d.w.logger})
}
