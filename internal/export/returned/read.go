package returned

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// Note is what was written beside a control.
type Note struct {
	Control    string `json:"control"`
	Note       string `json:"note,omitempty"`
	Conclusion string `json:"conclusion,omitempty"`
	Place      string `json:"place"` // sheet and row
}

// Mark is an item of a population that was marked as chosen.
type Mark struct {
	Population string `json:"population"`
	Item       string `json:"item"` // type/id
	Place      string `json:"place"`
}

// Refused is a cell that is not taken, and why.
type Refused struct {
	Place string `json:"place"`
	Text  string `json:"text"`
	Why   string `json:"why"`
}

// Inputs are what was written into the columns left empty.
type Inputs struct {
	Notes   []Note    `json:"notes"`
	Marks   []Mark    `json:"marks"`
	Refused []Refused `json:"refused"`
}

// Titles of the columns that were left empty, and of those that name a row.
const (
	titleNote       = "auditor note"
	titleConclusion = "auditor conclusion"
	titleInSample   = "in sample"
	itemSheet       = "Population items"
)

// inputTitles are the columns to fill in, by sheet.
var inputTitles = map[string][]string{
	sheets.ControlSheet: {titleNote, titleConclusion},
	itemSheet:           {titleInSample},
}

// Conclusions are what an auditor can choose from.
func Conclusions() []string { return []string{"C", "Minor", "Major", "OFI", "NA"} }

var hexDigest = regexp.MustCompile(`[0-9a-f]{64}`)

// Snapshot is the id of the snapshot that the workbook says it is of: by its
// name, or by the cover's text where a program dropped the names.
func (f *File) Snapshot(ctx context.Context) (string, error) {
	v, err := f.Named(ctx, "SnapshotId")
	if err != nil {
		return "", err
	}
	if id := hexDigest.FindString(v); id != "" {
		return id, nil
	}
	if !slices.Contains(f.Sheets(), sheets.CoverSheet) {
		return "", nil
	}
	id := ""
	err = f.Rows(ctx, sheets.CoverSheet, func(r Row) error {
		if strings.TrimSpace(r.Text(0)) == sheets.CoverSnapshot {
			id = hexDigest.FindString(r.Text(1))
		}
		return nil
	})
	return id, err
}

// Read reads what was written into the workbook.
func (f *File) Read(ctx context.Context) (Inputs, error) {
	in := Inputs{Notes: []Note{}, Marks: []Mark{}, Refused: []Refused{}}
	if !slices.ContainsFunc(f.Sheets(), func(s string) bool { return xlsx.SheetBase(s) == sheets.ControlSheet }) {
		return in, refuse(saveAgain, "it has no sheet %q", sheets.ControlSheet)
	}
	for _, name := range f.Sheets() {
		r := reader{in: &in, sheet: name}
		var err error
		switch xlsx.SheetBase(name) {
		case sheets.ControlSheet:
			err = f.filled(ctx, name, []string{"id", titleNote, titleConclusion}, r.note)
		case itemSheet:
			err = f.filled(ctx, name, []string{"population", "item type", "item", titleInSample}, r.mark)
		}
		if err != nil {
			return in, err
		}
	}
	in.twice()
	return in, nil
}

// filled goes through the rows below the header, with the cells of the columns
// of these titles in their order.
func (f *File) filled(ctx context.Context, sheet string, titles []string, visit func(row int, cells []Cell)) error {
	var at []int
	cells := make([]Cell, len(titles))
	err := f.Rows(ctx, sheet, func(r Row) error {
		if at == nil {
			for _, title := range titles {
				i := slices.IndexFunc(r.Cells, func(c Cell) bool { return strings.EqualFold(strings.TrimSpace(c.Text), title) })
				if i < 0 {
					return refuse("the columns may be moved, not renamed: ask for the file with its headings", "sheet %q has no column %q in row %d", sheet, title, r.Number)
				}
				at = append(at, i)
			}
			return nil
		}
		for i, column := range at {
			cells[i] = r.Cell(column)
		}
		visit(r.Number, cells)
		return nil
	})
	if err == nil && at == nil {
		err = refuse(saveAgain, "sheet %q is empty", sheet)
	}
	return err
}

// reader reads the rows of one sheet.
type reader struct {
	in    *Inputs
	sheet string
}

func (r reader) place(row int) string { return fmt.Sprintf("%s, row %d", r.sheet, row) }

