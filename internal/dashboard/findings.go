package dashboard

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) findingRoutes() []route {
	return []route{
		{pattern: "GET /findings", needs: access.Read, page: findings},
		{pattern: "GET /findings/{id}", needs: access.Read, page: findingPage},
		{pattern: "POST /findings/{id}/assign", needs: access.ActFindings, page: findingPage, act: assign},
		{pattern: "POST /findings/{id}/grade", needs: access.ActFindings, page: findingPage, act: grade},
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
		crumbs: []crumb{{"Findings", c.Link("/findings")}, {clip(60, f.Subject.ID), c.FindingLink(f.ID)}}}, nil
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

// findingStates are what the list can be narrowed to; the first is what it shows
// where nothing is asked for.
var findingStates = []string{"open", "acknowledged", "waived", "resolved", "duty", "all"}

// findingsData is the list of findings.
type findingsData struct {
	Items                         []service.FindingRow
	State, Owner, Control, Text   string // filters
	System                        string
	States, Owners                []string
	From, To, Total, Before, Next int
	Overdue, Nobody               int

	sought string // Text, as it is compared
}

// findingsPerPage is how many findings a page shows.
const findingsPerPage = 50

func findings(c *call) (*page, error) {
	d := findingsData{State: c.Query("state"), Owner: c.Query("owner"), Control: c.Query("control"), Text: c.Query("q"), System: c.Query("system"),
		States: findingStates}
	for _, o := range c.view.Owners {
		if o.Person != "" {
			d.Owners = append(d.Owners, o.Person)
		}
	}
	from, _ := strconv.Atoi(c.Query("from"))
	from = max(1, from)
	d.sought = strings.ToLower(d.Text)
	texts := []string(nil)
	if d.sought != "" {
		texts = c.shown.findingTexts()
	}
	for i := range c.view.Findings {
		r := &c.view.Findings[i]
		if !d.wants(r) || d.sought != "" && !strings.Contains(texts[i], d.sought) {
			continue
		}
		d.Total++
		if r.Overdue {
			d.Overdue++
		}
		if r.Owner == "" {
			d.Nobody++
		}
		if d.Total >= from && len(d.Items) < findingsPerPage {
			d.Items = append(d.Items, *r)
		}
	}
	if len(d.Items) > 0 {
		d.From, d.To = from, from+len(d.Items)-1
	}
	if from > 1 {
		d.Before = max(1, from-findingsPerPage)
	}
	if d.To < d.Total && d.To > 0 {
		d.Next = d.To + 1
	}
	return &page{title: "Findings", template: "findings", nav: "/findings", data: d}, nil
}

// findingTexts are what a filter looks through, for each finding of the view.
func (p *prepared) findingTexts() []string {
	return once(p, "texts of findings", func(v *service.View) []string {
		out := make([]string, len(v.Findings))
		for i := range v.Findings {
			r := &v.Findings[i]
			out[i] = strings.ToLower(r.ID + " " + r.Subject.ID + " " + r.Expectation)
		}
		return out
	})
}

// wants says whether a finding is listed, but for the text that is looked for.
func (d *findingsData) wants(r *service.FindingRow) bool {
	switch {
	case d.Owner == "nobody" && r.Owner != "", d.Owner != "" && d.Owner != "nobody" && r.Owner != d.Owner,
		d.Control != "" && r.Control != d.Control, d.System != "" && !slices.Contains(r.Systems, d.System):
		return false
	case d.State == "":
		return r.State.IsOpen() || r.State == service.StateDuty
	case d.State == "open":
		return r.State.IsOpen()
	}
	return d.State == "all" || string(r.State) == d.State
}

// findingData is one finding with its history.
type findingData struct {
	service.FindingRow
	Title   string
	History []finding.Event // the newest first
	Grades  []string
	People  []string // who can be made its owner
	Duty    bool
	Open    bool
	CanNote bool // nobody has taken note of it yet
}

func findingPage(c *call) (*page, error) {
	f, err := c.view.Finding(c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	d := findingData{FindingRow: f, Title: c.RuleTitle(f.Expectation), Grades: finding.Grades, Duty: f.State == service.StateDuty, Open: f.State.IsOpen(), CanNote: f.State == finding.Open}
	if l, ok := c.view.Life(f.ID); ok {
		d.History = slices.Clone(l.History)
		slices.Reverse(d.History)
	}
	if d.Open && c.May("act_findings") {
		if reg, err := c.d.Service.Register(); err == nil {
			for _, p := range reg.People {
				if p.IsActive() {
					d.People = append(d.People, p.ID)
				}
			}
		}
	}
	return &page{title: d.Title, template: "finding", nav: "/findings", data: d,
		crumbs: []crumb{{"Findings", c.Link("/findings")}, {f.Control, c.ControlLink(f.Control)}}}, nil
}

// assign makes somebody the owner of a finding.
func assign(c *call) (done, error) {
	return c.onFinding("assigned", func(ctx context.Context, desk *service.Desk, id string) error {
		_, err := desk.Assign(ctx, id, c.Field("to"), c.Field("note"))
		return err
	})
}

// grade overrides the suggested grade of a finding.
func grade(c *call) (done, error) {
	return c.onFinding("graded", func(ctx context.Context, desk *service.Desk, id string) error {
		_, err := desk.Grade(ctx, id, c.Field("grade"), c.Field("because"))
		return err
	})
}

func (c *call) onFinding(said string, do func(context.Context, *service.Desk, string) error) (done, error) {
	id := c.req.PathValue("id")
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error { return do(ctx, desk, id) })
	return done{c.FindingLink(id), said}, err
}
