package dashboard

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) vendorRoutes() []route {
	return []route{
		{pattern: "GET /vendors", needs: access.Read, page: vendors},
		{pattern: "GET /vendors/{id}", needs: access.Read, page: vendor},
	}
}

// VendorLink is the address of a vendor's page.
func (c *call) VendorLink(id string) string { return c.Link("/vendors/" + url.PathEscape(id)) }

// readVendors is what the vendors of a view were found to be, or why not.
type readVendors struct {
	service.Vendors
	err error
}

// vendorsOf reads the vendors of a view once.
func (d *Dashboard) vendorsOf(ctx context.Context, p *prepared) *readVendors {
	return once(p, "vendors", func(v *service.View) *readVendors {
		l, err := d.Service.Vendors(context.WithoutCancel(ctx), v) // kept for others
		return &readVendors{l, err}
	})
}

func (c *call) vendors() (*readVendors, error) {
	l := c.d.vendorsOf(c.ctx(), c.shown)
	return l, l.err
}

// vendorsData is every vendor, with the models that end.
type vendorsData struct {
	List     []service.Vendor
	Unplaced []service.VendorModel
	Calendar *calendar
	Undated  []service.VendorModel // in use, and no end is announced
	Models   int                   // in use
}

func vendors(c *call) (*page, error) {
	l, err := c.vendors()
	if err != nil {
		return nil, err
	}
	d := once(c.shown, "vendors page", func(v *service.View) vendorsData {
		d := vendorsData{List: l.List, Unplaced: l.Unplaced}
		var used []service.VendorModel
		for i := range l.List {
			for _, m := range l.List[i].Models {
				if m.InUse() {
					used = append(used, m)
				}
			}
		}
		d.Models = len(used) + len(l.Unplaced)
		for _, m := range used {
			if m.Shutdown.IsZero() {
				d.Undated = append(d.Undated, m)
			}
		}
		d.Calendar = calendarOf(used, v.Assessment.AsOf)
		return d
	})
	return &page{title: "Vendors and models", template: "vendors", nav: "/vendors", data: d}, nil
}

// vendorData is one vendor.
type vendorData struct {
	*service.Vendor
	Kind     string // of changes that are shown
	Kinds    []string
	Shown    []service.VendorChange
	From, To int
	Before   int
	Next     int
	Total    int
	Calendar *calendar
	Topics   int
}

// changesShown bounds the changes on one page.
const changesShown = 50

func vendor(c *call) (*page, error) {
	l, err := c.vendors()
	if err != nil {
		return nil, err
	}
	v, err := l.Vendor(c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	d := vendorData{Vendor: v, Kind: c.Query("kind"), Topics: len(service.VendorTopics())}
	var list []service.VendorChange
	for _, ch := range v.Changes {
		if !slices.Contains(d.Kinds, ch.What) {
			d.Kinds = append(d.Kinds, ch.What)
		}
		if d.Kind == "" || d.Kind == ch.What {
			list = append(list, ch)
		}
	}
	slices.Sort(d.Kinds)
	d.Total = len(list)
	d.turn(list, c.Query("from"))
	var used []service.VendorModel
	for _, m := range v.Models {
		if m.InUse() {
			used = append(used, m)
		}
	}
	d.Calendar = calendarOf(used, c.view.Assessment.AsOf)
	return &page{title: cmp.Or(v.Name, v.ID), template: "vendor", nav: "/vendors", data: d, crumbs: []crumb{{"Vendors and models", c.Link("/vendors")}}}, nil
}

// turn takes one page of changes.
func (d *vendorData) turn(list []service.VendorChange, from string) {
	n, _ := strconv.Atoi(from)
	first := min(max(1, n), len(list)+1)
	d.Shown = list[first-1 : min(first-1+changesShown, len(list))]
	d.From, d.To = first, first-1+len(d.Shown)
	if first > 1 {
		d.Before = max(1, first-changesShown)
	}
	if d.To < len(list) {
		d.Next = d.To + 1
	}
}

// calendar is when models in use are shut down: those of the next twelve months
// are drawn, the others are in the table.
type calendar struct {
	From, End time.Time
	Months    []calendarMark
	Ends      []ending
	Drawn     int // of Ends
}

type calendarMark struct {
	At time.Time
	X  string
}

// ending is a model in use that is shut down.
type ending struct {
	service.VendorModel
	Days  int // until then; below zero: since then
	X     string
	Y     string
	Right bool // its name stands left of the mark
	Row   int
}

// Measures of the drawing, in its own units.
const (
	calendarWidth = 1000
	calendarLeft  = 12
	calendarRow   = 24
	calendarRows  = 40 // drawn
)

// calendarOf puts what ends in order. It is nil if nothing does.
func calendarOf(used []service.VendorModel, at time.Time) *calendar {
	k := &calendar{From: at, End: at.AddDate(1, 0, 0)}
	for _, m := range used {
		if !m.Shutdown.IsZero() {
			k.Ends = append(k.Ends, ending{VendorModel: m, Days: days(m.Shutdown.Sub(at))})
		}
	}
	if len(k.Ends) == 0 {
		return nil
	}
	slices.SortFunc(k.Ends, func(x, y ending) int {
		return cmp.Or(x.Shutdown.Compare(y.Shutdown), strings.Compare(x.Vendor, y.Vendor), strings.Compare(x.Name, y.Name))
	})
	for i := range k.Ends {
		e := &k.Ends[i]
		if e.Shutdown.After(k.End) || k.Drawn == calendarRows {
			break
		}
		x := k.place(e.Shutdown)
		e.X, e.Y, e.Right = coordinate(x), coordinate(float64(20+k.Drawn*calendarRow)), x > calendarWidth*0.6
		k.Drawn++
	}
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := 1; i <= 12; i++ {
		if m := first.AddDate(0, i, 0); !m.After(k.End) && k.place(m) > 2*calendarLeft && k.place(m) < calendarWidth-2*calendarLeft { // its name has room
			k.Months = append(k.Months, calendarMark{m, coordinate(k.place(m))})
		}
	}
	return k
}

// days are whole days, also of what is past.
func days(d time.Duration) int {
	n := int(d / (24 * time.Hour))
	if d < 0 && d%(24*time.Hour) != 0 {
		n--
	}
	return n
}

// place is where an instant stands; what is past stands at the beginning.
func (k *calendar) place(t time.Time) float64 {
	share := float64(t.Sub(k.From)) / float64(k.End.Sub(k.From))
	return calendarLeft + min(max(share, 0), 1)*(calendarWidth-2*calendarLeft)
}

// Foot is where the lines of months end, Height that of the drawing.
func (k *calendar) Foot() int { return 12 + max(1, k.Drawn)*calendarRow }

// Height is that of the drawing.
func (k *calendar) Height() int { return k.Foot() + 20 }

// NameX is where the name of a mark stands.
func (e ending) NameX() string {
	if e.Right {
		return "-10"
	}
	return "10"
}

// Soon reports whether a plan for the migration is due.
func (e ending) Soon() bool { return e.Days < 90 }

// Past reports whether the model was shut down.
func (e ending) Past() bool { return e.Days < 0 }

// DaysPast is how many days ago it was.
func (e ending) DaysPast() int { return -e.Days }

// inUse counts the models that something says are used.
func inUse(list []service.VendorModel) int {
	n := 0
	for i := range list {
		if list[i].InUse() {
			n++
		}
	}
	return n
}
