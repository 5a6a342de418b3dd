package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/api"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/mcp"
	"github.com/exhibit-aims/exhibit/internal/trace"
)

// api is what answers programs. It is made when the first one asks: the schemas
// of all operations take some memory, and many an agent is never asked.
func (d *daemon) api(ctx context.Context, exports *exportjob.Manager) (http.Handler, error) {
	if err := api.Migrate(ctx, d.ops); err != nil {
		return nil, err
	}
	made := sync.OnceValues(func() (*api.API, error) { //nolint:contextcheck // each request brings its own
		return api.New(api.Options{Service: d.w.svc, Payload: d.server.Journal(), Logger: d.w.logger, Clock: time.Now, Version: version,
			DB: d.ops, Schedule: d.schedule, Telling: d.teller, Delivers: d.delivers(), Exports: exports})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := made()
		if err != nil {
			d.w.logger.Error("the API could not be made", "error", err)
			http.Error(w, "Something went wrong on this side. It is in the log of the agent.", http.StatusInternalServerError)
			return
		}
		a.ServeHTTP(w, r)
	}), nil
}

// delivers says what every connector that is installed delivers.
func (d *daemon) delivers() func(context.Context) (trace.Delivers, error) {
	said := d.w.host.Remember()
	return func(ctx context.Context) (trace.Delivers, error) { return d.w.g.delivers(ctx, said) }
}

// assistants is what answers programs that speak the Model Context Protocol.
func (d *daemon) assistants() http.Handler {
	return mcp.Handler(mcp.Options{Service: d.w.svc, Payload: d.server.Journal(), Logger: d.w.logger, Clock: time.Now, Version: version})
}

// openExports begins to make what is ordered; close ends it and removes the files.
func (d *daemon) openExports(ctx context.Context) (m *exportjob.Manager, end func() error, err error) {
	m, err = exportjob.Open(exportjob.Options{Service: d.w.svc, Logger: d.w.logger, Clock: time.Now})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx)
	}()
	return m, func() error {
		cancel()
		<-done
		return m.Close()
	}, nil
}
