package dashboard

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) findingRoutes() []route {
	return []route{
		{pattern: "GET /findings/{id}/acknowledge", needs: access.ActFindings, page: acknowledging},
		{pattern: "POST /findings/{id}/acknowledge", needs: access.ActFindings, page: acknowledging, act: acknowledge},
	}
}

// acknowledging is the form by which somebody takes note of a finding.
func acknowledging(c *call) (*page, error) {
	f, err := c.view.Finding(c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return &page{title: "Take note of a finding", template: "acknowledge", nav: "/findings", data: f,
		crumbs: []crumb{{"Findings", c.Link("/findings")}, {clip(60, f.Subject.ID), c.ResultLink(f.Expectation, f.Subject)}}}, nil
}

// acknowledge puts on record that whoever asks has taken note of a finding.
func acknowledge(c *call) (done, error) {
	id := c.req.PathValue("id")
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, err := desk.Acknowledge(ctx, id, c.Field("note"))
		return err
	})
	if err != nil {
		return done{}, err
	}
	l, err := c.d.Service.Life(c.ctx(), id)
	if err != nil {
		return done{}, err
	}
	return done{c.ResultLink(l.Expectation, l.Subject), "acknowledged"}, nil
}
