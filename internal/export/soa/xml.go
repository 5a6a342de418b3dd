package soa

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

// Colours, RRGGBB. A colour never stands alone: the word is always there.
const (
	ink   = "1F2933"
	faint = "5F666D"
	alarm = "9B2C14"
	rule  = "B9C0C7"
	head  = "26364A"
	band  = "E8ECF0"
	pale  = "FBE9E4"
)

// look is how a run of text looks.
type look struct {
	bold, italic bool
	size         int // half points; 0: as the style says
	color        string
}

// builder writes the body of the document.
type builder struct{ bytes.Buffer }

// text writes s as one run. Line breaks stay; what would steer or hide is
// written out.
func (b *builder) text(s string, l look) {
	b.WriteString("<w:r>")
	if l != (look{}) {
		b.WriteString("<w:rPr>")
		if l.bold {
			b.WriteString("<w:b/>")
		}
		if l.italic {
			b.WriteString("<w:i/>")
		}
		if l.color != "" {
			fmt.Fprintf(b, `<w:color w:val="%s"/>`, l.color)
		}
		if l.size > 0 {
			fmt.Fprintf(b, `<w:sz w:val="%d"/><w:szCs w:val="%d"/>`, l.size, l.size)
		}
		b.WriteString("</w:rPr>")
	}
	for i, line := range strings.Split(cell.Show(s), "\n") {
		if i > 0 {
			b.WriteString("<w:br/>")
		}
		b.WriteString(`<w:t xml:space="preserve">`)
		b.escape(line)
		b.WriteString("</w:t>")
	}
	b.WriteString("</w:r>")
}

// escape writes characters that are no markup. A buffer takes all of them.
func (b *builder) escape(s string) { _ = xml.EscapeText(b, []byte(s)) }

// para writes a paragraph of one run in a style.
func (b *builder) para(style, s string, l look) {
	b.open(style)
	b.text(s, l)
	b.WriteString("</w:p>")
}

func (b *builder) open(style string) {
	fmt.Fprintf(b, `<w:p><w:pPr><w:pStyle w:val="%s"/></w:pPr>`, style)
}

// table begins a table with columns of these widths, in twentieths of a point.
func (b *builder) table(widths []int, borders bool) {
	total := 0
	for _, w := range widths {
		total += w
	}
	style := "Plain"
	if borders {
		style = "Grid"
	}
	fmt.Fprintf(b, `<w:tbl><w:tblPr><w:tblStyle w:val="%s"/><w:tblW w:w="%d" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>`, style, total)
	for _, w := range widths {
		fmt.Fprintf(b, `<w:gridCol w:w="%d"/>`, w)
	}
	b.WriteString("</w:tblGrid>")
}

func (b *builder) endTable() { b.WriteString("</w:tbl>") }

// row begins a row. One that is whole is not broken between pages; a heading
// is repeated on each.
func (b *builder) row(whole, heading bool) {
	b.WriteString("<w:tr>")
	if whole || heading {
		b.WriteString("<w:trPr>")
		if whole {
			b.WriteString("<w:cantSplit/>")
		}
		if heading {
			b.WriteString("<w:tblHeader/>")
		}
		b.WriteString("</w:trPr>")
	}
}

func (b *builder) endRow() { b.WriteString("</w:tr>") }

// box is how a cell looks.
type box struct {
	width int
	span  int    // columns; 0: one
	fill  string // RRGGBB
	style string // of its paragraph
	look
}

// cell writes a cell with one paragraph.
func (b *builder) cell(s string, x box) {
	fmt.Fprintf(b, `<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/>`, x.width)
	if x.span > 1 {
		fmt.Fprintf(b, `<w:gridSpan w:val="%d"/>`, x.span)
	}
	if x.fill != "" {
		fmt.Fprintf(b, `<w:shd w:val="clear" w:color="auto" w:fill="%s"/>`, x.fill)
	}
	b.WriteString("</w:tcPr>")
	if x.style == "" {
		x.style = "Cell"
	}
	b.para(x.style, s, x.look)
	b.WriteString("</w:tc>")
}
