package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// Options is what a dashboard works with.
type Options struct {
	Service *service.Service
	Payload access.PayloadLog  // nil: no raw payload is shown
	Sources Sources            // nil: no schedule is shown
	Told    Told               // nil: nobody is told anything from here
	Exports *exportjob.Manager // nil: no export can be ordered
	Logger  *slog.Logger
	Clock   func() time.Time
	Version string // of the program
	Notice  string // what every page begins with; empty: nothing
	// Logout is where a form is posted that ends the session; empty: there is none.
	Logout string
	// Person is where whoever is logged in by this machine's account says which
	// person of the register they are; empty: nowhere.
	Person string
	// RequestID names a request as the log does; nil: one is made up where it is
	// needed.
	RequestID func(context.Context) string
}

// Dashboard serves the pages.
type Dashboard struct {
	Options
	mux    *http.ServeMux
	routes []route
	pages  templates
	assets *assets
	nav    []section

	related map[string][]related // by control

	lag       lag
	explained explained
}

// New makes a dashboard. It fails only where its own files are wrong.
func New(o Options) (*Dashboard, error) {
	if o.Service == nil || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("dashboard: service, clock and logger are needed")
	}
	d := &Dashboard{Options: o, mux: http.NewServeMux()}
	var err error
	if d.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	if d.pages, err = loadTemplates(d.assets); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	frameworks, err := crosswalk.Load(config.FS, o.Service.Catalog)
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	d.related = relatedOf(o.Service.Catalog, frameworks)
	d.routes = d.allRoutes()
	for _, r := range d.routes {
		d.mux.Handle(r.pattern, d.serve(r))
	}
	d.mux.Handle("GET "+d.assets.prefix, d.assets)
	d.mux.HandleFunc("/", d.nothing)
	d.nav = navOf(d.routes)
	return d, nil
}

// ServeHTTP serves a page.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setPolicy(w.Header())
	d.mux.ServeHTTP(w, r.WithContext(access.WithRefuse(r.Context(), d.Refuse)))
}

// allRoutes is every page and act, by the part of the work it belongs to.
func (d *Dashboard) allRoutes() []route {
	return slices.Concat(
		d.todayRoutes(),
		d.controlRoutes(),
		d.evidenceRoutes(),
		d.findingRoutes(),
		d.systemRoutes(),
		d.shadowRoutes(),
		d.waiverRoutes(),
		d.applicabilityRoutes(),
		d.reviewRoutes(),
		d.sourceRoutes(),
		d.toldRoutes(),
		d.planRoutes(),
		d.populationRoutes(),
		d.vendorRoutes(),
		d.exportRoutes(),
	)
}
