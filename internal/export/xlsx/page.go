package xlsx

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// page writes the blocks of a page of text.
func (s *sheet) page(blocks []sheets.Block) error {
	for _, b := range blocks {
		if err := s.block(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *sheet) block(b sheets.Block) error {
	st := s.b.st
	switch b.Kind {
	case sheets.BlockTitle:
		s.styled(b.Text, st.title)
		return s.endHeight(34)
	case sheets.BlockNote:
		return s.wide(b.Text, st.note)
	case sheets.BlockSection:
		return s.section(b.Text)
	case sheets.BlockParagraph:
		return s.wide(b.Text, st.text)
	case sheets.BlockFact:
		if err := s.named(b.Name); err != nil {
			return err
		}
		s.styled(b.Key, st.key)
		return s.wide(b.Text, st.text)
	case sheets.BlockStatus:
		s.styled(string(b.Status), st.status[b.Status])
		if b.Key != "" {
			s.styled(b.Key, st.text)
		}
		return s.wide(b.Text, st.text)
	case sheets.BlockLink:
		style := st.text
		if s.links.internal(s.ref(), b.Key, "A1") {
			style = st.link
		}
		s.styled(b.Key, style)
		return s.wide(b.Text, st.text)
	case sheets.BlockChart:
		return s.chart(b.Chart)
	}
	return fmt.Errorf("workbook: sheet %s: a block of kind %d", s.name, b.Kind)
}

// named gives the value of the row being written a name.
func (s *sheet) named(name string) error {
	if name == "" {
		return nil
	}
	err := s.b.file.SetDefinedName(&excelize.DefinedName{Name: name, RefersTo: fmt.Sprintf("'%s'!$B$%d", s.name, s.row)})
	if err != nil {
		return fmt.Errorf("workbook: name %s: %w", name, err)
	}
	return nil
}

// section begins a part of a page.
func (s *sheet) section(title string) error {
	s.row++
	for i := range s.Columns {
		v := ""
		if i == 0 {
			v = title
		}
		s.styled(v, s.b.st.section)
	}
	return s.endHeight(22)
}

// wide writes a text over the rest of the row and ends it.
func (s *sheet) wide(v string, style int) error {
	width := 0.0
	for _, c := range s.Columns[s.at:] {
		width += c.Width
	}
	from, first := s.ref(), s.at
	v = fit(clean(v), s.pointer())
	s.put(v, style)
	for s.at < len(s.Columns) {
		s.put("", style)
	}
	if first < len(s.Columns)-1 {
		if err := s.stream.MergeCell(from, cellName(len(s.Columns)-1, s.row)); err != nil {
			return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
		}
	}
	return s.endHeight(lineHeight(lines(v, width*1.2)))
}

// chartRows is how many rows a chart lies over.
const chartRows = 18

// chart writes a chart's numbers as a table, and the chart below.
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
	s.styled(c.Category, s.b.st.header)
	for _, one := range c.Series {
		s.styled(one.Name, s.b.st.header)
	}
	if err := s.endHeight(0); err != nil {
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
	if err := s.b.file.AddChart(s.name, cellName(0, s.row+1), s.drawn(c, head)); err != nil {
		return fmt.Errorf("workbook: sheet %s: chart %q: %w", s.name, c.Title, err)
	}
	s.row += chartRows + 1
	return nil
}

// drawn is a chart over the numbers that begin below row head.
func (s *sheet) drawn(c *sheets.Chart, head int) *excelize.Chart {
	kinds := map[sheets.ChartKind]excelize.ChartType{sheets.ChartStackedBars: excelize.BarStacked, sheets.ChartColumns: excelize.Col, sheets.ChartLines: excelize.Line}
	quoted := "'" + strings.ReplaceAll(s.name, "'", "''") + "'!"
	span := func(col int) string {
		letter := strings.TrimRight(cellName(col, 1), "1")
		return fmt.Sprintf("%s$%s$%d:$%s$%d", quoted, letter, head+1, letter, max(head+len(c.Categories), head+1))
	}
	out := &excelize.Chart{
		Type: kinds[c.Kind], Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.Title}}}, Legend: excelize.ChartLegend{Position: "bottom"},
		Dimension: excelize.ChartDimension{Width: 900, Height: chartRows*20 - 20},
		Format:    excelize.GraphicOptions{AltText: clean(c.About), Positioning: "oneCell"},
	}
	if c.Kind == sheets.ChartStackedBars {
		out.YAxis.ReverseOrder, out.XAxis.ReverseOrder = false, true // first category on top
	}
	edge := func(color string) excelize.LineOptions {
		if c.Kind == sheets.ChartLines {
			return excelize.LineOptions{Width: 2.25, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}}
		}
		return excelize.LineOptions{Width: 0.5, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"4A525A"}}}
	}
	for i, one := range c.Series {
		letter := strings.TrimRight(cellName(i+1, 1), "1")
		out.Series = append(out.Series, excelize.ChartSeries{
			Name: fmt.Sprintf("%s$%s$%d", quoted, letter, head), Categories: span(0), Values: span(i + 1),
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{one.Color}},
			Line: edge(one.Color),
		})
	}
	return out
}
