package plain

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// mark is the byte order mark.
const mark = "\uFEFF"

// csvRows writes the rows of a sheet as CSV.
type csvRows struct {
	out     *bufio.Writer
	columns []sheets.Column
	row     []byte
	at      int
	n       int
}

func (c *csvRows) head() error {
	if _, err := c.out.WriteString(mark); err != nil {
		return err
	}
	for _, col := range c.columns {
		c.Text(col.Title)
	}
	err := c.End()
	c.n = 0
	return err
}

func (c *csvRows) count() int { return c.n }

// field appends a field as it is.
func (c *csvRows) field(v string) {
	if c.at > 0 {
		c.row = append(c.row, ',')
	}
	c.at++
	if !strings.ContainsAny(v, "\",;\n\r\t") && !strings.HasPrefix(v, " ") && !strings.HasSuffix(v, " ") {
		c.row = append(c.row, v...)
		return
	}
	c.row = append(c.row, '"')
	for i := 0; i < len(v); i++ {
		if v[i] == '"' {
			c.row = append(c.row, '"')
		}
		c.row = append(c.row, v[i])
	}
	c.row = append(c.row, '"')
}

func (c *csvRows) Key(string)   {}
func (c *csvRows) Whole(string) {}

func (c *csvRows) Text(v string)                  { c.field(cell.Field(v)) }
func (c *csvRows) Code(v string)                  { c.Text(v) }
func (c *csvRows) List(v []string)                { c.Text(strings.Join(v, "\n")) }
func (c *csvRows) Number(n int64)                 { c.field(strconv.FormatInt(n, 10)) }
func (c *csvRows) Date(t time.Time)               { c.field(export.Time(t)) }
func (c *csvRows) Status(s assess.Status)         { c.field(string(known(s))) }
func (c *csvRows) Mark(v string, _ assess.Status) { c.Text(v) }
func (c *csvRows) Link(v string, _ sheets.Ref)    { c.Text(v) }
func (c *csvRows) File(path string)               { c.Text(path) }
func (c *csvRows) Web(url string)                 { c.Text(url) }
func (c *csvRows) Blank()                         { c.field("") }
func (c *csvRows) Input()                         { c.field("") }

func (c *csvRows) Decimal(x float64) { c.field(decimal(x)) }

func (c *csvRows) Yes(v bool) {
	if v {
		c.field("Y")
		return
	}
	c.field("N")
}

func (c *csvRows) End() error {
	if c.at != len(c.columns) {
		return cellsError(c.n, c.at, len(c.columns))
	}
	c.row = append(c.row, '\r', '\n')
	_, err := c.out.Write(c.row)
	c.row, c.at = c.row[:0], 0
	c.n++
	return err
}

var errCells = errors.New("as many cells as columns are needed")

func cellsError(row, cells, columns int) error {
	return fmt.Errorf("row %d: %d cells for %d columns: %w", row+1, cells, columns, errCells)
}

// decimal has one digit after the point, as in the workbook; nothing for what
// is no number.
func decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

func known(s assess.Status) assess.Status {
	if s == "" {
		return assess.StatusNotAssessed
	}
	return s
}

var _ rowWriter = (*csvRows)(nil)
