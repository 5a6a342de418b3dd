package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"
)

const (
	// restAfter is for how long nothing must have changed before memory is given
	// back to the system.
	restAfter = 20 * time.Second
	// restEvery is how often that is done where nothing changes.
	restEvery = 15 * time.Minute
	// heapGrowth is by how many percent the heap of an agent grows before garbage
	// is collected, unless GOGC says otherwise. A quarter of what is usual: an
	// agent mostly waits, and what stays is then spread less thinly.
	heapGrowth = 25
)

// rest gives memory back when an assessment is done with and nothing follows,
// and now and then, for what readers of pages left. Before, it gives back the
// program's pages that were needed to get so far: to read the configuration, and
// for the first view.
func (d *daemon) rest(ctx context.Context) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	d.dropPages(true)
	ticker := time.NewTicker(viewEvery)
	defer ticker.Stop()
	var r resting
	for viewed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch view := d.w.svc.Latest(); {
		case !viewed && view != nil:
			viewed = true
			d.dropPages(true)
			ticker.Reset(restAfter)
		case r.due(view, time.Now()):
			debug.FreeOSMemory()
			d.dropPages(false)
		}
	}
}

// dropPages says of the program's own pages that they need not stay; where cached
// is set, not in the system's cache of the file either.
func (d *daemon) dropPages(cached bool) {
	if err := dropProgram(cached); err != nil {
		d.w.logger.Debug("the program's pages could not be given back", "error", err)
	}
}

// resting knows when memory was given back.
type resting struct {
	seen, rested *service.View
	at           time.Time
}

// due reports whether memory is to be given back now: the view is the one of the
// last look, and it was not done for that view, or was long ago.
func (r *resting) due(view *service.View, now time.Time) bool {
	quiet := view != nil && view == r.seen
	r.seen = view
	if !quiet || view == r.rested && now.Sub(r.at) < restEvery {
		return false
	}
	r.rested, r.at = view, now
	return true
}
