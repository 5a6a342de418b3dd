package documents

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// parseDOCX reads a Word document's properties and headings.
func parseDOCX(ctx context.Context, b []byte, d *content) error {
	w, err := openWord(ctx, b)
	if err != nil {
		return err
	}
	if err := w.office.properties(ctx, d); err != nil {
		return err
	}
	if err := w.read(ctx); err != nil {
		return err
	}
	d.headings = w.headings
	if d.fields["title"] == "" {
		d.set("title", w.title)
	}
	d.err = unfilled(nil, []byte(strings.Join(w.paragraphs, "\n")))
	return nil
}

// docxTables reads the tables of a Word document.
func docxTables(ctx context.Context, b []byte) ([]table, error) {
	w, err := openWord(ctx, b)
	if err != nil {
		return nil, err
	}
	err = w.read(ctx)
	return w.tables, err
}

// word reads the body of a Word document.
type word struct {
	office *office
	main   string
	levels map[string]int // outline level by style, 1 to 9; 0 for the title

	title      string
	headings   []string
	paragraphs []string
	tables     []table

	open   []*paragraph
	inside []*tableState
}

// paragraph is one that is being read.
type paragraph struct {
	style   string
	outline int // as the paragraph itself says; -1 if it does not
	text    strings.Builder
}

// tableState is a table that is being read.
type tableState struct {
	table table
	cell  strings.Builder
	span  int
	bad   string
}

func openWord(ctx context.Context, b []byte) (*word, error) {
	o, err := openOffice(b)
	if err != nil {
		return nil, err
	}
	w := &word{office: o}
	if w.main, err = o.main(ctx); err != nil {
		return nil, err
	}
	rels, err := o.relations(ctx, w.main)
	if err != nil {
		return nil, err
	}
	for _, r := range rels {
		if r.kind == "styles" {
			w.levels, err = o.styleLevels(ctx, r.target)
		}
	}
	return w, err
}

// styleLevels returns the outline level of each style: by its built-in name,
// by its own outline level, or by the style that it builds on.
func (o *office) styleLevels(ctx context.Context, part string) (map[string]int, error) {
	b, err := o.part(part)
	if err != nil {
		return nil, err
	}
	levels, parents := map[string]int{}, map[string]string{}
	style := ""
	err = eachElement(ctx, b, func(e element) error {
		if e.end || !isWord(e) {
			return nil
		}
		switch val := e.attr("val"); e.name {
		case "style":
			style = e.attr("styleId")
		case "basedOn":
			parents[style] = val
		case "name":
			if n, ok := strings.CutPrefix(strings.ToLower(val), "heading "); ok {
				if l, err := strconv.Atoi(n); err == nil && l >= 1 && l <= 9 {
					levels[style] = l
				}
			} else if strings.EqualFold(val, "title") {
				levels[style] = 0
			}
		case "outlineLvl":
			if l, err := strconv.Atoi(val); err == nil && l >= 0 && l < 9 && style != "" {
				levels[style] = l + 1
			}
		}
		return nil
	})
	for s := range parents {
		at := s
		for range 20 { // a chain may be a ring
			if _, ok := levels[at]; ok || at == "" {
				break
			}
			at = parents[at]
		}
		if l, ok := levels[at]; ok {
			levels[s] = l
		}
	}
	return levels, err
}

// isWord reports whether an element belongs to the text, not to a drawing.
func isWord(e element) bool { return strings.Contains(e.space, "wordprocessingml") }

// read goes over the body. What was deleted with tracked changes, and what
// stands in for programs that are too old, is left out.
func (w *word) read(ctx context.Context) error {
	b, err := w.office.part(w.main)
	if err != nil {
		return err
	}
	return eachElement(ctx, b, func(e element) error {
		if e.within("Fallback") || e.within("moveFrom") || !isWord(e) {
			return nil
		}
		switch {
		case e.name == "p" && !e.end:
			w.open = append(w.open, &paragraph{outline: -1})
		case e.name == "p":
			w.endParagraph()
		case e.end:
			w.end(e)
		default:
			w.start(e)
		}
		return nil
	})
}

func (w *word) start(e element) {
	if e.name == "tbl" {
		w.inside = append(w.inside, &tableState{table: table{name: "table " + strconv.Itoa(len(w.tables)+len(w.inside)+1)}})
		return
	}
	if n := len(w.inside); n > 0 {
		w.inside[n-1].start(e)
	}
	if len(w.open) == 0 {
		return
	}
	p := w.open[len(w.open)-1]
	switch e.name {
	case "pStyle":
		p.style = e.attr("val")
	case "outlineLvl":
		if l, err := strconv.Atoi(e.attr("val")); err == nil && l >= 0 && l < 9 {
			p.outline = l + 1
		}
	case "tab", "br", "cr":
		if !e.within("pPr") {
			p.text.WriteByte(' ')
		}
	}
}

func (t *tableState) start(e element) {
	switch e.name {
	case "tr":
		t.table.rows = append(t.table.rows, row{number: len(t.table.rows) + 1})
	case "tc":
		t.cell.Reset()
		t.span, t.bad = 1, ""
	case "gridSpan":
		if n, err := strconv.Atoi(e.attr("val")); err == nil && n > 1 && n <= 100 {
			t.span = n
		}
	case "vMerge":
		if e.attr("val") != "restart" {
			t.bad = "part of a merged cell"
		}
	}
}

func (w *word) end(e element) {
	switch e.name {
	case "t":
		if n := len(w.open); n > 0 {
			w.open[n-1].text.Write(e.text)
		}
	case "tc":
		if n := len(w.inside); n > 0 {
			w.inside[n-1].endCell()
		}
	case "tbl":
		if n := len(w.inside); n > 0 {
			w.tables = append(w.tables, w.inside[n-1].table)
			w.inside = w.inside[:n-1]
		}
	}
}

func (t *tableState) endCell() {
	n := len(t.table.rows)
	if n == 0 || n > maxRows || len(t.table.rows[n-1].cells) > maxColumns {
		return
	}
	r := &t.table.rows[n-1]
	r.cells = append(r.cells, cell{text: strings.TrimSpace(t.cell.String()), bad: t.bad})
	r.cells = append(r.cells, slices.Repeat([]cell{{}}, t.span-1)...)
}

func (w *word) endParagraph() {
	n := len(w.open)
	if n == 0 {
		return
	}
	p := w.open[n-1]
	w.open = w.open[:n-1]
	text := strings.TrimSpace(p.text.String())
	if text == "" {
		return
	}
	if n := len(w.inside); n > 0 {
		if w.inside[n-1].cell.Len() > 0 {
			w.inside[n-1].cell.WriteByte('\n')
		}
		w.inside[n-1].cell.WriteString(text)
	}
	w.paragraphs = append(w.paragraphs, text)
	level, styled := w.levels[p.style]
	switch {
	case p.outline > 0, styled && level > 0 && p.outline != 0:
		w.headings = append(w.headings, text)
	case styled && level == 0 && w.title == "":
		w.title = text
	}
}
