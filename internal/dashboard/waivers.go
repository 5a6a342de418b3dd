package dashboard

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) waiverRoutes() []route {
	return []route{
		{pattern: "GET /waivers", needs: access.Read, page: waivers},
		{pattern: "GET /waivers/new", needs: access.Request, page: newWaiver},
		{pattern: "POST /waivers/new", needs: access.Request, page: newWaiver, act: requestWaiver},
		{pattern: "POST /waivers/{id}/approve", needs: access.Approve, page: waivers, act: approveWaiver},
		{pattern: "POST /waivers/{id}/reject", needs: access.Approve, page: waivers, act: stepWaiver(people.Policy.Reject, "rejected")},
		{pattern: "POST /waivers/{id}/revoke", needs: access.Approve, page: waivers, act: stepWaiver(people.Policy.Revoke, "revoked")},
	}
}

// waiverLine is a waiver with the state it is in.
type waiverLine struct {
	people.Waiver
	State    string
	Refused  string // why whoever asks may not decide on it; empty: they may, or nothing waits
	DaysLeft int
}

// waiversData is the list of waivers.
type waiversData struct {
	List   []waiverLine
	Only   string // id
	States []string
	State  string // filter
	All    string // path of the page without an id
}

// waiverStates are those of a waiver, what asks for somebody first.
var waiverStates = []string{people.WaiverRequested, people.WaiverActive, people.WaiverInvalid, people.WaiverLapsed, people.WaiverRejected, people.WaiverRevoked}

func waivers(c *call) (*page, error) {
	all, err := c.d.Service.Waivers(c.ctx())
	if err != nil {
		return nil, err
	}
	seconds, err := c.seconds()
	if err != nil {
		return nil, err
	}
	now := c.d.Clock()
	d := waiversData{Only: cmp.Or(c.req.PathValue("id"), c.Query("id")), States: waiverStates, State: c.Query("state")}
	for _, w := range all {
		l := waiverLine{Waiver: w, State: w.State(now)}
		if d.Only != "" && d.Only != w.ID || d.State != "" && d.State != l.State {
			continue
		}
		switch {
		case l.State == people.WaiverActive:
			l.DaysLeft = int(w.ExpiresAt.Sub(now).Hours() / 24)
		case l.State == people.WaiverRequested && seconds != nil && c.concerns(w.RequestedBy):
			l.Refused = c.refusal(seconds.OfWaiver(w))
		}
		d.List = append(d.List, l)
	}
	slices.SortStableFunc(d.List, func(x, y waiverLine) int {
		return cmp.Or(slices.Index(waiverStates, x.State)-slices.Index(waiverStates, y.State), x.ExpiresAt.Compare(y.ExpiresAt.Time))
	})
	return &page{title: "Waivers", template: "waivers", nav: "/waivers", data: d}, nil
}

// newWaiverData is the form by which somebody asks for a waiver.
type newWaiverData struct {
	Expectation, Subject string
	Title                string
	Longest              string // the last day that can be asked for
}

func newWaiver(c *call) (*page, error) {
	d := newWaiverData{Expectation: cmp.Or(c.Field("expectation"), c.Query("expectation")), Subject: cmp.Or(c.Field("subject"), c.Query("subject"))}
	if d.Expectation != "" {
		d.Title = c.RuleTitle(d.Expectation)
	}
	d.Longest = c.d.Clock().UTC().AddDate(0, 0, 365).Format(time.DateOnly)
	return &page{title: "Ask for a waiver", template: "waiver", nav: "/waivers", data: d, crumbs: []crumb{{"Waivers", c.Link("/waivers")}}}, nil
}

// requestWaiver puts a request on record.
func requestWaiver(c *call) (done, error) {
	end, err := time.Parse(time.DateOnly, c.Field("expires"))
	if err != nil {
		return done{}, service.Mistake{Err: errNoDay, Remedy: "say until which day the deviation is accepted"}
	}
	w := people.Waiver{Expectation: c.Field("expectation"), Reason: c.Field("reason"), CompensatingControls: c.Field("compensating"), RiskRef: c.Field("risk")}
	err = c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		made, err := desk.RequestWaiver(ctx, w, c.Field("subject"), end.Add(24*time.Hour-time.Second))
		w = made
		return err
	})
	return done{withQuery("/waivers", "id", w.ID), "requested"}, err
}

// approveWaiver accepts a deviation that somebody else asked for.
func approveWaiver(c *call) (done, error) {
	approve := func(p people.Policy, who people.Person, w people.Waiver, _ string, now time.Time) (people.Waiver, evidence.Record, error) {
		return p.Approve(who, w, now)
	}
	return stepWaiver(approve, "approved")(c)
}

// stepWaiver takes a step on a waiver.
func stepWaiver(do service.WaiverStep, said string) func(*call) (done, error) {
	return func(c *call) (done, error) {
		id := c.req.PathValue("id")
		err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
			_, err := desk.StepWaiver(ctx, id, c.Field("because"), do)
			return err
		})
		return done{withQuery("/waivers", "id", id), said}, err
	}
}
