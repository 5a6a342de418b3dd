package xlsx

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// maxRows is how many rows a sheet can hold, its header included.
const maxRows = 1 << 20

// sheet is one sheet being written, a row at a time: cells in the order of the
// columns, then end.
type sheet struct {
	sheets.Layout
	plain  bool // no header, no filter: a page of text
	b      *book
	name   string // as in the workbook; a continuation has another than layout
	id     int
	number int // in the order of making
	stream *excelize.StreamWriter
	cells  []excelize.Cell
	values []any
	at     int // column of the next cell, from 0
	deep   int // lines that the deepest cell of this row needs
	row    int // row being written, from 1
	links  links
	err    error // of a cell of this row
	where  string
	after  *sheet // the sheet that goes on where this one was full
}

// newSheet makes a sheet that was announced to the book.
func (b *book) newSheet(l sheets.Layout, name string, plain bool) (*sheet, error) {
	s := &sheet{Layout: l, plain: plain, b: b, name: name, row: 1}
	if _, err := b.file.NewSheet(name); err != nil {
		return nil, fmt.Errorf("workbook: sheet %s: %w", name, err)
	}
	for id, n := range b.file.GetSheetMap() {
		if n == name {
			s.id = id
		}
	}
	if err := b.pageSetup(s); err != nil {
		return nil, fmt.Errorf("workbook: sheet %s: %w", name, err)
	}
	var err error
	if s.stream, err = b.file.NewStreamWriter(name); err != nil {
		return nil, fmt.Errorf("workbook: sheet %s: %w", name, err)
	}
	for i, c := range l.Columns {
		if err := s.stream.SetColWidth(i+1, i+1, c.Width); err != nil {
			return nil, fmt.Errorf("workbook: sheet %s: %w", name, err)
		}
	}
	s.cells = make([]excelize.Cell, len(l.Columns))
	s.values = make([]any, len(l.Columns))
	s.number = len(b.sheets)
	b.sheets = append(b.sheets, s)
	if plain {
		return s, nil
	}
	panes := &excelize.Panes{Freeze: true, YSplit: 1, XSplit: l.Frozen, TopLeftCell: cellName(l.Frozen, 2), ActivePane: "bottomLeft"}
	if l.Frozen > 0 {
		panes.ActivePane = "bottomRight"
	}
	if err := s.stream.SetPanes(panes); err != nil {
		return nil, fmt.Errorf("workbook: sheet %s: %w", name, err)
	}
	for _, c := range l.Columns {
		s.styled(c.Title, b.st.header)
	}
	return s, s.endHeight(32)
}

// printed is how many characters a printed page holds beside each other before
// they are too small to read: on A3, and on A4.
const (
	printedLarge = 320
	printed      = 220
)

// pagesWide is how many pages a sheet takes side by side.
func pagesWide(l sheets.Layout) int {
	width, page := 0.0, printed
	for _, c := range l.Columns {
		width += c.Width
	}
	if l.Large {
		page = printedLarge
	}
	return max(1, int(math.Ceil(width/float64(page))))
}

// pageSetup makes a sheet print on pages, as few side by side as can be read,
// with its name, the organisation and page numbers.
func (b *book) pageSetup(s *sheet) error {
	fit, paper := !s.Upright, 9
	if s.Large {
		paper = 8
	}
	if err := b.file.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit, TabColorRGB: &s.Tab}); err != nil {
		return err
	}
	if err := b.file.SetPageLayout(s.name, pages(s.Layout, paper)); err != nil {
		return err
	}
	margin, edge, head := 0.4, 0.7, 0.3
	if err := b.file.SetPageMargins(s.name, &excelize.PageLayoutMarginsOptions{
		Left: &margin, Right: &margin, Top: &edge, Bottom: &edge, Header: &head, Footer: &head}); err != nil {
		return err
	}
	grid := false
	if err := b.file.SetSheetView(s.name, 0, &excelize.ViewOptions{ShowGridLines: &grid}); err != nil {
		return err
	}
	org := strings.ReplaceAll(clean(b.snap.Organisation), "&", "&&")
	if r := []rune(org); len(r) > 60 {
		org = string(r[:60])
	}
	return b.file.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{
		OddHeader: "&L&8 " + org + "&C&8&A&R&8as of " + b.asOf,
		OddFooter: "&L&8snapshot " + b.Digests.Snapshot.String()[:16] + "&R&8page &P of &N",
	})
}

// uprightScale is the percentage at which an upright sheet is printed: a table
// with its chart beside it is as wide as a page of A3. Programs that fit a sheet
// to a page ignore where pages are to begin.
const uprightScale = 72

// pages says how a sheet lies on paper.
func pages(l sheets.Layout, paper int) *excelize.PageLayoutOptions {
	orientation, tall, wide, scale := "landscape", 0, pagesWide(l), uint(uprightScale)
	if l.Upright {
		orientation = "portrait"
		return &excelize.PageLayoutOptions{Orientation: &orientation, AdjustTo: &scale, Size: &paper}
	}
	return &excelize.PageLayoutOptions{Orientation: &orientation, FitToHeight: &tall, FitToWidth: &wide, Size: &paper}
}

// cellName is the reference of a cell: column from 0, row from 1.
func cellName(col, row int) string {
	var b [12]byte
	i := len(b)
	for n := col + 1; n > 0; n = (n - 1) / 26 {
		i--
		b[i] = byte('A' + (n-1)%26)
	}
	return string(strconv.AppendInt(append([]byte(nil), b[i:]...), int64(row), 10))
}

// ref is the reference of the next cell.
func (s *sheet) ref() string { return cellName(s.at, s.row) }

