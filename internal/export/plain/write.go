package plain

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// Format is how rows are written.
type Format string

// Formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl"
)

// Options say what to write and how.
type Options struct {
	Format Format
	Sheets []string // names; empty means all
}

// Sink takes files, one after another.
type Sink interface {
	// Add writes a file and returns how many bytes it has and their SHA-256.
	Add(name string, write func(io.Writer) error) (Sum, error)
}

// Sum is what a Sink says of a file.
type Sum struct {
	Bytes  uint64
	SHA256 [sha256.Size]byte
}

// Summary is what was written.
type Summary struct {
	Files    []File
	Manifest Sum
	Bytes    uint64 // of all files, the manifest included
}

// Names are the names of the sheets of a snapshot, in the order shown.
func Names(snap *export.Snapshot) ([]string, error) {
	b, err := sheets.New(snap)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range b.Sheets() {
		out = append(out, s.Name)
	}
	return out, nil
}

// writer is an export being written.
type writer struct {
	book   *sheets.Book
	sink   Sink
	format Format
	wanted map[string]bool // nil: all
	keys   keys            // of the rows written
	files  map[string]File
}

// Write writes the sheets of snap to sink, and the manifest last.
func Write(ctx context.Context, sink Sink, snap *export.Snapshot, opt Options) (Summary, error) {
	if opt.Format != CSV && opt.Format != JSONL {
		return Summary{}, fmt.Errorf("export: no format %q", opt.Format)
	}
	book, err := sheets.New(snap)
	if err != nil {
		return Summary{}, err
	}
	w := &writer{book: book, sink: sink, format: opt.Format, keys: keys{}, files: map[string]File{}}
	if err := w.choose(opt.Sheets); err != nil {
		return Summary{}, err
	}
	shown := book.Sheets()
	for _, i := range sheets.InTurn(shown) {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		if err := w.sheet(ctx, shown[i]); err != nil {
			return Summary{}, fmt.Errorf("sheet %s: %w", shown[i].Name, err)
		}
	}
	return w.manifest(shown)
}

// choose notes which sheets are wanted; letter case does not matter.
func (w *writer) choose(names []string) error {
	if len(names) == 0 {
		return nil
	}
	w.wanted = map[string]bool{}
	for _, name := range names {
		found := ""
		var all []string
		for _, s := range w.book.Sheets() {
			if strings.EqualFold(s.Name, name) {
				found = s.Name
			}
			all = append(all, s.Name)
		}
		if found == "" {
			return &NoSheetError{Name: name, There: all}
		}
		w.wanted[found] = true
	}
	return nil
}

// NoSheetError: there is no sheet of this name.
type NoSheetError struct {
	Name  string
	There []string
}

func (e *NoSheetError) Error() string { return fmt.Sprintf("there is no sheet %q", e.Name) }

func (w *writer) wants(name string) bool { return w.wanted == nil || w.wanted[name] }

// sheet writes one sheet. A sheet of rows that is not wanted is gone through
// all the same where a page is: the pages count what the others hold.
func (w *writer) sheet(ctx context.Context, s sheets.Sheet) error {
	switch {
	case !w.wants(s.Name) && s.Page == nil && w.pageWanted():
		return s.Rows(ctx, nowhere{})
	case !w.wants(s.Name):
		return nil
	}
	name := FileName(s.Name, w.format)
	columns := s.Columns
	if s.Page != nil {
		columns = pageColumns
	}
	f := File{Name: name, Sheet: s.Name, About: s.About}
	for _, c := range columns {
		f.Columns = append(f.Columns, Column{Title: c.Title, Field: Field(c.Title)})
	}
	sum, err := w.sink.Add(name, func(out io.Writer) error {
		buf := bufio.NewWriterSize(out, 1<<16)
		r := w.rows(buf, s.Name, columns)
		if err := r.head(); err != nil {
			return err
		}
		var err error
		if s.Page == nil {
			err = s.Rows(ctx, r)
		} else {
			err = w.page(ctx, s, r)
		}
		if err != nil {
			return err
		}
		f.Rows = r.count()
		return buf.Flush()
	})
	if err != nil {
		return err
	}
	f.Bytes, f.SHA256 = sum.Bytes, hexOf(sum)
	w.files[s.Name] = f
	return nil
}

func (w *writer) pageWanted() bool {
	for _, s := range w.book.Sheets() {
		if s.Page != nil && w.wants(s.Name) {
			return true
		}
	}
	return false
}

// rowWriter writes the rows of one file.
type rowWriter interface {
	sheets.Writer
	head() error
	count() int
}

func (w *writer) rows(out *bufio.Writer, sheet string, columns []sheets.Column) rowWriter {
	if w.format == CSV {
		return &csvRows{out: out, columns: columns}
	}
	return newJSONRows(out, sheet, columns, w.keys)
}
