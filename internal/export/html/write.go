package html

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/plain"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// DefaultRows is how many rows of a sheet are shown where nobody asks for
// another number: as many as a browser shows without delay.
const DefaultRows = 2000

// Options say how much is shown.
type Options struct {
	Rows    int    // of each sheet; 0 means DefaultRows, less than 0 all
	TempDir string // for sections while writing; empty means the system's
}

// Summary is what the report holds.
type Summary struct {
	sheets.Counts
	Cut []string // sheets of which not all rows are shown
}

// report is a report being written.
type report struct {
	*sheets.Book
	snap  *export.Snapshot
	rows  int
	tmp   string
	shown map[[16]byte]struct{} // rows that others can lead to
	parts []*part
}

// part is the section of a sheet.
type part struct {
	sheets.Sheet
	id    string
	spool *os.File
	out   *bufio.Writer
	total int // rows of the sheet
	rows  int // of them shown
}

// Write writes the report of snap to w.
func Write(ctx context.Context, w io.Writer, snap *export.Snapshot, opt Options) (sum Summary, err error) {
	book, err := sheets.New(snap)
	if err != nil {
		return Summary{}, err
	}
	r := &report{Book: book, snap: snap, rows: opt.Rows, tmp: opt.TempDir, shown: map[[16]byte]struct{}{}}
	if r.rows == 0 {
		r.rows = DefaultRows
	}
	defer func() { err = errors.Join(err, r.remove()) }()
	shown := book.Sheets()
	for _, s := range shown {
		r.parts = append(r.parts, &part{Sheet: s, id: plain.Field(s.Name)})
	}
	for _, i := range sheets.InTurn(shown) {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		if err := r.part(ctx, r.parts[i]); err != nil {
			return Summary{}, fmt.Errorf("sheet %s: %w", shown[i].Name, err)
		}
	}
	sum.Counts = book.Counts
	for _, p := range r.parts {
		if p.rows < p.total {
			sum.Cut = append(sum.Cut, p.Name)
		}
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := r.document(out); err != nil {
		return Summary{}, err
	}
	return sum, out.Flush()
}

// part writes the inside of a section into a temporary file: what comes first
// in the document is written last, because it counts the rest.
func (r *report) part(ctx context.Context, p *part) (err error) {
	if p.spool, err = os.CreateTemp(r.tmp, "exhibit-report-*"); err != nil {
		return err
	}
	p.out = bufio.NewWriterSize(p.spool, 1<<16)
	if p.Page != nil {
		blocks, err := p.Page(ctx)
		if err != nil {
			return err
		}
		if err := writePage(p.out, p.id, blocks); err != nil {
			return err
		}
		return p.out.Flush()
	}
	t := &table{r: r, p: p}
	if err := p.Rows(ctx, t); err != nil {
		return err
	}
	if p.rows > 0 {
		write(p.out, "</tbody></table></div>\n")
	}
	return p.out.Flush()
}

// remove removes the temporary files.
func (r *report) remove() error {
	var errs []error
	for _, p := range r.parts {
		if p.spool != nil {
			errs = append(errs, p.spool.Close(), os.Remove(p.spool.Name()))
		}
	}
	return errors.Join(errs...)
}

// write writes markup of ours. A bufio.Writer remembers its first error, which
// Flush returns.
func write(w *bufio.Writer, parts ...string) {
	for _, s := range parts {
		_, _ = w.WriteString(s)
	}
}

// anchor is the id of a row: any text may be a key, but not an id.
func anchor(to sheets.Ref) string {
	sum := rowSum(to)
	return "r-" + hex.EncodeToString(sum[:8])
}

func rowSum(to sheets.Ref) [16]byte {
	sum := sha256.Sum256([]byte(to.Sheet + "\x00" + to.Key))
	return [16]byte(sum[:16])
}
