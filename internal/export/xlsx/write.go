package xlsx

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// Options are how, not what: they change no byte of the workbook.
type Options struct {
	TempDir string // for large parts while writing; empty means the system's
}

// Summary is what a workbook holds, for the caller to show and to record.
type Summary struct {
	sheets.Counts
	Unlinked int // cells that would have had a link, beyond what a sheet holds
	Seal     []seal.Fact
}

// book is a workbook being written.
type book struct {
	*sheets.Book
	snap    *export.Snapshot
	asOf    string
	maxRows int // rows a sheet takes before its continuation; maxRows but in tests
	file    *excelize.File
	st      *styles
	sheets  []*sheet // in the order they were made
	sum     Summary
	cells   int               // written so far
	rows    map[rowName]place // that others can lead to
	ahead   map[string]bool   // tables that are not written yet
}

// place is a row of a sheet, by its number in the order they were made.
type place struct{ sheet, row int32 }

// rowName is as much of a digest over sheet and key as tells rows apart: there
// may be more than a hundred thousand of them.
type rowName [16]byte

func nameOf(to sheets.Ref) rowName {
	d := sha256.Sum256([]byte(to.Sheet + "\x00" + to.Key))
	return rowName(d[:16])
}

// at finds the row that a Ref leads to, as a sheet and a cell of it.
func (b *book) at(to sheets.Ref) (sheet, cell string, ok bool) {
	p, ok := b.rows[nameOf(to)]
	if !ok {
		return "", "", false
	}
	return b.sheets[p.sheet].name, "A" + strconv.Itoa(int(p.row)), true
}

// Write writes the workbook of snap to w, sealed by signer, whose public half
// is snap.PublicKey. It needs room in Options.TempDir for about the size of
// the unpacked sheets.
func Write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options) (Summary, error) {
	return write(ctx, w, snap, signer, opt, maxRows)
}

func write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options, rows int) (sum Summary, err error) {
	all, err := sheets.New(snap)
	if err != nil {
		return Summary{}, err
	}
	all.Limits = sheets.Limits{Cell: maxCell, Lines: maxLines, Links: maxLinks, Rows: maxRows}
	b := &book{Book: all, snap: snap, asOf: export.Time(snap.AsOf), maxRows: rows, rows: map[rowName]place{}, ahead: map[string]bool{},
		file: excelize.NewFile(excelize.Options{TmpDir: opt.TempDir})}
	defer func() { err = errors.Join(err, b.file.Close()) }()
	if b.st, err = newStyles(b.file); err != nil {
		return Summary{}, err
	}
	if err := b.fill(ctx); err != nil {
		return Summary{}, err
	}
	if err := b.properties(); err != nil {
		return Summary{}, err
	}
	b.sum.Counts, b.sum.Seal = b.Counts, b.facts()
	return b.sum, b.save(w, opt.TempDir, signer)
}

// save hands the parts to a packer. Excelize asks for one by a function, and
// writes through a buffer of its own unless the packer takes the output.
func (b *book) save(w io.Writer, tmp string, signer note.Signer) (err error) {
	p, err := newPacker(w, tmp, seal.Seal{Of: "workbook", Key: b.snap.PublicKey, Facts: b.sum.Seal}, signer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return p })
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return p.commit()
}

// fill writes all sheets: made in the order they are shown in, filled in the
// order in which they need each other.
func (b *book) fill(ctx context.Context) error {
	shown := b.Sheets()
	made := make([]*sheet, len(shown))
	for i, s := range shown {
		var err error
		if made[i], err = b.newSheet(s.Layout, s.Name, s.Page != nil); err != nil {
			return err
		}
		b.ahead[s.Name] = s.Rows != nil
	}
	if err := b.file.DeleteSheet("Sheet1"); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	b.file.SetActiveSheet(0) // while all are in memory: it would read back what was written
	for _, i := range sheets.InTurn(shown) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.one(ctx, shown[i], made[i]); err != nil {
			return err
		}
		delete(b.ahead, shown[i].Name)
	}
	return b.finish()
}

