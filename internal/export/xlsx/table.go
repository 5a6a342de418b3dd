package xlsx

import (
	"math"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// table takes the rows of a sheet and of its continuations.
type table struct {
	s    *sheet
	keys int
}

// cell returns the sheet that the next cell goes to: a full one is continued
// when a row begins.
func (t *table) cell() *sheet {
	if t.s.at == 0 && t.s.row > t.s.b.maxRows {
		next, err := t.s.room()
		if err != nil {
			t.s.err = err
			return t.s
		}
		next.where, t.s = t.s.where, next
	}
	return t.s
}

// maxKeys is how many rows of a sheet can be led to: twice the links that a
// sheet holds.
const maxKeys = 2 * maxLinks

func (t *table) Key(key string) {
	s := t.cell()
	if t.keys++; t.keys <= maxKeys {
		s.b.rows[nameOf(sheets.Ref{Sheet: s.Name, Key: key})] = place{int32(s.number), int32(s.row)}
	}
}

func (t *table) Whole(where string) { t.cell().where = where }

func (t *table) Text(v string) { s := t.cell(); s.styled(v, s.b.st.plain(s.Flat)) }
func (t *table) Code(v string) { s := t.cell(); s.styled(v, s.b.st.digits(s.Flat)) }
func (t *table) Blank()        { s := t.cell(); s.put("", s.b.st.plain(s.Flat)) }
func (t *table) Input()        { s := t.cell(); s.put("", s.b.st.input) }

// List writes one text below the other, or behind it where a row is one line.
func (t *table) List(v []string) {
	if t.s.Flat {
		t.Text(strings.Join(v, ", "))
		return
	}
	t.Text(strings.Join(v, "\n"))
}

func (t *table) Number(n int64) { s := t.cell(); s.put(n, s.b.st.number) }

func (t *table) Decimal(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		t.Blank()
		return
	}
	s := t.cell()
	s.put(math.Round(x*10)/10, s.b.st.number)
}

func (t *table) Yes(v bool) {
	if v {
		t.Text("Y")
		return
	}
	t.Text("N")
}

// Date writes an instant as Excel counts them: days since 1899-12-30, UTC.
// Before 1900-03-01 Excel counts wrongly, so such a time becomes text.
func (t *table) Date(at time.Time) {
	if at.IsZero() {
		t.Blank()
		return
	}
	if v, ok := serial(at); ok {
		s := t.cell()
		s.put(v, s.b.st.date)
		return
	}
	t.Text(at.UTC().Format(time.RFC3339))
}

func (t *table) Status(st assess.Status) {
	if st == "" {
		st = assess.StatusNotAssessed
	}
	t.Mark(string(st), st)
}

func (t *table) Mark(v string, as assess.Status) {
	s := t.cell()
	style, ok := s.b.st.status[as]
	if !ok {
		style = s.b.st.plain(s.Flat)
	}
	s.styled(v, style)
}

// Link writes a text that leads to a row of another sheet, while there is room
// for links and if there is such a row, or may be once its sheet is written.
func (t *table) Link(v string, to sheets.Ref) {
	s := t.cell()
	sheet, cell, ok := s.b.at(to)
	switch {
	case v == "":
		t.Blank()
	case ok:
		t.linked(v, s.links.internal(s.ref(), sheet, cell))
	case s.b.ahead[to.Sheet]:
		t.linked(v, s.links.later(s.ref(), to))
	default:
		t.Text(v)
	}
}

// File leads to a file beside the workbook.
func (t *table) File(path string) {
	if path == "" {
		t.Blank()
		return
	}
	s := t.cell()
	t.linked(path, s.links.external(s.ref(), path))
}

// Web leads to a source. One place in each row is kept for its file, without
// which the evidence could not be opened.
func (t *table) Web(url string) {
	s := t.cell()
	web, ok := cell.WebLink(url)
	if !ok {
		t.Text(url)
		return
	}
	t.linked(url, s.links.room(2) && s.links.external(s.ref(), web))
}

// linked writes a text as the link that it became, or else counts it as one
// that found no room.
func (t *table) linked(v string, fits bool) {
	s := t.cell()
	switch {
	case !fits:
		s.b.sum.Unlinked++
		s.styled(v, s.b.st.plain(s.Flat))
	case s.Flat:
		s.styled(v, s.b.st.lineLink)
	default:
		s.styled(v, s.b.st.link)
	}
}

func (t *table) End() error {
	s := t.s
	err := s.end()
	s.where = ""
	return err
}

var _ sheets.Writer = (*table)(nil)
