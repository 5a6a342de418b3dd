package gapreport

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Item is one open shortfall with its cause.
type Item struct {
	ID          string           `json:"id"` // of the finding
	Cause       Cause            `json:"cause"`
	CauseFrom   string           `json:"cause_from"` // expectation or reason
	Control     string           `json:"control"`
	Area        string           `json:"area"`
	Expectation string           `json:"expectation"`
	Title       string           `json:"title"`
	Subject     evidence.Subject `json:"subject"`
	Systems     []string         `json:"systems,omitempty"`
	Status      assess.Status    `json:"status"`
	Reason      string           `json:"reason"`
	Severity    string           `json:"severity"`
	Grade       string           `json:"suggested_grade,omitempty"` // a person's, if one graded it
	Owner       string           `json:"owner"`
	DueAt       *time.Time       `json:"due_at,omitempty"`
	Overdue     bool             `json:"overdue"`
	NextStep    string           `json:"next_step"`
	Twin        string           `json:"twin,omitempty"` // the same clause of ISO/IEC 27001
}

// Report is all open shortfalls by cause.
type Report struct {
	AsOf       time.Time         `json:"as_of"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Catalog    assess.CatalogRef `json:"catalog"`
	Open       int               `json:"open"`
	Counts
	Causes []Group   `json:"causes"` // all four, in the order of Causes
	Hints  []Twin    `json:"twins"`  // clauses with a shortfall that ISO/IEC 27001 has too
	Since  *Progress `json:"since_baseline,omitempty"`
}

// Counts says how firm shortfalls are, and what is wrong with them besides.
type Counts struct {
	Established int `json:"established"` // failing or missing: evidence says so
	Unsettled   int `json:"unsettled"`   // nobody looked, evidence is stale, or waits for a second person
	Overdue     int `json:"overdue"`
	Unowned     int `json:"unowned"` // nobody is named who has the next move
}

// Group is the shortfalls of one cause.
type Group struct {
	Cause Cause  `json:"cause"`
	Title string `json:"title"`
	Open  int    `json:"open"`
	Counts
	Areas []AreaCount `json:"areas"` // that have any, in the order of the catalog
	Items []Item      `json:"items"` // by area's control, then by urgency
}

// AreaCount is how many shortfalls of a cause an area has.
type AreaCount struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Open  int    `json:"open"`
}

// Twin is a hint that a clause is shared with ISO/IEC 27001.
type Twin struct {
	Control string `json:"control"`
	Item    string `json:"item"`
	Open    int    `json:"open"`
	Hint    string `json:"hint"`
}

// ReusedHint is what a twin says.
const ReusedHint = "reused, AI content to check"

// Input is what a report is made from. Items lack Cause, CauseFrom, Area,
// Title and Twin; these are filled here.
type Input struct {
	Assessment *assess.Assessment
	Catalog    *catalog.Catalog
	Frameworks []crosswalk.Framework
	Items      []Item
}

// Make groups shortfalls by cause.
func Make(in Input) Report {
	a := in.Assessment
	r := Report{AsOf: a.AsOf, Checkpoint: a.Checkpoint, Catalog: a.Catalog, Hints: []Twin{}}
	rules := map[string]*assess.InForce{}
	for i := range a.Expectations {
		rules[a.Expectations[i].Slug] = &a.Expectations[i]
	}
	twins := twinsOf(in.Frameworks)
	groups := map[Cause]*Group{}
	for _, c := range Causes() {
		groups[c] = &Group{Cause: c, Title: c.Title(), Areas: []AreaCount{}, Items: []Item{}}
	}
	open := map[string]int{} // by control
	for _, it := range in.Items {
		stated := ""
		if rule := rules[it.Expectation]; rule != nil {
			stated, it.Title = rule.Cause, rule.Title
		}
		it.Cause, it.CauseFrom = CauseOf(stated, it.Status, it.Reason)
		it.Area = areaOf(in.Catalog, it.Control)
		it.Twin = twins[it.Control]
		g := groups[it.Cause]
		g.Items = append(g.Items, it)
		g.Open++
		r.Open++
		g.count(it)
		r.count(it)
		open[it.Control]++
	}
	for _, c := range Causes() {
		groups[c].order(in.Catalog)
		r.Causes = append(r.Causes, *groups[c])
	}
	for _, ctl := range in.Catalog.Controls {
		if item := twins[ctl.ID]; item != "" && open[ctl.ID] > 0 {
			r.Hints = append(r.Hints, Twin{Control: ctl.ID, Item: item, Open: open[ctl.ID],
				Hint: fmt.Sprintf("ISO/IEC 27001 has it as %s: what an information security management system keeps for it can be %s", item, ReusedHint)})
		}
	}
	return r
}

func (c *Counts) count(it Item) {
	if it.Status == assess.StatusFailing || it.Status == assess.StatusMissing {
		c.Established++
	} else {
		c.Unsettled++
	}
	if it.Overdue {
		c.Overdue++
	}
	if it.Owner == "" {
		c.Unowned++
	}
}

// order counts a group's areas and sorts its items: controls as the catalog
// has them, then what is due first.
func (g *Group) order(cat *catalog.Catalog) {
	rank := map[string]int{}
	for i, c := range cat.Controls {
		rank[c.ID] = i
	}
	for _, a := range cat.Areas {
		n := 0
		for _, it := range g.Items {
			if it.Area == a.ID {
				n++
			}
		}
		if n > 0 {
			g.Areas = append(g.Areas, AreaCount{ID: a.ID, Title: a.Title, Open: n})
		}
	}
	due := func(t *time.Time) int64 {
		if t == nil {
			return 1<<63 - 1
		}
		return t.Unix()
	}
	slices.SortStableFunc(g.Items, func(x, y Item) int {
		return cmp.Or(cmp.Compare(rank[x.Control], rank[y.Control]), cmp.Compare(x.Expectation, y.Expectation),
			cmp.Compare(due(x.DueAt), due(y.DueAt)), cmp.Compare(x.Subject.ID, y.Subject.ID))
	})
}

func areaOf(cat *catalog.Catalog, control string) string {
	if c, ok := cat.Control(control); ok {
		return c.Area
	}
	return ""
}

// twinsOf returns the clauses that ISO/IEC 27001 has in the same place.
func twinsOf(frameworks []crosswalk.Framework) map[string]string {
	out := map[string]string{}
	for _, fw := range frameworks {
		for _, p := range fw.Pairs {
			if fw.ID == "iso27001" && p.Twin {
				out[p.Control] = p.Item
			}
		}
	}
	return out
}
