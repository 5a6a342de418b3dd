package html

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// table takes the rows of a sheet. Those beyond the number shown are counted.
type table struct {
	r     *report
	p     *part
	cells []byte
	at    int
	key   string
	where string
}

func (t *table) hides() bool { return t.r.rows >= 0 && t.p.rows >= t.r.rows }

// cell writes a cell of a class; inside is escaped.
func (t *table) cell(class, inside string) {
	t.at++
	if t.hides() {
		return
	}
	tag := "td"
	if t.at == 1 {
		tag = `th scope="row"`
	}
	t.cells = append(append(t.cells, '<'), tag...)
	if class != "" {
		t.cells = append(append(append(t.cells, ` class="`...), class...), '"')
	}
	t.cells = append(append(append(t.cells, '>'), inside...), "</"...)
	t.cells = append(append(t.cells, tag[:2]...), '>')
}

func (t *table) text(class, v string) {
	if t.hides() {
		t.at++
		return
	}
	t.cell(class, esc(cut(v, t.where)))
}

func (t *table) Key(key string)     { t.key = key }
func (t *table) Whole(where string) { t.where = where }
func (t *table) Text(v string)      { t.text("", v) }
func (t *table) Blank()             { t.cell("", "") }
func (t *table) Input()             { t.cell("", "") }
func (t *table) File(path string)   { t.text("c", path) }
func (t *table) Number(n int64)     { t.cell("n", strconv.FormatInt(n, 10)) }

// longCode is the length from which a code is given room for half of it.
const longCode = 40

func (t *table) Code(v string) {
	if len(v) > longCode {
		t.text("c h", v)
		return
	}
	t.text("c", v)
}

func (t *table) List(v []string) {
	if t.hides() || len(v) == 0 {
		t.cell("", "")
		return
	}
	inside := "<ul>"
	for _, s := range v {
		inside += "<li>" + esc(cut(s, t.where)) + "</li>"
	}
	t.cell("", inside+"</ul>")
}

func (t *table) Decimal(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		t.Blank()
		return
	}
	t.cell("n", strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64))
}

func (t *table) Yes(v bool) {
	if v {
		t.cell("n", "Y")
		return
	}
	t.cell("n", "N")
}

func (t *table) Date(at time.Time) {
	if at.IsZero() || t.hides() {
		t.cell("", "")
		return
	}
	at = at.UTC()
	t.cell("d", `<time datetime="`+export.Time(at)+`">`+at.Format("2006-01-02 15:04:05")+"</time>")
}

func (t *table) Status(s assess.Status) {
	if s == "" {
		s = assess.StatusNotAssessed
	}
	t.Mark(string(s), s)
}

func (t *table) Mark(v string, as assess.Status) {
	if t.hides() || v == "" {
		t.cell("", "")
		return
	}
	t.cell("", pill(v, as))
}

func (t *table) Link(v string, to sheets.Ref) {
	_, there := t.r.shown[rowSum(to)]
	if !there || v == "" || t.hides() {
		t.text("", v)
		return
	}
	t.cell("", `<a href="#`+anchor(to)+`">`+esc(cut(v, t.where))+"</a>")
}

func (t *table) Web(url string) {
	web, ok := cell.WebLink(url)
	if !ok || t.hides() {
		t.text("", url)
		return
	}
	t.cell("u", `<a rel="noreferrer noopener" href="`+esc(web)+`">`+esc(url)+"</a>")
}

func (t *table) End() error {
	if t.at != len(t.p.Columns) {
		return fmt.Errorf("row %d: %d cells for %d columns", t.p.total+1, t.at, len(t.p.Columns))
	}
	if !t.hides() {
		if t.p.rows == 0 {
			t.head()
		}
		id := ""
		if t.key != "" {
			ref := sheets.Ref{Sheet: t.p.Name, Key: t.key}
			t.r.shown[rowSum(ref)] = struct{}{}
			id = ` id="` + anchor(ref) + `"`
		}
		write(t.p.out, "<tr"+id+">")
		_, _ = t.p.out.Write(t.cells)
		write(t.p.out, "</tr>\n")
		t.p.rows++
	}
	t.p.total++
	t.cells, t.at, t.key, t.where = t.cells[:0], 0, "", ""
	return nil
}

// head begins the table.
func (t *table) head() {
	p := t.p
	write(p.out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", esc("Rows: "+p.Name), "\">\n<table id=\"t-", p.id,
		"\">\n<caption class=\"quiet\">", esc(p.Name), "</caption>\n<thead><tr>")
	for _, c := range p.Columns {
		write(p.out, "<th scope=\"col\">", esc(c.Title), "</th>")
	}
	write(p.out, "</tr></thead>\n<tbody>\n")
}

var _ sheets.Writer = (*table)(nil)

// symbols stand beside the word for who sees few colours.
func symbol(s assess.Status) string {
	switch s {
	case assess.StatusSatisfied:
		return "\u2713"
	case assess.StatusFailing:
		return "\u2717"
	case assess.StatusMissing:
		return "\u2205"
	case assess.StatusStale:
		return "\u21bb"
	case assess.StatusPendingReview:
		return "\u2026"
	case assess.StatusDue:
		return "\u25f7"
	case assess.StatusWaived:
		return "~"
	case assess.StatusNotApplicable:
		return "\u2013"
	}
	return "?"
}

// pill is a text in a status's colours.
func pill(v string, as assess.Status) string {
	return `<span class="st ` + statusClass(as) + `"><span aria-hidden="true">` + symbol(as) + "</span> " + esc(v) + "</span>"
}

// statusClass is the class of a status; of what is none, that of not_assessed.
func statusClass(s assess.Status) string {
	for _, l := range sheets.Looks() {
		if l.Status == s {
			return "st-" + string(s)
		}
	}
	return "st-" + string(assess.StatusNotAssessed)
}
