package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// table prints aligned columns. Cells are hostile text: control characters
// never reach the terminal. On a terminal that is too narrow cells take several
// lines; where that is not enough each row is a paragraph. Nothing is left out.
type table struct {
	head []string
	rows [][]string
	tint func(row, col int) string // escape sequence, or empty
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) print(w io.Writer) { t.printIn(w, widthOf(w)) }

// narrowest is how narrow a column of longer words becomes: no status is broken.
const narrowest = 14

// printIn prints for a terminal of some columns; 0 stands for any number.
func (t *table) printIn(w io.Writer, columns int) {
	widths, least := t.widths()
	gap := 2
	if columns > 0 && !fit(widths, least, columns-gap*(len(widths)-1)) {
		gap = 1
		if !fit(widths, least, columns-gap*(len(widths)-1)) {
			t.paragraphs(w, columns)
			return
		}
	}
	t.line(w, -1, t.head, widths, gap)
	for n, row := range t.rows {
		t.line(w, n, row, widths, gap)
	}
}

// widths are those of the longest cells, and how narrow each column may become: the
// first, which names the row, not at all.
func (t *table) widths() (widths, least []int) {
	widths, least = make([]int, len(t.head)), make([]int, len(t.head))
	for n, row := range append([][]string{t.head}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], columnsOf(c))
			for word := range strings.FieldsSeq(c) {
				long := columnsOf(word)
				if n > 0 {
					long = min(long, narrowest)
				}
				least[i] = max(least[i], long)
			}
		}
	}
	if len(least) > 0 {
		least[0] = widths[0]
	}
	return widths, least
}

// fit takes from the widest columns until all of them have room, and reports
// whether they have.
func fit(widths, least []int, room int) bool {
	for {
		sum, widest := 0, -1
		for i, n := range widths {
			sum += n
			if n > least[i] && (widest < 0 || n > widths[widest]) {
				widest = i
			}
		}
		if sum <= room {
			return true
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
}

// line prints a row, whose cells may take several lines.
func (t *table) line(w io.Writer, n int, cells []string, widths []int, gap int) {
	parts, tall := make([][]string, len(cells)), 1
	for i, c := range cells {
		parts[i] = pieces(c, widths[i])
		tall = max(tall, len(parts[i]))
	}
	for at := range tall {
		var b strings.Builder
		for i := range cells {
			c := ""
			if at < len(parts[i]) {
				c = parts[i][at]
			}
			pad := ""
			if i < len(cells)-1 {
				pad = strings.Repeat(" ", widths[i]-columnsOf(c)+gap)
			}
			if esc := t.escape(n, i); esc != "" && c != "" {
				c = esc + c + "\x1b[0m"
			}
			b.WriteString(c + pad)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// pieces breaks a text into lines, at spaces where it can, else where the parts of a
// name meet.
func pieces(s string, width int) []string {
	var out []string
	rest := []rune(s)
	for columnsOf(string(rest)) > width {
		at := breakAt(rest, fitting(rest, width))
		out = append(out, strings.TrimRight(string(rest[:at]), " "))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
	return append(out, string(rest))
}

// columnsOf is how many columns of a terminal a text takes: some signs are as wide
// as two others, and a mark stands on the letter before it.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOfRune(r)
	}
	return n
}

func columnsOfRune(r rune) int {
	if r < unicode.MaxASCII {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// fitting is how many runes of a text fit some columns: one at least, with its marks.
func fitting(text []rune, columns int) int {
	for i, r := range text {
		if columns -= columnsOfRune(r); columns < 0 && i > 0 {
			return i
		}
	}
	return len(text)
}

// breakAt looks for the last place to break a text before width runes of it.
func breakAt(text []rune, width int) int {
	name := width
	for i := min(width, len(text)-1); i > 0; i-- {
		if text[i] == ' ' {
			return i
		}
		if name == width && strings.ContainsRune("-_/.:@", text[i-1]) {
			name = i
		}
	}
	return name
}

// paragraphs prints each row on lines of its own: what names it, and below it every
// other cell that holds something, with the head of its column.
func (t *table) paragraphs(w io.Writer, columns int) {
	const indent = "  "
	for n, row := range t.rows {
		long := 0
		for i, c := range row {
			if i == 0 {
				fmt.Fprintln(w, c)
				continue
			}
			if c == "" {
				continue
			}
			said := strings.ToLower(t.head[i]) + " " + c
			size := columnsOf(said)
			if esc := t.escape(n, i); esc != "" {
				said = strings.ToLower(t.head[i]) + " " + esc + c + "\x1b[0m"
			}
			switch {
			case long > 0 && long+2+size <= columns:
				fmt.Fprint(w, indent+said)
				long += 2 + size
			case 2+size <= columns:
				if long > 0 {
					fmt.Fprintln(w)
				}
				fmt.Fprint(w, indent+said)
				long = 2 + size
			default:
				if long > 0 {
					fmt.Fprintln(w)
				}
				for _, part := range pieces(strings.ToLower(t.head[i])+" "+c, max(columns-2, narrowest)) {
					fmt.Fprintln(w, indent+part)
				}
				long = 0
			}
		}
		if long > 0 {
			fmt.Fprintln(w)
		}
	}
}

func (t *table) escape(row, col int) string {
	if t.tint == nil {
		return ""
	}
	return t.tint(row, col)
}
