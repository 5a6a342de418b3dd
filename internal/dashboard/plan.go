package dashboard

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) planRoutes() []route {
	return []route{{pattern: "GET /plan", needs: access.Read, page: roadmap}}
}

// planData is the way to an audit, by phase.
type planData struct {
	plan.Report
	Phases []planPhase
	Total  int
}

type planPhase struct {
	plan.Phase
	Items []plan.Progress
	Done  int
}

// planned is the plan of a view, or why there is none.
type planned struct {
	data planData
	err  error
}

func roadmap(c *call) (*page, error) {
	p := c.d.planOf(c.ctx(), c.shown)
	if p.err != nil {
		return nil, p.err
	}
	return &page{title: "Plan", template: "plan", nav: "/plan", data: p.data}, nil
}

func (d *Dashboard) planOf(ctx context.Context, p *prepared) planned {
	return once(p, "plan", func(v *service.View) planned { return d.planned(context.WithoutCancel(ctx), v) }) // kept for others
}

func (d *Dashboard) planned(ctx context.Context, v *service.View) planned {
	items, err := d.Service.Roadmap()
	if err != nil {
		return planned{err: err}
	}
	r, err := d.Service.Plan(ctx, items, v, d.Service.Config().Plan.Start)
	if err != nil {
		return planned{err: err}
	}
	out := planData{Report: r, Total: len(r.Items)}
	for _, ph := range items.Phases {
		p := planPhase{Phase: ph}
		for _, i := range r.Items {
			if i.Phase != ph.ID {
				continue
			}
			p.Items = append(p.Items, i)
			if i.State == plan.Done {
				p.Done++
			}
		}
		out.Phases = append(out.Phases, p)
	}
	return planned{data: out}
}
