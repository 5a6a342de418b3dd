package dashboard

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func (d *Dashboard) shadowRoutes() []route {
	return []route{
		{pattern: "GET /shadow", needs: access.Read, page: shadowList},
		{pattern: "GET /shadow/{id}", needs: access.Read, page: shadowCase},
		{pattern: "POST /shadow/{id}/decide", needs: access.DecideShadow, page: shadowCase, act: decideCase},
		{pattern: "POST /shadow/{id}/approve", needs: access.Approve, page: shadowCase, act: approveCase},
	}
}

// shadowData is the list of uses of AI that were seen, and what was looked at.
type shadowData struct {
	Items                         []shadow.Case
	Counts                        []stateCount
	State, Text                   string // filters
	From, To, Total, Before, Next int
	Coverage                      shadow.Coverage
	Scope                         string
	LookedAt                      bool
	Awaits                        *people.CaseDecision // the decision that the address names
	At                            time.Time
}

type stateCount struct {
	State string
	N     int
}

// casesPerPage is how many cases a page shows.
const casesPerPage = 50

func shadowList(c *call) (*page, error) {
	res := &c.view.Shadow
	d := shadowData{State: c.Query("state"), Text: c.Query("q"), Coverage: res.Coverage, Scope: res.Coverage.Scope(), LookedAt: res.Coverage.LookedAt(),
		At: c.view.Assessment.AsOf, Counts: c.caseCounts()}
	from, _ := strconv.Atoi(c.Query("from"))
	from = max(1, from)
	for i := range res.Cases {
		if !d.wants(&res.Cases[i]) {
			continue
		}
		d.Total++
		if d.Total >= from && len(d.Items) < casesPerPage {
			d.Items = append(d.Items, res.Cases[i])
		}
	}
	if len(d.Items) > 0 {
		d.From, d.To = from, from+len(d.Items)-1
	}
	if from > 1 {
		d.Before = max(1, from-casesPerPage)
	}
	if d.To < d.Total && d.To > 0 {
		d.Next = d.To + 1
	}
	if id := c.Query("decision"); id != "" {
		made, err := c.decision(func(x *people.CaseDecision) bool { return x.ID == id })
		if err != nil {
			return nil, err
		}
		d.Awaits = made
	}
	return &page{title: "Shadow AI", template: "shadow", nav: "/shadow", data: d}, nil
}

// caseCounts says how many cases are in each state that any is in.
func (c *call) caseCounts() []stateCount {
	return once(c.shown, "cases by state", func(v *service.View) []stateCount {
		n := map[string]int{}
		for i := range v.Shadow.Cases {
			n[v.Shadow.Cases[i].Status]++
		}
		var out []stateCount
		for _, s := range shadow.States {
			if n[s] > 0 {
				out = append(out, stateCount{s, n[s]})
			}
		}
		return out
	})
}

func (d shadowData) wants(k *shadow.Case) bool {
	switch {
	case d.State == "" && (k.Status == shadow.Gone || k.Status == shadow.FalsePositive):
		return false
	case d.State != "" && d.State != "all" && k.Status != d.State:
		return false
	}
	text := strings.ToLower(d.Text)
	return text == "" || strings.Contains(strings.ToLower(k.ID+" "+k.Title+" "+k.Ref+" "+strings.Join(k.Vendors, " ")), text)
}

// caseData is one use of AI.
type caseData struct {
	shadow.Case
	Signals  []shadow.Signal
	More     int // signals that are not listed
	Draft    string
	Systems  []string // that can account for it
	Pending  *people.CaseDecision
	Refused  string // why whoever asks may not approve it
	Overdue  bool
	Until    time.Time // when it is due
	IsOpen   bool
	Verdicts []verdict
}

// verdict is a decision that can be chosen.
type verdict struct{ Decision, Means string }

// verdicts are the decisions, as the command line has them.
var verdicts = []verdict{
	{people.CaseTaken, "I see to it, until a day; it stays open"},
	{people.CaseRegistered, "a registered system accounts for it"},
	{people.CaseAccepted, "it may be used, until a day; a second person approves"},
	{people.CaseBlocked, "it has to stop"},
	{people.CaseFalsePositive, "it is no use of AI; a second person approves"},
}

// signalsShown bounds the signals that are listed of a case.
const signalsShown = 50

func shadowCase(c *call) (*page, error) {
	k, err := service.FindCase(c.view.Shadow, c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	d := caseData{Case: k, Signals: k.Signals, Systems: c.view.Shadow.Systems, Overdue: k.Overdue(c.view.Assessment.AsOf), Until: k.Until(), Verdicts: verdicts,
		IsOpen: k.Open()}
	if n := len(d.Signals) - signalsShown; n > 0 {
		d.Signals, d.More = d.Signals[:signalsShown], n
	}
	if k.Pending != "" {
		if d.Pending, err = c.decision(func(x *people.CaseDecision) bool { return x.ID == k.Pending }); err != nil {
			return nil, err
		}
		seconds, err := c.seconds()
		if err != nil {
			return nil, err
		}
		if d.Pending != nil && seconds != nil && c.concerns(d.Pending.DecidedBy) {
			d.Refused = c.refusal(seconds.OfCase(*d.Pending))
		}
	}
	if d.IsOpen {
		if d.Draft, err = c.d.Service.DraftEntry(k); err != nil {
			return nil, err
		}
	}
	return &page{title: k.Title, template: "case", nav: "/shadow", data: d, crumbs: []crumb{{"Shadow AI", c.Link("/shadow")}}}, nil
}

// decision is the decision on record that is like that; nil if none is.
func (c *call) decision(like func(*people.CaseDecision) bool) (*people.CaseDecision, error) {
	all, err := c.d.Service.CaseDecisions(c.ctx())
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(x people.CaseDecision) bool { return like(&x) }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}

// decideCase puts on record what was decided on a case.
func decideCase(c *call) (done, error) {
	made := people.CaseDecision{Decision: c.Field("decision"), Reason: c.Field("because")}
	if made.Decision == people.CaseRegistered {
		made.System = c.Field("system")
	}
	var t people.Deadlines
	if day := c.Field("until"); day != "" {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return done{}, service.Mistake{Err: errNoDay, Remedy: "write 2026-06-30"}
		}
		at = at.Add(24*time.Hour - time.Second)
		switch made.Decision {
		case people.CaseTaken:
			t.Due = at
		case people.CaseAccepted:
			t.Expires = at
		}
	}
	id := c.req.PathValue("id")
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, _, err := desk.DecideCase(ctx, id, made, t)
		return err
	})
	return done{c.Link("/shadow/" + id), "decided"}, err
}

// approveCase approves what somebody else decided on a case.
func approveCase(c *call) (done, error) {
	id := c.req.PathValue("id")
	err := c.atDesk(func(ctx context.Context, desk *service.Desk) error {
		_, _, err := desk.ApproveCase(ctx, c.Field("decision"))
		return err
	})
	return done{c.Link("/shadow/" + id), "approved"}, err
}