// refuses notes a cell that is not taken, and reports whether it is one.
func (r reader) refuses(row int, title string, c Cell) bool {
	why, text := "", c.Text
	switch {
	case c.Formula != "":
		why, text = "a formula is not evaluated: write the text itself", "="+strings.TrimPrefix(c.Formula, "=")
	case c.Error:
		why = "the cell shows an error"
	}
	if why == "" {
		return false
	}
	r.in.Refused = append(r.in.Refused, Refused{r.place(row) + ", " + title, text, why})
	return true
}

func (r reader) note(row int, cells []Cell) {
	id, note, conclusion := strings.TrimSpace(unquote(cells[0].Text)), cells[1], cells[2]
	n := Note{Control: id, Note: strings.TrimSpace(note.Text), Place: r.place(row)}
	text := strings.TrimSpace(conclusion.Text)
	badNote, badConclusion := r.refuses(row, titleNote, note), r.refuses(row, titleConclusion, conclusion)
	if badNote && !badConclusion {
		r.withIt(row, titleConclusion, text)
	}
	if badConclusion && !badNote {
		r.withIt(row, titleNote, n.Note)
	}
	if badNote || badConclusion || n.Note == "" && text == "" {
		return
	}
	if id == "" {
		r.in.Refused = append(r.in.Refused, Refused{r.place(row), short(n.Note + text), "the row names no control"})
		return
	}
	if text != "" {
		i := slices.IndexFunc(Conclusions(), func(c string) bool { return strings.EqualFold(c, text) })
		if i < 0 {
			r.in.Refused = append(r.in.Refused, Refused{r.place(row) + ", " + titleConclusion, short(text), "no conclusion: " + strings.Join(Conclusions(), ", ")})
			r.withIt(row, titleNote, n.Note)
			return
		}
		n.Conclusion = Conclusions()[i]
	}
	r.in.Notes = append(r.in.Notes, n)
}

// withIt refuses what stands beside a cell that is refused: half of what an
// auditor wrote about a control may say something else than the whole.
func (r reader) withIt(row int, title, text string) {
	if text != "" {
		r.in.Refused = append(r.in.Refused, Refused{r.place(row) + ", " + title, short(text), "the other cell of the row is refused"})
	}
}

func (r reader) mark(row int, cells []Cell) {
	population, kind, item, mark := cells[0], cells[1], cells[2], cells[3]
	if r.refuses(row, titleInSample, mark) {
		return
	}
	switch strings.ToLower(strings.TrimSpace(mark.Text)) {
	case "", "n", "no":
	case "y", "yes", "x", "true":
		m := Mark{strings.TrimSpace(unquote(population.Text)), strings.TrimSpace(kind.Text) + "/" + unquote(item.Text), r.place(row)}
		if m.Population == "" || item.Text == "" {
			r.in.Refused = append(r.in.Refused, Refused{r.place(row), short(mark.Text), "the row names no item of a population"})
			return
		}
		r.in.Marks = append(r.in.Marks, m)
	default:
		r.in.Refused = append(r.in.Refused, Refused{r.place(row) + ", " + titleInSample, short(mark.Text), "Y, or empty"})
	}
}

// unquote takes the apostrophe off that an export put before a text.
func unquote(s string) string { return strings.TrimPrefix(s, "'") }

func short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "\u2026"
	}
	return s
}

// twice refuses controls that were written about in two rows, since nobody can
// tell which one holds.
func (in *Inputs) twice() {
	rows := map[string]int{}
	for _, n := range in.Notes {
		rows[n.Control]++
	}
	in.Notes = slices.DeleteFunc(in.Notes, func(n Note) bool {
		if rows[n.Control] < 2 {
			return false
		}
		in.Refused = append(in.Refused, Refused{n.Place, short(n.Note + " " + n.Conclusion), "control " + short(n.Control) + " has several rows"})
		return true
	})
}

// Known refuses notes about controls, and marks of items, that the export did
// not have.
func (in *Inputs) Known(control func(string) bool, item func(population, item string) bool) {
	in.Notes = slices.DeleteFunc(in.Notes, func(n Note) bool {
		if control(n.Control) {
			return false
		}
		in.Refused = append(in.Refused, Refused{n.Place, short(n.Control), "the snapshot has no such control"})
		return true
	})
	in.Marks = slices.DeleteFunc(in.Marks, func(m Mark) bool {
		if item(m.Population, m.Item) {
			return false
		}
		in.Refused = append(in.Refused, Refused{m.Place, short(m.Population + " " + m.Item), "the snapshot has no such item"})
		return true
	})
}
