package dashboard

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/service"
)

// timelines are those of all AI systems of a view: what the pages show of their
// traces.
type timelines struct {
	by  map[string]systemData
	err error
}

// timelines lays out those of a view.
func (d *Dashboard) timelines(ctx context.Context, p *prepared) timelines {
	return once(p, "timelines", func(v *service.View) timelines {
		traces, err := d.Service.Traces(context.WithoutCancel(ctx), v) // kept for others
		out := timelines{by: make(map[string]systemData, len(traces)), err: err}
		for id, t := range traces {
			var data systemData
			data.lay(t)
			out.by[id] = data
		}
		return out
	})
}

// timeline is that of a system. Where it takes long to make those of a new view, and
// somebody makes them, the page goes on showing the view before, and says so.
func (c *call) timeline(id string) (systemData, error) {
	v, err := c.d.Service.Traced(c.view, id)
	if err != nil {
		return systemData{}, err
	}
	if v != c.view {
		c.view, c.shown = v, c.d.prepare(v)
	}
	t := c.d.timelines(c.ctx(), c.shown)
	return t.by[id], t.err
}
