package xlsx

import (
	"fmt"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// dateFormat is how every time is shown; all times are UTC.
const dateFormat = "yyyy-mm-dd hh:mm:ss"

// middle is what the file format calls the middle, both ways.
const middle = "center"

// ink is the colour of what is read.
const ink = "1F2429"

// styles are the ids of the workbook's cell styles.
type styles struct {
	header, text, code, number, date, link, input, title, key, note, section int
	line, lineLink, lineCode                                                 int // text, link and code of sheets whose rows are one line
	status                                                                   map[assess.Status]int
}

func newStyles(f *excelize.File) (*styles, error) {
	s := &styles{status: make(map[assess.Status]int)}
	border := []excelize.Border{{Type: "bottom", Color: "D9DDE1", Style: 1}, {Type: "right", Color: "EBEDF0", Style: 1}}
	wrap := &excelize.Alignment{Vertical: "top", WrapText: true}
	top := &excelize.Alignment{Vertical: "top"}
	pen := func() *excelize.Font { return &excelize.Font{Family: "Calibri", Size: 10, Color: ink} }
	numFmt := dateFormat
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	defs := []struct {
		id    *int
		style excelize.Style
	}{
		{&s.header, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: true, Color: "FFFFFF"}, Fill: fill("22384F"),
			Alignment: &excelize.Alignment{Vertical: middle, WrapText: true}}},
		{&s.text, excelize.Style{Font: pen(), Alignment: wrap, Border: border}},
		{&s.code, excelize.Style{Font: &excelize.Font{Family: "Consolas", Size: 9, Color: "3A4149"}, Alignment: wrap, Border: border}},
		{&s.number, excelize.Style{Font: pen(), Alignment: &excelize.Alignment{Vertical: "top", Horizontal: middle}, Border: border}},
		{&s.date, excelize.Style{Font: pen(), Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left"}, Border: border,
			CustomNumFmt: &numFmt}},
		{&s.link, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Color: "0B4C96", Underline: "single"}, Alignment: wrap, Border: border}},
		{&s.line, excelize.Style{Font: pen(), Alignment: top, Border: border}},
		{&s.lineLink, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Color: "0B4C96", Underline: "single"}, Alignment: top, Border: border}},
		{&s.lineCode, excelize.Style{Font: &excelize.Font{Family: "Consolas", Size: 9, Color: "3A4149"}, Alignment: top, Border: border}},
		{&s.input, excelize.Style{Font: pen(), Alignment: wrap, Fill: fill("FFFDF2"), Border: []excelize.Border{
			{Type: "bottom", Color: "B9A96A", Style: 1}, {Type: "right", Color: "B9A96A", Style: 1}}}},
		{&s.title, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 20, Bold: true, Color: "22384F"}}},
		{&s.key, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: true, Color: "22384F"}, Alignment: wrap, Border: border}},
		{&s.note, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 11, Color: "4A525A"}, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&s.section, excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 13, Bold: true, Color: "22384F"},
			Border: []excelize.Border{{Type: "bottom", Color: "22384F", Style: 2}}}},
	}
	for _, d := range defs {
		id, err := f.NewStyle(&d.style)
		if err != nil {
			return nil, fmt.Errorf("workbook: style: %w", err)
		}
		*d.id = id
	}
	for _, l := range sheets.Looks() {
		id, err := f.NewStyle(&excelize.Style{Fill: fill(l.Fill), Alignment: top, Border: border,
			Font: &excelize.Font{Family: "Calibri", Size: 10, Bold: l.Bold, Italic: l.Italic, Color: l.Font}})
		if err != nil {
			return nil, fmt.Errorf("workbook: style: %w", err)
		}
		s.status[l.Status] = id
	}
	return s, nil
}

// plain is the style of a text, in a sheet whose rows are one line or not.
func (s *styles) plain(flat bool) int {
	if flat {
		return s.line
	}
	return s.text
}

// digits is the style of a digest or an id, in a sheet whose rows are one line or not.
func (s *styles) digits(flat bool) int {
	if flat {
		return s.lineCode
	}
	return s.code
}
