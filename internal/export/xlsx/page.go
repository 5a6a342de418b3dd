package xlsx

import (
	"fmt"

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
	if b.Breaks {
		if err := s.stream.InsertPageBreak(cellName(0, s.row+1)); err != nil { // below the empty row before a section
			return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
		}
	}
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
	return s.endHeight(lineHeight(lines(v, width*1.08)))
}
