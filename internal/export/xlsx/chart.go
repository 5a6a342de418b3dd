package xlsx

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// rowHeight is how high a row of a page is, in pixels, as programs draw it.
const rowHeight = 20

// chart writes a chart's numbers as a table, and the chart beside it if there
// is room, or below.
func (s *sheet) chart(c *sheets.Chart) error {
	if len(c.Series) >= len(s.Columns) {
		return fmt.Errorf("workbook: sheet %s: chart %q has %d series for %d columns", s.name, c.Title, len(c.Series), len(s.Columns))
	}
	if err := s.section(c.Title); err != nil {
		return err
	}
	if err := s.wide(c.About, s.b.st.text); err != nil {
		return err
	}
	head := s.row
	if err := s.numbers(c); err != nil {
		return err
	}
	beside := len(c.Series) <= 3
	at, rows := cellName(0, s.row+1), chartRows(c)
	if beside {
		at = cellName(len(c.Series)+2, head)
	}
	if err := s.b.file.AddChart(s.name, at, s.drawn(c, head, rows)); err != nil {
		return fmt.Errorf("workbook: sheet %s: chart %q: %w", s.name, c.Title, err)
	}
	if beside {
		s.row = max(s.row, head+rows) + 1
	} else {
		s.row += rows + 2
	}
	return nil
}

// chartRows is how many rows a chart lies over: bars need room for their names.
func chartRows(c *sheets.Chart) int {
	if c.Kind == sheets.ChartStackedBars {
		return len(c.Categories) + 7
	}
	return 15
}

// numbers writes what a chart shows, with a header.
func (s *sheet) numbers(c *sheets.Chart) error {
	deep := lines(c.Category, s.Columns[0].Width)
	s.styled(c.Category, s.b.st.header)
	for i, one := range c.Series {
		s.styled(one.Name, s.b.st.header)
		deep = max(deep, lines(one.Name, s.Columns[i+1].Width*0.8))
	}
	if err := s.endHeight(lineHeight(deep)); err != nil {
		return err
	}
	for i, name := range c.Categories {
		s.styled(name, s.b.st.text)
		for _, one := range c.Series {
			s.put(one.Values[i], s.b.st.number)
		}
		if err := s.endHeight(0); err != nil {
			return err
		}
	}
	return nil
}

// drawn is a chart over the numbers that begin below row head.
func (s *sheet) drawn(c *sheets.Chart, head, rows int) *excelize.Chart {
	kinds := map[sheets.ChartKind]excelize.ChartType{sheets.ChartStackedBars: excelize.BarStacked, sheets.ChartColumns: excelize.Col, sheets.ChartLines: excelize.Line}
	vary, gap := false, uint(45)
	axis := excelize.ChartAxis{Font: excelize.Font{Family: "Calibri", Size: 9, Color: ink}, NumFmt: excelize.ChartNumFmt{CustomNumFmt: "0"}}
	out := &excelize.Chart{
		Type: kinds[c.Kind], VaryColors: &vary, GapWidth: &gap, XAxis: axis, YAxis: axis,
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.Title, Font: &excelize.Font{Family: "Calibri", Size: 11, Bold: true, Color: ink}}}},
		Legend:    excelize.ChartLegend{Position: "bottom", Font: &excelize.Font{Family: "Calibri", Size: 9, Color: ink}},
		Dimension: excelize.ChartDimension{Width: 760, Height: uint(rows * rowHeight)},
		Format:    excelize.GraphicOptions{AltText: clean(c.About), Positioning: "oneCell"},
	}
	out.YAxis.MajorGridLines = true
	if len(c.Series) == 1 {
		out.Legend.Position = "none"
	}
	if c.Kind == sheets.ChartStackedBars {
		over := 100
		out.Overlap, out.XAxis.ReverseOrder = &over, true // the first category on top
		out.Dimension.Width = 1100
	}
	for i, one := range c.Series {
		out.Series = append(out.Series, s.series(c, i, head, one.Color))
	}
	return out
}

// series is one of a chart's, over its column of numbers.
func (s *sheet) series(c *sheets.Chart, i, head int, color string) excelize.ChartSeries {
	fill := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	return excelize.ChartSeries{Name: s.span(i+1, head, head), Fill: fill, Line: excelize.LineOptions{Type: excelize.LineSolid, Width: 2.25, Fill: fill},
		Categories: s.span(0, head+1, head+len(c.Categories)), Values: s.span(i+1, head+1, head+len(c.Categories))}
}

// span is part of a column as a chart refers to it.
func (s *sheet) span(col, from, to int) string {
	letter := strings.TrimRight(cellName(col, 1), "1")
	sheet := "'" + strings.ReplaceAll(s.name, "'", "''") + "'!"
	if from == to {
		return fmt.Sprintf("%s$%s$%d", sheet, letter, from)
	}
	return fmt.Sprintf("%s$%s$%d:$%s$%d", sheet, letter, from, letter, to)
}
