package dashboard

import (
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) controlRoutes() []route {
	return []route{
		{pattern: "GET /controls", needs: access.Read, page: controls},
		{pattern: "GET /controls/{id}", needs: access.Read, page: control},
		{pattern: "GET /expectations/{slug}", needs: access.Read, page: expectation},
		{pattern: "GET /results/{slug}/{type}/{id...}", needs: access.Read, page: result},
	}
}

// controlsData is the heat map and the list below it.
type controlsData struct {
	Parts  []part
	Counts []statusCount
	Total  int
	List   []assess.Control
	Status string // filters
	Area   string
	Text   string
	All    []assess.Status
}

// Areas are those of all parts.
func (d controlsData) Areas() []area {
	var out []area
	for _, p := range d.Parts {
		out = append(out, p.Areas...)
	}
	return out
}

// part is the clauses, or Annex A.
type part struct {
	Title string
	Areas []area
}

// area is a row of the heat map.
type area struct {
	ID, Title string
	Controls  []assess.Control
}

func controls(c *call) (*page, error) {
	a := c.view.Assessment
	data := controlsData{Parts: c.d.partsOf(c.shown), Counts: countControls(a), Total: len(a.Controls), All: statuses,
		Status: c.Query("status"), Area: c.Query("area"), Text: c.Query("q")}
	for i := range a.Controls {
		if data.shows(c, &a.Controls[i]) {
			data.List = append(data.List, a.Controls[i])
		}
	}
	return &page{title: "Controls", template: "controls", nav: "/controls", data: data}, nil
}

// Filtered reports whether the list leaves something out.
func (d controlsData) Filtered() bool { return d.Status != "" || d.Area != "" || d.Text != "" }

func (d controlsData) shows(c *call, ctl *assess.Control) bool {
	if d.Status != "" && string(ctl.Status) != d.Status {
		return false
	}
	if known, ok := c.d.Service.Catalog.Control(ctl.ID); d.Area != "" && (!ok || areaOf(known) != d.Area) {
		return false
	}
	text := strings.ToLower(d.Text)
	return text == "" || strings.Contains(strings.ToLower(ctl.ID+" "+ctl.Title), text)
}

// partsOf sorts the controls into areas, in the order of the catalog: a clause
// belongs to its chapter, a control of Annex A to its objective.
func (d *Dashboard) partsOf(p *prepared) []part {
	cat := d.Service.Catalog
	return once(p, "parts", func(v *service.View) []part {
		parts := []part{{Title: "Clauses 4 to 10"}, {Title: "Annex A"}}
		for _, ctl := range v.Assessment.Controls {
			known, ok := cat.Control(ctl.ID)
			if !ok {
				continue
			}
			p, id := &parts[0], areaOf(known)
			if known.Annex() {
				p = &parts[1]
			}
			if n := len(p.Areas); n == 0 || p.Areas[n-1].ID != id {
				p.Areas = append(p.Areas, area{ID: id, Title: areaTitle(cat, id)})
			}
			last := &p.Areas[len(p.Areas)-1]
			last.Controls = append(last.Controls, ctl)
		}
		return parts
	})
}

// areaOf is the area of the heat map that a control belongs to.
func areaOf(k *catalog.Control) string {
	if k.Annex() {
		return k.Area
	}
	chapter, _, _ := strings.Cut(k.ID, ".")
	return chapter
}

func areaTitle(cat *catalog.Catalog, id string) string {
	for _, a := range cat.Areas {
		if a.ID == id {
			return a.Title
		}
	}
	return ""
}

// controlData is one control.
type controlData struct {
	*assess.Control
	Known        *catalog.Control
	Expectations []expectationLine
	Results      resultList
	Only         string // slug, of the list
	Related      []related
	Before, Next string // ids of the neighbours
}

// expectationLine is an expectation with how its results stand.
type expectationLine struct {
	assess.InForce
	Counts    map[assess.Status]int
	Satisfied int
	Total     int // applicable
	Worst     assess.Status
}

// related are the items of another framework that evidence may serve as well.
type related struct {
	Framework string
	Items     []relatedItem
}

type relatedItem struct{ ID, Title, Basis string }

