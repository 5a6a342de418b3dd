package dashboard

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// section is a part of the navigation.
type section struct {
	Title string
	Items []navItem
}

type navItem struct {
	Title, Href string
	needs       access.Permission
}

// sections are all of the navigation; what no page exists for is left out.
var sections = []section{
	{"Work", []navItem{{Title: "Today", Href: "/"}, {Title: "Findings", Href: "/findings"}, {Title: "Shadow AI", Href: "/shadow"}, {Title: "Reviews", Href: "/reviews"}}},
	{"State", []navItem{{Title: "Controls", Href: "/controls"}, {Title: "AI systems", Href: "/systems"}, {Title: "Vendors and models", Href: "/vendors"}, {Title: "Plan", Href: "/plan"}}},
	{"Record", []navItem{{Title: "Evidence", Href: "/evidence"}, {Title: "Populations", Href: "/populations"}, {Title: "Applicability", Href: "/applicability"}, {Title: "Waivers", Href: "/waivers"}}},
	{"Operation", []navItem{{Title: "Sources and runs", Href: "/sources"}, {Title: "Telling people", Href: "/told"}, {Title: "Exports", Href: "/exports"}}},
}

// navOf is the navigation to the pages that there are.
func navOf(routes []route) []section {
	needs := map[string]access.Permission{}
	for _, r := range routes {
		needs[strings.TrimSuffix(strings.TrimPrefix(r.pattern, "GET "), "{$}")] = r.needs
	}
	var out []section
	for _, s := range sections {
		kept := section{Title: s.Title}
		for _, i := range s.Items {
			if perm, there := needs[i.Href]; there {
				i.needs = perm
				kept.Items = append(kept.Items, i)
			}
		}
		if len(kept.Items) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// navFor is the part of the navigation whose pages somebody may see.
func navFor(who access.Principal, all []section) []section {
	var out []section
	for _, s := range all {
		kept := section{Title: s.Title}
		for _, i := range s.Items {
			if who.May(i.needs) {
				kept.Items = append(kept.Items, i)
			}
		}
		if len(kept.Items) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// shell is what every page shows around its content.
type shell struct {
	Organisation string
	Nav          []section
	At           string // path of the navigation's item that the page belongs to
	State        *stateLine
	Version      string
	Logout       string
	Person       string // where one says who one is; empty: nowhere
	Done         string // what an act did
	Notice       string // what every page says first
}

// stateLine says which state of the ledger the page shows.
type stateLine struct {
	AsOf       time.Time
	Checkpoint assess.Checkpoint
	Past       bool
	Ahead      int64  // entries that are in the ledger and not in the page
	Wholeness  string // what speaks against the list of AI systems being whole
}

func (d *Dashboard) shellOf(c *call, p *page) shell {
	s := shell{Nav: navFor(c.Who, d.nav), At: p.nav, Version: d.Version, Logout: d.Logout, Notice: d.Notice, Organisation: d.organisation(c)}
	if c.Who.Via == access.ViaLocal {
		s.Person = d.Person
	}
	if said, ok := saids[c.Query("done")]; ok && c.req.Method == http.MethodGet {
		s.Done = said
	}
	if !c.May("read") { // who may see nothing learns nothing
		s.Organisation = ""
		return s
	}
	if c.view != nil {
		a := c.view.Assessment
		s.State = &stateLine{AsOf: a.AsOf, Checkpoint: a.Checkpoint, Past: c.view.Past, Wholeness: spoken(c.view.Wholeness.Says())}
		if !c.view.Past {
			s.State.Ahead = d.behind(c.ctx(), c.view)
		}
	}
	return s
}

// organisation is whose evidence it is: as the register calls it, or the
// configuration.
func (d *Dashboard) organisation(c *call) string {
	if c.shown == nil {
		return d.Service.Organisation()
	}
	return d.organisationOf(c.shown)
}

func (d *Dashboard) organisationOf(p *prepared) string {
	return once(p, "organisation", func(*service.View) string { return d.Service.Organisation() })
}

// saids are the sentences that a page may begin with after an act. The address
// names one; it cannot make one up.
var saids = map[string]string{
	"acknowledged": "Put on record: you have taken note of the finding.",
	"assigned":     "Put on record: the finding has another owner.",
	"requested":    "Put on record: what you asked for. It covers nothing until somebody else approves it.",
	"rejected":     "Put on record: you rejected what somebody else began.",
	"revoked":      "Put on record: the waiver ends now.",
	"accepted":     "Put on record: what was handed in counts from now on.",
	"asked":        "The source is read as soon as an agent is free.",
	"paused":       "The schedule of the source pauses.",
	"resumed":      "The schedule of the source goes on.",
	"drawn":        "Put on record: the draw.",
	"retested":     "Put on record: what you found. The result stays as it is.",
	"decided":      "Put on record: what you decided on this use of AI.",
	"approved":     "Put on record: you approved what somebody else began.",
	"ordered":      "Ordered. It is made while nobody waits.",
	"removed":      "The file was removed.",
	"graded":       "Put on record: the finding has the grade that you decided on.",
}

// lag remembers for a moment how far a view is behind the ledger.
type lag struct {
	sync.Mutex
	view   *service.View
	behind int64
	at     time.Time
}

// lookAgain is how long a page may be late in saying how far it is behind.
const lookAgain = time.Second

// behind is how many entries the ledger has that a view does not show.
func (d *Dashboard) behind(ctx context.Context, v *service.View) int64 {
	d.lag.Lock()
	defer d.lag.Unlock()
	now := d.Clock()
	if since := now.Sub(d.lag.at); d.lag.view != v || since < 0 || since >= lookAgain {
		n, err := d.Service.Behind(ctx, v)
		if err != nil {
			return 0
		}
		d.lag.view, d.lag.behind, d.lag.at = v, n, now
	}
	return d.lag.behind
}
