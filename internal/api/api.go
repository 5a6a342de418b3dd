package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/trace"
)

// Options are what the API works with.
type Options struct {
	Service  *service.Service
	Payload  access.PayloadLog                             // told before a payload is sent
	Exports  *exportjob.Manager                            // makes what is ordered
	Schedule Schedule                                      // nil where no agent's schedule is known
	Telling  Telling                                       // nil where nobody is told anything
	Delivers func(context.Context) (trace.Delivers, error) // what each source delivers
	DB       *opsdb.DB                                     // where answers to pushes are kept; nil: nothing is taken in
	Logger   *slog.Logger
	Clock    func() time.Time
	Version  string // of the program
}

// API serves what is below /v1/. The gate before it has proved who asks.
type API struct {
	Options
	mux      *http.ServeMux
	huma     huma.API
	document []byte // OpenAPI, JSON
	busy     *turns
	streams  chan struct{} // of events
	pushes   *pushes       // nil: nothing is taken in

	heartbeat time.Duration // of a stream where nothing happens
}

// New makes the API. Without a Service it can be described and not be asked.
func New(o Options) (*API, error) {
	a := &API{Options: o, mux: http.NewServeMux(), busy: newTurns(), streams: make(chan struct{}, maxStreams), heartbeat: beatEvery}
	if o.DB != nil {
		a.pushes = &pushes{answers: answers{o.DB, o.Clock}, line: make(chan struct{}, 1)}
	}
	a.huma = humago.New(a.mux, a.config())
	a.operations()
	var err error
	if a.document, err = a.describe(); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET "+documentPath, a.serveDocument)
	a.mux.HandleFunc("/", a.nothing)
	return a, nil
}

// operations registers everything there is, by the part of the work.
func (a *API) operations() {
	a.stateOperations()
	a.spanOperations()
	a.exploreOperations()
	a.rulebookOperations()
	a.registerOperations()
	a.findingOperations()
	a.actOperations()
	a.handInOperations()
	a.shadowOperations()
	a.evidenceOperations()
	a.sourceOperations()
	a.recordOperations()
	a.exportOperations()
	a.eventOperations()
	a.stageOperations()
	a.reviewFileOperation()
	a.tellingOperations()
}

// Document is the description in OpenAPI 3.1, as JSON.
func (a *API) Document() []byte { return a.document }

type requestKey struct{}

// requestID is the id that the listener gave the request, if it did.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := access.WithRefuse(r.Context(), func(w http.ResponseWriter, r *http.Request, err error) { a.send(w, r, err) })
	r = r.WithContext(context.WithValue(ctx, requestKey{}, w.Header().Get("X-Request-Id")))
	w.Header().Set("Cache-Control", "private, no-cache")
	if r.URL.Path != eventsPath { // a stream lasts, and is counted by itself
		release, err := a.busy.take(r)
		if err != nil {
			a.send(w, r, err)
			return
		}
		defer release()
	}
	a.mux.ServeHTTP(w, r)
}

// send answers with a problem.
func (a *API) send(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(r.Context(), err)
	for name, values := range p.headers {
		for _, v := range values {
			w.Header().Set(name, v)
		}
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone if it does not arrive
}

// serveDocument describes the API to whoever is proved.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request) {
	if err := access.Check(r.Context(), access.Read); err != nil {
		a.send(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(a.document) // the client is gone if it does not arrive
}

// nothing answers where no operation is: another method may be meant.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) {
	if err := access.Check(r.Context(), access.Read); err != nil {
		a.send(w, r, err)
		return
	}
	allowed := ""
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			if allowed != "" {
				allowed += ", "
			}
			allowed += method
		}
	}
	if allowed == "" {
		a.send(w, r, errNoOperation)
		return
	}
	w.Header().Set("Allow", allowed)
	a.send(w, r, &Problem{Status: http.StatusMethodNotAllowed, Detail: r.Method + " is not what is done here", Hint: "use " + allowed})
}
