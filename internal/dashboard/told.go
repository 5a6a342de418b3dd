package dashboard

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/tell"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// Told knows what people were told, and which tickets were opened. tell.Teller is one.
type Told interface {
	Status(ctx context.Context) (tell.Status, error)
}

func (d *Dashboard) toldRoutes() []route {
	return []route{{pattern: "GET /told", needs: access.Read, page: told}}
}

// toldData is how telling people goes.
type toldData struct {
	tell.Status
	Agent    bool // an agent tells from here
	Waiting  int  // messages
	Pending  int  // changes that wait for a digest or the end of quiet hours
	Failing  int  // channels and trackers whose last attempt failed
	GivenUp  int  // messages
	Open     int  // tickets
	Dead     []notify.DeadLetter
	MoreDead int // that are not listed
	Last     []notify.SentMessage
	MoreLast int // messages of 30 days that are not listed
	Now      time.Time
	Rows     []*ticket.Row
	More     int // tickets that are not listed
	ByHand   int // tickets that somebody closed though the finding is open
}

// What the page lists at most.
const (
	deadShown    = 20
	lastShown    = 30
	ticketsShown = 50
)

func told(c *call) (*page, error) {
	p := &page{title: "Telling people", template: "told", nav: "/told"}
	if c.d.Told == nil {
		p.data = toldData{}
		return p, nil
	}
	s, err := c.d.Told.Status(c.ctx())
	if err != nil {
		return nil, err
	}
	d := toldData{Status: s, Agent: true, Now: c.d.Clock()}
	if s.Notify != nil {
		d.countMessages(s.Notify)
	}
	d.countTickets()
	p.data = d
	return p, nil
}

// Ahead reports whether an instant is still to come.
func (d toldData) Ahead(at *time.Time) bool { return at != nil && at.After(d.Now) }

func (d *toldData) countMessages(n *notify.Status) {
	sent := 0
	for i := range n.Channels {
		c := &n.Channels[i]
		d.Waiting += c.Waiting
		d.Pending += c.Pending
		d.GivenUp += c.Dead
		sent += c.Sent
		if c.Failures > 0 {
			d.Failing++
		}
	}
	d.Dead = n.Dead[:min(len(n.Dead), deadShown)]
	d.MoreDead = d.GivenUp - len(d.Dead)
	d.Last = n.Told[:min(len(n.Told), lastShown)]
	d.MoreLast = sent - len(d.Last)
}

func (d *toldData) countTickets() {
	for _, t := range d.Trackers {
		if t.Failures > 0 {
			d.Failing++
		}
	}
	for _, r := range d.Tickets {
		switch r.State {
		case ticket.Open, ticket.OpenByHand:
			d.Open++
		case ticket.ClosedByHand:
			d.ByHand++
		}
	}
	d.Rows = slices.Clone(d.Tickets)
	slices.SortStableFunc(d.Rows, func(x, y *ticket.Row) int {
		return cmp.Or(-compareDue(x.Updated, y.Updated), cmp.Compare(x.Finding, y.Finding))
	})
	if n := len(d.Rows) - ticketsShown; n > 0 {
		d.Rows, d.More = d.Rows[:ticketsShown], n
	}
}
