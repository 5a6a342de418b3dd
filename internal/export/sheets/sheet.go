package sheets

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// Layout is what a sheet is before it has rows.
type Layout struct {
	Name    string // at most 24 characters, so that a continuation's number fits
	About   string // what the sheet is for, one sentence for the cover
	Columns []Column
	Tab     string // colour of the tab, RRGGBB
	Large   bool   // print on A3
	Frozen  int    // columns that stay in sight
	Flat    bool   // rows of one line: for sheets of many rows
	Upright bool   // print on upright pages that begin where a block says so
}

// Column is one column of a sheet. Titles are unique within a sheet. Width is
// in characters.
type Column struct {
	Title string
	Width float64
}

// Sheet is a sheet of a Book: a table with Rows, or a page of text with Page.
type Sheet struct {
	Layout
	// Turn orders the writing, lowest first: what links lead to is written
	// before what leads there, and what counts comes last.
	Turn int
	Rows func(context.Context, Writer) error
	Page func(context.Context) ([]Block, error)
	// Choices are offered for the cells of a column that a reader fills in.
	Choices *Choices
}

// Choices are what may be written into a column.
type Choices struct {
	Column int // from 0
	Values []string
	Title  string
	About  string
}

// Ref names a row of a sheet by the key that the row was given.
type Ref struct{ Sheet, Key string }

// Writer takes the rows of a sheet, a cell at a time in the order of the
// columns. Texts come as they are: making them safe is for the Writer.
// An error of a cell is returned by End.
type Writer interface {
	// Key names the row being written, so that a Ref can lead to it.
	Key(key string)
	// Whole says where a text of this row is in full, should one be cut.
	Whole(where string)

	Text(v string)
	Code(v string) // an id or a digest: fixed width, never wrapped
	List(v []string)
	Number(n int64)
	Decimal(x float64) // one digit after the point
	Yes(v bool)        // Y or N
	Date(t time.Time)  // an instant, UTC; blank if zero
	Status(s assess.Status)
	Mark(v string, as assess.Status) // a text in a status's colours
	Link(v string, to Ref)           // a text, leading there if such a row was written
	File(path string)                // a file beside the export
	Web(url string)                  // a link if it is a safe one, else text
	Blank()
	Input() // an empty cell for the reader to fill in

	// End ends the row.
	End() error
}

// BlockKind says what a Block of a page is.
type BlockKind int

// Kinds of blocks.
const (
	BlockTitle     BlockKind = iota // Text
	BlockNote                       // Text, under a title
	BlockSection                    // Text
	BlockFact                       // Key: Text; Name if the value is to be found by a program
	BlockParagraph                  // Text
	BlockStatus                     // Status: Key (how many) and Text (what it means)
	BlockLink                       // Key leads to the sheet of that name; Text
	BlockChart                      // Chart
)

// Block is a part of a page, from top to bottom.
type Block struct {
	Kind   BlockKind
	Key    string
	Text   string
	Name   string // a name for the value, such as "SnapshotId"
	Status assess.Status
	Chart  *Chart
	Breaks bool // a new page begins here in print
}

// ChartKind says how a chart shows its series.
type ChartKind int

// Kinds of charts.
const (
	ChartStackedBars ChartKind = iota // a bar per category, series one after another
	ChartColumns                      // a column per category and series
	ChartLines                        // a line per series over the categories
)

// Chart is numbers for people who would rather look than read. The numbers are
// always shown beside it as a table.
type Chart struct {
	Title      string
	Kind       ChartKind
	About      string // what it shows, for who cannot see it
	Category   string // what the categories are
	Categories []string
	Series     []Series
}

// Series is one row of numbers, as many as there are categories.
type Series struct {
	Name   string
	Color  string // RRGGBB
	Values []float64
}

// datep writes an instant that may not be known.
func datep(w Writer, t *time.Time) {
	if t == nil {
		w.Blank()
		return
	}
	w.Date(*t)
}
