package returned

import (
	"context"
	"encoding/xml"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Cell is what a cell holds.
type Cell struct {
	Text    string
	Formula string // the formula, if it has one; Text is what a program made of it last
	Error   bool   // it shows an error
}

// Row is a row of a sheet that has cells.
type Row struct {
	Number int
	Cells  []Cell // by column
}

// Text is the text of a column, from 0.
func (r Row) Text(column int) string { return r.Cell(column).Text }

// Cell is the cell of a column, from 0; an empty one if there is none.
func (r Row) Cell(column int) Cell {
	if column < 0 || column >= len(r.Cells) {
		return Cell{}
	}
	return r.Cells[column]
}

// maxColumns is how many columns are read; a sheet of ours has far fewer.
const maxColumns = 200

// Sheets are the names of the sheets, in order.
func (f *File) Sheets() []string {
	var out []string
	for _, s := range f.sheets {
		out = append(out, s.name)
	}
	return out
}

// Rows calls visit with each row of a sheet that has cells, from top to bottom.
// The row is only valid until visit returns.
func (f *File) Rows(ctx context.Context, sheet string, visit func(Row) error) error {
	part := ""
	for _, s := range f.sheets {
		if s.name == sheet {
			part = s.part
		}
	}
	if part == "" {
		return refuse(saveAgain, "it has no sheet %q", sheet)
	}
	last, n := 0, 0
	var row Row
	return f.elements(part, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "row" {
			return nil
		}
		if n++; n > f.limits.Rows {
			return refuse(saveAgain, "sheet %q has more than %d rows", sheet, f.limits.Rows)
		}
		last++
		if at, err := strconv.Atoi(attr(e, "r")); err == nil && at >= last && at <= 1<<20 {
			last = at
		}
		row.Number, row.Cells = last, row.Cells[:0]
		if err := f.row(d, &row); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(row)
	})
}

// row reads the cells of a row up to its end.
func (f *File) row(d *xml.Decoder, row *Row) error {
	next := 0
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if t.Name.Local != "c" {
				if err := d.Skip(); err != nil {
					return err
				}
				continue
			}
			at := column(attr(t, "r"))
			if at < 0 {
				at = next
			}
			next = at + 1
			c, err := f.cell(d, t)
			if err != nil {
				return err
			}
			if at >= maxColumns {
				continue
			}
			for len(row.Cells) <= at {
				row.Cells = append(row.Cells, Cell{})
			}
			row.Cells[at] = c
		}
	}
}

// column is the number of a reference's column, from 0; -1 if it has none.
func column(ref string) int {
	n := 0
	for i := 0; i < len(ref) && i < 4 && 'A' <= ref[i] && ref[i] <= 'Z'; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n - 1
}

// cell reads a cell up to its end.
func (f *File) cell(d *xml.Decoder, start xml.StartElement) (Cell, error) {
	var c Cell
	kind, value, formula := attr(start, "t"), "", false
	for {
		t, err := d.Token()
		if err != nil {
			return c, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if formula && c.Formula == "" {
				c.Formula = "shared with another cell"
			}
			return c, f.value(&c, kind, value, attr(start, "s"))
		case xml.StartElement:
			var err error
			switch t.Name.Local {
			case "v":
				value, err = f.text(d)
			case "f":
				formula = true
				c.Formula, err = f.text(d)
			case "is":
				value, err = f.rich(d)
			default:
				err = d.Skip()
			}
			if err != nil {
				return c, err
			}
		}
	}
}

// value makes the text of a cell from what stands in the file.
func (f *File) value(c *Cell, kind, value, style string) error {
	switch kind {
	case "s":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n >= len(f.texts) {
			return errors.New("a cell names a text that is not there")
		}
		c.Text = f.texts[n]
	case "b":
		c.Text = map[string]string{"1": "TRUE", "0": "FALSE"}[value]
	case "e":
		c.Text, c.Error = value, true
	case "inlineStr":
		c.Text = value
	case "str":
		c.Text = unescape(value)
	case "d":
		c.Text = value
	default:
		c.Text = f.number(value, style)
	}
	c.Text = strings.ReplaceAll(c.Text, "\r\n", "\n")
	return nil
}

// number is a number as people read it: a date where its style shows one.
func (f *File) number(value, style string) string {
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return value
	}
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(f.dates) && f.dates[n] && x >= 0 && x < 2958466 {
		if f.old {
			x += 1462
		}
		at := time.Unix(int64(math.Round((x-25569)*86400)), 0).UTC()
		if at.Equal(at.Truncate(24 * time.Hour)) {
			return at.Format(time.DateOnly)
		}
		return at.Format("2006-01-02 15:04:05")
	}
	return strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64)
}

// styles reads which styles show a number as a date.
func (f *File) styles() error {
	const name = "xl/styles.xml"
	if f.parts[name] == nil {
		return nil
	}
	custom, in := map[string]bool{}, false
	return f.elements(name, func(d *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			custom[attr(e, "numFmtId")] = dateCode(attr(e, "formatCode"))
		case "cellXfs":
			in = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			in = false
		case "xf":
			if !in {
				return nil
			}
			if len(f.dates) > 1<<16 {
				return refuse(saveAgain, "it has more styles than a workbook can")
			}
			id := attr(e, "numFmtId")
			n, err := strconv.Atoi(id)
			shown, known := custom[id]
			f.dates = append(f.dates, known && shown || !known && err == nil && (14 <= n && n <= 22 || 45 <= n && n <= 47))
		}
		return nil
	})
}

// quotedCode is what is no code in the code of a number's format.
var quotedCode = regexp.MustCompile(`"[^"]*"|\\.|\[[^\]]*\]|_.|\*.`)

// dateCode reports whether a format shows a date or a time.
func dateCode(code string) bool {
	return strings.ContainsAny(strings.ToLower(quotedCode.ReplaceAllString(code, "")), "ydhs")
}

// escaped is a character as the file format writes one that XML cannot hold.
var escaped = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`)

// unescape undoes the escapes of the file format.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[2:6], 16, 16)
		if err != nil || n >= 0xd800 && n < 0xe000 {
			return m
		}
		return string(rune(n))
	})
}

// Named returns the text of the cell that a name refers to, such as SnapshotId.
func (f *File) Named(ctx context.Context, name string) (string, error) {
	sheet, ref, ok := strings.Cut(f.names[name], "!")
	if !ok {
		return "", nil
	}
	sheet = strings.ReplaceAll(strings.Trim(strings.TrimPrefix(sheet, "$"), "'"), "''", "'")
	ref = strings.ReplaceAll(ref, "$", "")
	number, bad := strconv.Atoi(strings.TrimLeft(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	if bad != nil {
		return "", nil //nolint:nilerr // a name of something else than a cell
	}
	found := ""
	err := f.Rows(ctx, sheet, func(r Row) error {
		if r.Number == number {
			found = r.Text(column(ref))
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}