// one writes one sheet.
func (b *book) one(ctx context.Context, from sheets.Sheet, to *sheet) error {
	if from.Page != nil {
		b.Limits.Unlinked, b.Limits.Cells = b.sum.Unlinked, b.cells
		blocks, err := from.Page(ctx)
		if err != nil {
			return fmt.Errorf("workbook: sheet %s: %w", from.Name, err)
		}
		return to.page(blocks)
	}
	t := &table{s: to}
	if err := from.Rows(ctx, t); err != nil {
		return fmt.Errorf("workbook: sheet %s: %w", from.Name, err)
	}
	if from.Choices == nil {
		return nil
	}
	for s := to; s != nil; s = s.after {
		if err := s.choices(from.Choices); err != nil {
			return err
		}
	}
	return nil
}

// choices offers what may be written into a column.
func (s *sheet) choices(c *sheets.Choices) error {
	dv := excelize.NewDataValidation(true)
	dv.SetSqref(cellName(c.Column, 2) + ":" + cellName(c.Column, max(s.row-1, 2)))
	if err := dv.SetDropList(c.Values); err != nil {
		return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
	}
	dv.SetError(excelize.DataValidationErrorStyleStop, c.Title, "Choose one of "+strings.Join(c.Values, ", ")+".")
	dv.SetInput(c.Title, c.About)
	if err := s.b.file.AddDataValidation(s.name, dv); err != nil {
		return fmt.Errorf("workbook: sheet %s: %w", s.name, err)
	}
	return nil
}

// finish brings continuations behind what they continue and ends the streams.
func (b *book) finish() error {
	for _, s := range b.sheets {
		if s.after == nil {
			continue
		}
		list := b.file.GetSheetList()
		for i, name := range list {
			if name == s.name && i+1 < len(list) && list[i+1] != s.after.name {
				if err := b.file.MoveSheet(s.after.name, list[i+1]); err != nil {
					return fmt.Errorf("workbook: %w", err)
				}
			}
		}
	}
	for _, s := range b.sheets {
		if err := s.finish(); err != nil {
			return err
		}
	}
	return nil
}

// properties sets the document properties, dated by the as-of.
func (b *book) properties() error {
	at := b.snap.AsOf.UTC().Format(time.RFC3339)
	err := b.file.SetDocProps(&excelize.DocProperties{
		Title: xmlText("Evidence workbook as of " + b.asOf), Subject: xmlText(b.snap.Organisation), Creator: "Exhibit",
		LastModifiedBy: "Exhibit", Created: at, Modified: at, Identifier: b.Digests.Snapshot.String(), Language: "en-GB",
		Description: "Evidence status at one instant. Not a statement of conformity.",
	})
	if err != nil {
		return fmt.Errorf("workbook: properties: %w", err)
	}
	if err := b.file.SetAppProps(&excelize.AppProperties{Application: "Exhibit", Company: xmlText(b.snap.Organisation)}); err != nil {
		return fmt.Errorf("workbook: properties: %w", err)
	}
	return nil
}

// xmlText drops what XML cannot hold.
func xmlText(s string) string { return clean(s) }

// facts are what the seal states beside the parts.
func (b *book) facts() []seal.Fact {
	return []seal.Fact{
		{Name: "as-of", Value: b.asOf},
		{Name: "period", Value: b.snap.PeriodText()},
		{Name: "snapshot", Value: b.Digests.Snapshot.String()},
		{Name: "assessment", Value: b.Digests.Assessment.String()},
		{Name: "catalog", Value: b.snap.Assessment.Catalog.Digest.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", b.Ledger.Size, b.Ledger.Root)},
		{Name: "controls", Value: fmt.Sprint(b.Counts.Controls)},
		{Name: "results", Value: fmt.Sprint(b.Counts.Results)},
		{Name: "evidence", Value: fmt.Sprint(b.Counts.Evidence)},
	}
}
