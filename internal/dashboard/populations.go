package dashboard

import (
	"context"
	"slices"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) populationRoutes() []route {
	return []route{
		{pattern: "GET /populations", needs: access.Read, page: populations},
		{pattern: "GET /populations/{slug}", needs: access.Read, page: population},
		{pattern: "POST /populations/{slug}/draw", needs: access.Sample, page: population, act: recordDraw},
		{pattern: "POST /populations/{slug}/retest", needs: access.Sample, page: population, act: retest},
	}
}

// populationsData is every population: those of many items, and those of which the
// organisation is the only one.
type populationsData struct{ List, Alone []populationLine }

// populationLine is a population with where it was read.
type populationLine struct {
	*assess.Population
	Control string
	From    []string // sources
}

func populations(c *call) (*page, error) {
	var d populationsData
	for i := range c.view.Assessment.Populations {
		p := &c.view.Assessment.Populations[i]
		l := populationLine{Population: p}
		if e, _, err := c.view.Expectation(p.Expectation); err == nil {
			l.Control = e.Control
		}
		for _, r := range p.Readings {
			if !slices.Contains(l.From, r.Source) {
				l.From = append(l.From, r.Source)
			}
		}
		if p.SubjectType == "organization" && p.Count <= 1 {
			d.Alone = append(d.Alone, l)
		} else {
			d.List = append(d.List, l)
		}
	}
	return &page{title: "Populations", template: "populations", nav: "/populations", data: d}, nil
}

// populationData is one population, and a draw from it.
type populationData struct {
	*assess.Population
	Title   string
	Seed    string
	Size    string
	Draw    *assess.Sample
	Samples []people.Sample // on record
	Retests []people.Retest // on record
	Drawn   string          // what a draw could not be
	Hint    string
}

func population(c *call) (*page, error) {
	slug := c.req.PathValue("slug")
	p, err := service.PopulationOf(c.view.Assessment, slug)
	if err != nil {
		return nil, err
	}
	d := populationData{Population: p, Title: c.RuleTitle(slug), Seed: c.Query("seed"), Size: c.Query("size")}
	if c.Field("seed") != "" {
		d.Seed, d.Size = c.Field("seed"), c.Field("size")
	}
	if d.Seed != "" {
		draw, err := c.draw(slug, d.Seed, d.Size)
		if err != nil {
			d.Drawn, d.Hint = sentence(err.Error()), hintOf(err)
		}
		d.Draw = draw
	}
	samples, err := c.d.Service.Samples(c.ctx())
	if err != nil {
		return nil, err
	}
	for _, s := range samples {
		if s.Expectation == slug {
			d.Samples = append(d.Samples, s)
		}
	}
	retests, err := c.d.Service.Retests(c.ctx())
	if err != nil {
		return nil, err
	}
	for _, r := range retests {
		if r.Expectation == slug {
			d.Retests = append(d.Retests, r)
		}
	}
	return &page{title: "Population: " + d.Title, template: "population", nav: "/populations", data: d, crumbs: []crumb{{"Populations", c.Link("/populations")}}}, nil
}

// draw draws as the command line does: what is about AI systems takes those of
// high risk in any case.
func (c *call) draw(slug, seed, size string) (*assess.Sample, error) {
	p, err := service.PopulationOf(c.view.Assessment, slug)
	if err != nil {
		return nil, err
	}
	o := assess.SampleOptions{Seed: seed}
	if size != "" {
		if o.Size, err = strconv.Atoi(size); err != nil || o.Size < 0 {
			return nil, service.Mistake{Err: errNoSize, Remedy: "leave it out for the default"}
		}
	}
	if p.SubjectType == "ai_system" {
		o.Always = []string{assess.AlwaysHighRisk}
	}
	return c.d.Service.Draw(c.view, slug, o)
}

// recordDraw puts a draw on record.
func recordDraw(c *call) (done, error) {
	slug := c.req.PathValue("slug")
	if err := c.open(); err != nil {
		return done{}, err
	}
	s, err := c.draw(slug, c.Field("seed"), c.Field("size"))
	if err != nil {
		return done{}, err
	}
	at := c.view.Assessment.AsOf
	err = c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, err := desk.RecordSample(ctx, s, at)
		return err
	})
	return done{withQuery(withQuery("/populations/"+slug, "seed", c.Field("seed")), "size", c.Field("size")), "drawn"}, err
}

// retest puts on record that somebody looked at an item again.
func retest(c *call) (done, error) {
	slug := c.req.PathValue("slug")
	r := people.Retest{Result: c.Field("result"), Note: c.Field("note"), Sample: c.Field("sample")}
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, err := desk.RetestItem(ctx, slug, c.Field("subject"), r, nil)
		return err
	})
	return done{"/populations/" + slug, "retested"}, err
}
