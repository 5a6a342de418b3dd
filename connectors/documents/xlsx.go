package documents

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseXLSX reads a workbook's properties; its sheets are its headings.
func parseXLSX(ctx context.Context, b []byte, d *content) error {
	w, err := openWorkbook(ctx, b)
	if err != nil {
		return err
	}
	for _, s := range w.sheets {
		d.headings = append(d.headings, s.name)
	}
	return w.office.properties(ctx, d)
}

// decodeXLSX reads the sheets of a workbook; names says which, none means all.
func decodeXLSX(ctx context.Context, b []byte, names []string) ([]table, error) {
	w, err := openWorkbook(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if !slices.ContainsFunc(w.sheets, func(s sheet) bool { return s.name == n }) {
			return nil, fmt.Errorf("no sheet is called %s", printable(n))
		}
	}
	if err := w.readShared(ctx); err != nil {
		return nil, err
	}
	var out []table
	for _, s := range w.sheets {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		t, err := w.table(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("sheet %s: %w", printable(s.name), err)
		}
		out = append(out, t)
	}
	return out, nil
}

// workbook is an Excel file.
type workbook struct {
	office  *office
	sheets  []sheet
	rels    map[string]relation
	from    int      // 0 if days are counted from 1900, 1462 if from 1904
	strings []string // shared by the cells
	dates   []bool   // by style: a number is a date
}

// sheet is one sheet of a workbook, hidden ones included.
type sheet struct{ name, part string }

func openWorkbook(ctx context.Context, b []byte) (*workbook, error) {
	o, err := openOffice(b)
	if err != nil {
		return nil, err
	}
	w := &workbook{office: o}
	main, err := o.main(ctx)
	if err != nil {
		return nil, err
	}
	if w.rels, err = o.relations(ctx, main); err != nil {
		return nil, err
	}
	book, err := o.part(main)
	if err != nil {
		return nil, err
	}
	err = eachElement(ctx, book, func(e element) error {
		switch {
		case e.end:
		case e.name == "workbookPr" && (e.attr("date1904") == "1" || e.attr("date1904") == "true"):
			w.from = 1462
		case e.name == "sheet":
			r := w.rels[e.attr("id")]
			if r.kind == "worksheet" { // a chart sheet holds no rows
				w.sheets = append(w.sheets, sheet{name: e.attr("name"), part: r.target})
			}
		}
		return nil
	})
	if err == nil && len(w.sheets) == 0 {
		err = errors.New("damaged: it has no sheet")
	}
	return w, err
}

