package html

import (
	"bufio"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/export/plain"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// pageWriter writes the blocks of a page. Facts, statuses and links that follow
// one another are one list.
type pageWriter struct {
	w      *bufio.Writer
	id     string
	list   sheets.BlockKind
	end    string // of the list that is open
	charts int
}

func writePage(w *bufio.Writer, id string, blocks []sheets.Block) error {
	p := &pageWriter{w: w, id: id}
	for _, b := range blocks {
		if err := p.block(b); err != nil {
			return err
		}
	}
	p.close()
	return nil
}

// open begins a list of a kind, unless one is open.
func (p *pageWriter) open(kind sheets.BlockKind, begin, end string) {
	if p.end != "" && p.list == kind {
		return
	}
	p.close()
	write(p.w, begin, "\n")
	p.list, p.end = kind, end
}

func (p *pageWriter) close() {
	if p.end != "" {
		write(p.w, p.end, "\n")
	}
	p.end = ""
}

func (p *pageWriter) block(b sheets.Block) error {
	text := esc(cut(b.Text, ""))
	switch b.Kind {
	case sheets.BlockTitle: // the section has a title already
	case sheets.BlockNote:
		if b.Text == kindText {
			return nil // the header says it
		}
		p.close()
		write(p.w, "<p class=\"note\">", text, "</p>\n")
	case sheets.BlockSection:
		p.close()
		write(p.w, "<h3>", text, "</h3>\n")
	case sheets.BlockParagraph:
		p.close()
		write(p.w, "<p>", text, "</p>\n")
	case sheets.BlockFact:
		p.open(b.Kind, "<dl>", "</dl>")
		name := ""
		if b.Name != "" {
			name = ` id="v-` + plain.Field(p.id+" "+b.Name) + `"`
		}
		write(p.w, "<div><dt>", esc(b.Key), "</dt><dd", name, ">", text, "</dd></div>\n")
	case sheets.BlockStatus:
		p.open(b.Kind, "<dl class=\"legend\">", "</dl>")
		count := ""
		if b.Key != "" {
			count = " <span class=\"count\">" + esc(b.Key) + "</span>"
		}
		write(p.w, "<div><dt>", pill(string(b.Status), b.Status), count, "</dt><dd>", text, "</dd></div>\n")
	case sheets.BlockLink:
		p.open(b.Kind, "<ul class=\"links\">", "</ul>")
		write(p.w, "<li><a href=\"#s-", plain.Field(b.Key), "\">", esc(b.Key), "</a> ", text, "</li>\n")
	case sheets.BlockChart:
		p.close()
		p.charts++
		return writeChart(p.w, fmt.Sprintf("%s-chart-%d", p.id, p.charts), b.Chart)
	default:
		return fmt.Errorf("a block of kind %d", b.Kind)
	}
	return nil
}