func (s *sheet) put(v any, style int) {
	if s.at >= len(s.cells) {
		s.err = fmt.Errorf("workbook: sheet %s, row %d: more cells than columns", s.name, s.row)
		return
	}
	c := &s.cells[s.at]
	c.Value, c.StyleID = v, style
	s.values[s.at] = c
	s.at++
}

// styled writes a text in a style.
func (s *sheet) styled(v string, style int) {
	if v != "" {
		v = fit(clean(v), s.pointer())
		if !s.Flat && s.at < len(s.Columns) {
			width := s.Columns[s.at].Width
			if style == s.b.st.code {
				width *= codeWidth
			}
			s.deep = max(s.deep, lines(v, width))
		}
	}
	s.put(v, style)
}

func (s *sheet) pointer() string {
	if s.where == "" {
		return "the bundle's assessment.json"
	}
	return s.where
}

// maxLines is how many lines of a deep cell a row shows; the cell has them all.
const maxLines = 14

// end writes the row, as high as its deepest cell needs. Programs that open
// the file do not agree on whether they would do that themselves.
func (s *sheet) end() error {
	if s.deep <= 1 {
		return s.endHeight(0)
	}
	return s.endHeight(lineHeight(min(s.deep, maxLines)))
}

func lineHeight(lines int) float64 { return float64(lines)*13 + 3 }

func (s *sheet) endHeight(points float64) error {
	if s.err != nil {
		return s.err
	}
	if !s.plain && s.at != len(s.cells) {
		return fmt.Errorf("workbook: sheet %s, row %d: %d cells for %d columns", s.name, s.row, s.at, len(s.cells))
	}
	if s.row > maxRows {
		return fmt.Errorf("workbook: sheet %s: more than %d rows", s.name, maxRows)
	}
	var opts []excelize.RowOpts
	if points > 0 {
		opts = []excelize.RowOpts{{Height: points}}
	}
	if err := s.stream.SetRow("A"+strconv.Itoa(s.row), s.values[:s.at], opts...); err != nil {
		return fmt.Errorf("workbook: sheet %s, row %d: %w", s.name, s.row, err)
	}
	s.row++
	s.b.cells += s.at
	s.at, s.deep = 0, 0
	return nil
}

// codeWidth is how many letters of a text have room where one of a digest has.
const codeWidth = 0.84

// lines estimates how many lines a text takes in a column of the given width: a
// word, or a part of one that ends in a hyphen, that does not fit beside those before
// it begins a line, and one that is longer than a line takes several.
func lines(s string, width float64) int {
	room := max(1, int(width/0.84))
	if len(s) <= room && !strings.Contains(s, "\n") {
		return 1
	}
	n, used, word := 1, 0, 0 // lines, signs of the last one, and of the word that follows
	place := func() {
		if used > 0 && used+word > room {
			n, used = n+1, 0
		}
		if over := (word - 1) / room; word > room {
			n, word = n+over, word-over*room
		}
		used, word = used+word, 0
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b == '\n':
			place()
			n, used = n+1, 0
		case b == ' ':
			place()
			used++
		case b == '-':
			word++
			place()
		case b&0xc0 != 0x80: // the first byte of a sign
			word++
		}
	}
	place()
	return n
}

// room returns the sheet that takes the next row: s, or its continuation if s
// is full.
func (s *sheet) room() (*sheet, error) {
	if s.row <= s.b.maxRows {
		return s, nil
	}
	n := 2
	if i := strings.LastIndex(s.name, " ("); i > 0 {
		last, err := strconv.Atoi(strings.TrimSuffix(s.name[i+2:], ")"))
		if err == nil {
			n = last + 1
		}
	}
	next, err := s.b.newSheet(s.Layout, fmt.Sprintf("%s (%d)", s.Name, n), false)
	if err != nil {
		return nil, err
	}
	s.after = next
	return next, nil
}

// finish puts table and links into the sheet and ends its stream. Sheets are
// in their final order by now.
func (s *sheet) finish() error {
	s.links.resolve(s.b)
	if !s.plain {
		quoted := "'" + strings.ReplaceAll(s.name, "'", "''") + "'"
		titles := quoted + "!$1:$1"
		if s.Frozen > 0 && pagesWide(s.Layout) > 1 {
			titles = quoted + "!$A:$" + strings.TrimRight(cellName(s.Frozen-1, 1), "1") + "," + titles
		}
		if err := s.b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: titles, Scope: s.name}); err != nil {
			return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
		}
		end := cellName(len(s.Columns)-1, max(s.row-1, 2))
		if s.Flat { // a text that does not wrap runs on beyond the last column, and would make every page as wide
			if err := s.b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", RefersTo: quoted + "!" + absolute("A1") + ":" + absolute(end), Scope: s.name}); err != nil {
				return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
			}
		}
		stripes := false
		if err := s.stream.AddTable(&excelize.Table{Range: "A1:" + end, Name: tableName(s.name),
			ShowRowStripes: &stripes}); err != nil {
			return fmt.Errorf("workbook: sheet %s: table: %w", s.name, err)
		}
	}
	if err := s.links.apply(s.b.file, s.name, fmt.Sprintf("xl/worksheets/sheet%d.xml", s.id)); err != nil {
		return err
	}
	if err := s.stream.Flush(); err != nil {
		return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
	}
	return nil
}

// absolute is the reference of a cell as names hold it: $A$1.
func absolute(cell string) string {
	row := strings.IndexAny(cell, "0123456789")
	return "$" + cell[:row] + "$" + cell[row:]
}

// tableName is the name under which formulas of a reader find a sheet's rows:
// ControlStatus, Results, Results_2.
func tableName(sheet string) string {
	sheet = strings.ReplaceAll(strings.ReplaceAll(sheet, " (", "_"), ")", "")
	words := strings.Fields(sheet)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}