func control(c *call) (*page, error) {
	ctl, err := c.view.Control(c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	data := controlData{Control: ctl, Related: c.d.related[ctl.ID], Only: c.Query("expectation")}
	data.Known, _ = c.d.Service.Catalog.Control(ctl.ID)
	for i := range c.view.Assessment.Expectations {
		if e := &c.view.Assessment.Expectations[i]; e.Control == ctl.ID {
			data.Expectations = append(data.Expectations, c.line(e))
		}
	}
	all := once(c.shown, "control "+ctl.ID, func(*service.View) []*assess.Result {
		sorted := slices.Clone(ctl.Results)
		slices.SortStableFunc(sorted, func(x, y *assess.Result) int { return rank(x.Status) - rank(y.Status) })
		return sorted
	})
	data.Results = c.results(all, ctl.Counts)
	ids := c.d.Service.Catalog.ControlIDs()
	if i := slices.Index(ids, ctl.ID); i >= 0 {
		if i > 0 {
			data.Before = ids[i-1]
		}
		if i+1 < len(ids) {
			data.Next = ids[i+1]
		}
	}
	return &page{title: ctl.ID + " " + ctl.Title, template: "control", nav: "/controls", data: data,
		crumbs: []crumb{{"Controls", c.Link("/controls")}}}, nil
}

// line is an expectation with how its results stand.
func (c *call) line(e *assess.InForce) expectationLine {
	l := expectationLine{InForce: *e, Counts: c.shown.tally()[e.Slug], Worst: assess.StatusNotApplicable}
	for s, n := range l.Counts {
		if s != assess.StatusNotApplicable {
			l.Total += n
		}
		if rank(s) < rank(l.Worst) {
			l.Worst = s
		}
	}
	if len(l.Counts) == 0 {
		l.Worst = assess.StatusNotAssessed
	}
	l.Satisfied = l.Counts[assess.StatusSatisfied]
	return l
}

// resultList is a page of results.
type resultList struct {
	Items    []*assess.Result
	Counts   []statusCount
	Status   string // filter
	Text     string // filter
	From, To int    // of what the filters leave, from 1
	Total    int
	Before   int // where the page before begins; 0: there is none
	Next     int // where the next page begins; 0: there is none
}

// resultsPage is how many results a page shows.
const resultsPage = 50

// results takes the page of results that a request asks for.
func (c *call) results(all []*assess.Result, counts map[assess.Status]int) resultList {
	l := resultList{Status: c.Query("status"), Text: c.Query("q")}
	for _, s := range statuses {
		if counts[s] > 0 {
			l.Counts = append(l.Counts, statusCount{s, counts[s]})
		}
	}
	slug, text := c.Query("expectation"), strings.ToLower(l.Text)
	from, _ := strconv.Atoi(c.Query("from"))
	from = max(1, from)
	for _, r := range all {
		if l.Status != "" && string(r.Status) != l.Status || slug != "" && r.Expectation != slug ||
			text != "" && !strings.Contains(strings.ToLower(r.Subject.Type+" "+r.Subject.ID), text) {
			continue
		}
		l.Total++
		if l.Total >= from && len(l.Items) < resultsPage {
			l.Items = append(l.Items, r)
		}
	}
	if len(l.Items) > 0 {
		l.From, l.To = from, from+len(l.Items)-1
	}
	if from > 1 {
		l.Before = max(1, from-resultsPage)
	}
	if l.To < l.Total && l.To > 0 {
		l.Next = l.To + 1
	}
	return l
}

// expectationData is one expectation.
type expectationData struct {
	expectationLine
	Results    resultList
	Explained  assess.Explanation
	Population *assess.Population
}

func expectation(c *call) (*page, error) {
	slug := c.req.PathValue("slug")
	e, _, err := c.view.Expectation(slug)
	if err != nil {
		return nil, err
	}
	data := expectationData{expectationLine: c.line(e), Results: c.results(c.shown.worstFirst(slug), c.shown.tally()[slug])}
	if data.Explained, err = c.d.explain(slug, c.view.Assessment.Catalog.Digest); err != nil {
		return nil, err
	}
	data.Population, _ = service.PopulationOf(c.view.Assessment, slug)
	return &page{title: e.Title, template: "expectation", nav: "/controls", data: data,
		crumbs: []crumb{{"Controls", c.Link("/controls")}, {e.Control, c.ControlLink(e.Control)}}}, nil
}

// resultData is one result and what it rests on.
type resultData struct {
	*assess.Result
	Rule     *assess.InForce
	Finding  *service.FindingRow
	Evidence []resting
	From, To int
	Before   int // as in resultList
	Next     int
	Owner    string
	OwnerBy  string // which part of the register says so
	CanAct   bool
}

// resting is a piece of evidence that a result rests on. One that cannot be read
// has only its digest.
type resting struct {
	Digest evidence.Digest
	*evidence.Evidence
}

// restingPage is how many pieces of evidence the page of a result shows.
const restingPage = 25

func result(c *call) (*page, error) {
	slug, subject := c.req.PathValue("slug"), c.subject()
	r, err := c.view.Result(slug, subject)
	if err != nil {
		return nil, err
	}
	data := resultData{Result: r}
	data.Rule, _, _ = c.view.Expectation(slug)
	if f, err := c.view.Finding(assess.FindingID(slug, subject)); err == nil {
		data.Finding = &f
		data.CanAct = !c.view.Past && f.Recorded && f.State.IsOpen() && f.State != service.StateDuty && f.AcknowledgedAt == nil && c.May("act_findings")
	}
	data.Owner, data.OwnerBy = c.view.Owner(r)
	from, _ := strconv.Atoi(c.Query("from"))
	from = min(max(1, from), len(r.Evidence)+1)
	to := min(from-1+restingPage, len(r.Evidence))
	digests := r.Evidence[from-1 : to]
	found, err := c.d.Service.RestsUpon(c.ctx(), r, digests)
	if err != nil {
		return nil, err
	}
	for i, d := range digests {
		data.Evidence = append(data.Evidence, resting{d, found[i]})
	}
	data.From, data.To = from, to
	if from > 1 {
		data.Before = max(1, from-restingPage)
	}
	if to < len(r.Evidence) {
		data.Next = to + 1
	}
	return &page{title: subject.Type + " " + clip(120, subject.ID), template: "result", nav: "/controls", data: data,
		crumbs: []crumb{{"Controls", c.Link("/controls")}, {r.Control, c.ControlLink(r.Control)}, {data.Rule.Title, c.ExpectationLink(slug)}}}, nil
}
