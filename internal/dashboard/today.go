package dashboard

import (
	"cmp"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func (d *Dashboard) todayRoutes() []route {
	return []route{{pattern: "GET /{$}", needs: access.Read, page: today}}
}

// todayData is what the page of the day shows.
type todayData struct {
	Mine     *service.OwnerView // of the person who asks; nil if nobody of the register does
	Others   []ownerLine
	Waits    waits
	Expiring []assess.Expiry
	Later    int // that expire within the span and are not listed
	Runout   *runout
	Sums     daySums
	Cases    []shadow.Case // uses of AI that wait for a decision
	Undone   int           // how many there are
	Controls []statusCount
	Total    int // controls
	Trend    *trend
	Soon     time.Time // what is due before is shown as due soon
	First    []move    // what to begin with
}

// daySums are the numbers above the lists.
type daySums struct{ Overdue, Soon, Open, Duties, Nobody int }

// ownerLine is one person in the table of who has what to do.
type ownerLine struct {
	service.OwnerView
	Overdue int
	Next    *time.Time // the soonest date
	First   []dueRow   // the most urgent
}

// dueRow is a duty or a finding in a list by date.
type dueRow struct {
	service.FindingRow
	Duty bool
}

// statusCount is how many have a status.
type statusCount struct {
	Status assess.Status
	N      int
}

const (
	dueSoon      = 7 * 24 * time.Hour
	listedToday  = 12
	listedOthers = 5
)

func today(c *call) (*page, error) {
	v := c.view
	at := v.Assessment.AsOf
	waits, err := c.d.waits(c.ctx(), c.shown)
	if err != nil {
		return nil, err
	}
	data := todayData{Soon: at.Add(dueSoon), Trend: c.shown.trend(), Waits: waits, Sums: c.shown.daySums()}
	for i := range v.Owners {
		o := v.Owners[i]
		if c.Who.Person != "" && o.Person == c.Who.Person {
			data.Mine = &o
			continue
		}
		if len(o.Duties)+len(o.Findings) > 0 {
			data.Others = append(data.Others, lineOf(o))
		}
	}
	data.Cases = c.shown.undecided()
	data.Undone = len(data.Cases)
	data.Sums.addCases(data.Cases, data.At(), data.Soon)
	data.Cases = data.Cases[:min(data.Undone, listedToday)]
	data.Expiring, data.Runout = v.Expiring, runoutOf(v.Expiring, at)
	if n := len(data.Expiring); n > listedToday {
		data.Expiring, data.Later = data.Expiring[:listedToday], n-listedToday
	}
	data.First = c.firstSteps(&data)
	data.Controls, data.Total = countControls(v.Assessment), len(v.Assessment.Controls)
	return &page{title: "Today", template: "today", nav: "/", data: data}, nil
}

// Rows are the duties and findings of a person in one list, by date.
func (t todayData) Rows(o *service.OwnerView) []dueRow { return dueRows(*o, listedToday) }

// MoreCases is how many uses of AI wait for a decision beside those listed.
func (t todayData) MoreCases() int { return t.Undone - len(t.Cases) }

// At is the instant that the page shows.
func (t todayData) At() time.Time { return t.Soon.Add(-dueSoon) }

// More is how many of them Rows leaves out.
func (t todayData) More(o *service.OwnerView) int {
	return max(0, len(o.Duties)+len(o.Findings)-listedToday)
}

func dueRows(o service.OwnerView, most int) []dueRow {
	var out []dueRow
	for _, r := range o.Duties[:min(most, len(o.Duties))] {
		out = append(out, dueRow{r, true})
	}
	for _, r := range o.Findings[:min(most, len(o.Findings))] {
		out = append(out, dueRow{r, false})
	}
	slices.SortStableFunc(out, func(x, y dueRow) int { return compareDue(x.DueAt, y.DueAt) })
	return out[:min(most, len(out))]
}

// compareDue orders by date; what has none comes last.
func compareDue(x, y *time.Time) int {
	switch {
	case x == nil || y == nil:
		return cmp.Compare(boolInt(x == nil), boolInt(y == nil))
	}
	return x.Compare(*y)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func lineOf(o service.OwnerView) ownerLine {
	l := ownerLine{OwnerView: o, First: dueRows(o, listedOthers)}
	for _, r := range o.Findings {
		if r.Overdue {
			l.Overdue++
		}
	}
	if len(l.First) > 0 {
		l.Next = l.First[0].DueAt
	}
	return l
}

// daySums adds up what is open.
func (p *prepared) daySums() daySums {
	return once(p, "sums", func(v *service.View) daySums {
		var s daySums
		soon := v.Assessment.AsOf.Add(dueSoon)
		for i := range v.Owners {
			o := &v.Owners[i]
			s.Duties += len(o.Duties)
			s.Open += len(o.Findings)
			if o.Person == "" {
				s.Nobody = len(o.Duties) + len(o.Findings)
			}
			for _, list := range [][]service.FindingRow{o.Duties, o.Findings} {
				for i := range list {
					switch r := &list[i]; {
					case r.Overdue:
						s.Overdue++
					case r.DueAt != nil && r.DueAt.Before(soon):
						s.Soon++
					}
				}
			}
		}
		return s
	})
}

// addCases adds the uses of AI on which nobody decided to what is overdue and due
// soon.
func (s *daySums) addCases(list []shadow.Case, now, soon time.Time) {
	for i := range list {
		switch k := &list[i]; {
		case k.Overdue(now):
			s.Overdue++
		case !k.Until().IsZero() && k.Until().Before(soon):
			s.Soon++
		}
	}
}

// countControls counts controls by status, the worst first.
func countControls(a *assess.Assessment) []statusCount {
	by := map[assess.Status]int{}
	for i := range a.Controls {
		by[a.Controls[i].Status]++
	}
	var out []statusCount
	for _, s := range statuses {
		if by[s] > 0 {
			out = append(out, statusCount{s, by[s]})
		}
	}
	return out
}