// readShared reads what the sheets share: texts and number formats.
func (w *workbook) readShared(ctx context.Context) error {
	for _, r := range w.rels {
		var err error
		switch r.kind {
		case "sharedStrings":
			err = w.readStrings(ctx, r.target)
		case "styles":
			err = w.readStyles(ctx, r.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *workbook) readStrings(ctx context.Context, part string) error {
	b, err := w.office.part(part)
	if err != nil {
		return err
	}
	var text strings.Builder
	return eachElement(ctx, b, func(e element) error {
		switch {
		case e.name == "si" && e.end:
			w.strings = append(w.strings, text.String())
			text.Reset()
		case e.name == "t" && e.end && !e.within("rPh"): // not the pronunciation
			text.Write(e.text)
		}
		return nil
	})
}

func (w *workbook) readStyles(ctx context.Context, part string) error {
	b, err := w.office.part(part)
	if err != nil {
		return err
	}
	formats := map[string]string{}
	return eachElement(ctx, b, func(e element) error {
		switch {
		case e.end:
		case e.name == "numFmt":
			formats[e.attr("numFmtId")] = e.attr("formatCode")
		case e.name == "xf" && e.within("cellXfs"):
			id := e.attr("numFmtId")
			w.dates = append(w.dates, isDateFormat(id, formats[id]))
		}
		return nil
	})
}

// isDateFormat reports whether numbers in a format are dates: a format that
// comes with the program, or one whose code shows days or years.
func isDateFormat(id, code string) bool {
	if code == "" {
		n, err := strconv.Atoi(id)
		return err == nil && (n >= 14 && n <= 17 || n == 22 || n >= 27 && n <= 31 || n == 36 || n >= 50 && n <= 54 || n == 57 || n == 58)
	}
	skip := byte(0)
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case skip != 0:
			if c == skip {
				skip = 0
			}
		case c == '"':
			skip = '"'
		case c == '[':
			skip = ']'
		case c == '\\' || c == '_' || c == '*':
			i++
		case c == 'y' || c == 'Y' || c == 'd' || c == 'D':
			return true
		}
	}
	return false
}

// sheetReader reads the rows of one sheet.
type sheetReader struct {
	book   *workbook
	table  table
	column int
	kind   string // of the cell: s, str, inlineStr, b, e, d, n or empty
	style  int
	value  string
	isF    bool
	inline strings.Builder
	merges []string
}

func (w *workbook) table(ctx context.Context, s sheet) (table, error) {
	b, err := w.office.part(s.part)
	if err != nil {
		return table{}, err
	}
	if b == nil {
		return table{}, errors.New("damaged: its part is not there")
	}
	r := &sheetReader{book: w, table: table{name: s.name}}
	if err := eachElement(ctx, b, r.element); err != nil {
		return table{}, err
	}
	return r.table, r.merged()
}

func (r *sheetReader) element(e element) error {
	switch {
	case e.name == "row" && !e.end:
		return r.row(e)
	case e.name == "c" && !e.end:
		return r.cell(e)
	case e.name == "c":
		return r.endCell()
	case e.name == "v" && e.end:
		r.value = string(e.text)
	case e.name == "f" && e.end:
		r.isF = true
	case e.name == "t" && e.end && e.within("is") && !e.within("rPh"):
		r.inline.Write(e.text)
	case e.name == "mergeCell" && !e.end:
		r.merges = append(r.merges, e.attr("ref"))
	}
	return nil
}

func (r *sheetReader) row(e element) error {
	number := 1
	if n := len(r.table.rows); n > 0 {
		number = r.table.rows[n-1].number + 1
	}
	if n, err := strconv.Atoi(e.attr("r")); err == nil {
		if n < number {
			return errors.New("damaged: its rows are out of order")
		}
		number = n
	}
	if len(r.table.rows) == maxRows {
		return fmt.Errorf("%w: more than %d rows", errTooLarge, maxRows)
	}
	r.table.rows = append(r.table.rows, row{number: number})
	r.column = 0
	return nil
}

func (r *sheetReader) cell(e element) error {
	if ref := e.attr("r"); ref != "" {
		c, _, ok := parseRef(ref)
		if !ok || c < r.column {
			return errors.New("damaged: its cells are out of order")
		}
		r.column = c
	}
	if r.column >= maxColumns {
		return fmt.Errorf("%w: more than %d columns", errTooLarge, maxColumns)
	}
	r.kind, r.value, r.isF = e.attr("t"), "", false
	r.inline.Reset()
	r.style, _ = strconv.Atoi(e.attr("s"))
	return nil
}

func (r *sheetReader) endCell() error {
	n := len(r.table.rows)
	if n == 0 {
		return errors.New("damaged: a cell outside a row")
	}
	at := &r.table.rows[n-1]
	for len(at.cells) < r.column {
		at.cells = append(at.cells, cell{})
	}
	c := r.content()
	c.text = strings.TrimSpace(c.text)
	at.cells = append(at.cells, c)
	r.column++
	return nil
}

// content is what a person sees in the cell, dates as dates. A formula is what
// it last came to.
func (r *sheetReader) content() cell {
	switch {
	case r.kind == "inlineStr":
		return cell{text: r.inline.String()}
	case r.isF && r.value == "" && r.kind != "str":
		return cell{bad: "a formula whose result was not saved; open the file in a spreadsheet program and save it"}
	case r.kind == "e":
		return cell{bad: "an error value (" + printable(r.value) + ")"}
	case r.kind == "s":
		i, err := strconv.Atoi(r.value)
		if err != nil || i < 0 || i >= len(r.book.strings) {
			return cell{bad: "a text that is not in the file"}
		}
		return cell{text: r.book.strings[i]}
	case r.kind == "b":
		return cell{text: strconv.FormatBool(r.value == "1" || r.value == "true")}
	case r.kind == "d":
		return cell{text: strings.TrimSuffix(r.value, "T00:00:00")}
	case r.kind == "str" || r.value == "":
		return cell{text: r.value}
	}
	f, err := strconv.ParseFloat(r.value, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return cell{bad: "a number that is none"}
	}
	if r.style >= 0 && r.style < len(r.book.dates) && r.book.dates[r.style] {
		return dateCell(f + float64(r.book.from))
	}
	return cell{text: strconv.FormatFloat(f, 'f', -1, 64)}
}

// dateCell is the day, or the second in UTC, that a count of days since 1899
// stands for. Counts before March 1900 mean different days in different programs.
func dateCell(days float64) cell {
	if days < 61 || days >= 2958466 {
		return cell{bad: "a date before March 1900 or after 9999"}
	}
	at := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(days))
	at = at.Add(time.Duration(math.Round((days-math.Floor(days))*86400)) * time.Second)
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return cell{text: at.Format(time.DateOnly)}
	}
	return cell{text: at.Format(time.RFC3339)}
}

// merged marks the cells that belong to a merged one above them: what it says
// may be meant for them too, which nobody can tell.
func (r *sheetReader) merged() error {
	marked := 0
	for _, ref := range r.merges {
		from, to, ok := strings.Cut(ref, ":")
		c1, r1, ok1 := parseRef(from)
		c2, r2, ok2 := parseRef(to)
		if !ok || !ok1 || !ok2 {
			return errors.New("damaged: a merged cell that is none")
		}
		for i := range r.table.rows {
			at := &r.table.rows[i]
			if at.number <= r1 || at.number > r2 || at.empty() {
				continue
			}
			for c := c1; c <= c2 && c < maxColumns; c++ {
				for len(at.cells) <= c {
					at.cells = append(at.cells, cell{})
				}
				at.cells[c] = cell{bad: "part of a merged cell"}
				if marked++; marked > maxRows*10 {
					return fmt.Errorf("%w: too many merged cells", errTooLarge)
				}
			}
		}
	}
	return nil
}

// parseRef reads a cell's name: column from 0, row from 1.
func parseRef(s string) (column, row int, ok bool) {
	i := 0
	for ; i < len(s) && s[i] >= 'A' && s[i] <= 'Z' && i < 3; i++ {
		column = column*26 + int(s[i]-'A') + 1
	}
	row, err := strconv.Atoi(s[i:])
	return column - 1, row, i > 0 && err == nil && row > 0
}
