package dashboard

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// timelines are those of all AI systems of a view: one reading of all that is on
// record about any of them, of which what the pages show is kept.
type timelines struct {
	by   map[string]systemData
	took time.Duration
	err  error
}

// laid says which view has its timelines. A view after it is shown on the page of a
// system once it has them too.
type laid struct {
	newest  atomic.Pointer[service.View]
	took    atomic.Int64 // nanoseconds, the last time
	asked   atomic.Bool  // since they were made
	warming atomic.Bool  // somebody makes those of each new view
}

const (
	laidAtOnce = 100 * time.Millisecond // what one may be made to wait
	laidFor    = 10 * time.Minute       // how much older than the newest view what is shown may be
)

// layOut makes the timelines of a view.
func (d *Dashboard) layOut(ctx context.Context, p *prepared) timelines {
	t := once(p, "timelines", func(v *service.View) timelines {
		begun := time.Now()
		out := timelines{by: map[string]systemData{}}
		out.err = d.Service.EachTrace(context.WithoutCancel(ctx), v.Basis(), func(t ask.Trace) { // kept for others
			var data systemData
			data.lay(t)
			out.by[t.System.ID] = data
		})
		out.took = time.Since(begun)
		return out
	})
	if t.err == nil && !p.view.Past {
		d.laid.took.Store(int64(t.took))
		if now := d.laid.newest.Load(); now == nil || now.Assessment.AsOf.Before(p.view.Assessment.AsOf) {
			d.laid.newest.CompareAndSwap(now, p.view)
		}
	}
	return t
}

// timeline is that of a system. Where it takes long to make those of a new view, and
// somebody makes them, the page goes on showing the view before, and says so.
func (c *call) timeline(id string) (systemData, error) {
	l := &c.d.laid
	l.asked.Store(true)
	if last := l.newest.Load(); last != nil && !c.view.Past && last != c.view && l.warming.Load() && time.Duration(l.took.Load()) > laidAtOnce {
		if _, err := last.System(id); err == nil && c.view.Assessment.AsOf.Sub(last.Assessment.AsOf) < laidFor {
			c.view, c.shown = last, c.d.prepare(last)
		}
	}
	t := c.d.layOut(c.ctx(), c.shown)
	return t.by[id], t.err
}
