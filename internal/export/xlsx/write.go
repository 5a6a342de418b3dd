package xlsx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Options are how, not what: they change no byte of the workbook.
type Options struct {
	TempDir string // for large parts while writing; empty means the system's
}

// Summary is what a workbook holds, for the caller to show and to record.
type Summary struct {
	Evidence int // rows
	Results  int
	Controls int
	InPeriod int // evidence whose event lies in the period
	Unlinked int // cells that would have had a link, beyond what a sheet holds
	Seal     []seal.Fact
}

// book is a workbook being written.
type book struct {
	snap       *export.Snapshot
	cp         ledger.Checkpoint
	digests    export.Digests
	asOf       string
	snapshotID string
	maxRows    int // rows a sheet takes before its continuation; maxRows but in tests
	file       *excelize.File
	st         *styles
	sheets     []*sheet // in the order they were made
	sum        Summary

	evidenceRow map[digestKey]place // of the evidence that results lead to
	controlRow  map[string]int      // first row of a control in Results
}

// place is a row of a sheet.
type place struct {
	sheet string
	row   int
}

// Write writes the workbook of snap to w, sealed by signer, whose public half
// is snap.PublicKey. It needs room in Options.TempDir for about the size of
// the unpacked sheets.
func Write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options) (Summary, error) {
	return write(ctx, w, snap, signer, opt, maxRows)
}

func write(ctx context.Context, w io.Writer, snap *export.Snapshot, signer note.Signer, opt Options, rows int) (sum Summary, err error) {
	cp, err := snap.Validate()
	if err != nil {
		return Summary{}, err
	}
	d, err := snap.Digests()
	if err != nil {
		return Summary{}, err
	}
	b := &book{snap: snap, cp: cp, digests: d, asOf: export.Time(snap.AsOf), snapshotID: d.Snapshot.String(), maxRows: rows,
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
	b.sum.Seal = b.facts()
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
	type filler struct {
		layout layout
		fill   func(context.Context, *sheet) error
		sheet  *sheet
	}
	fillers := []*filler{
		{layout: coverLayout, fill: b.cover},
		{layout: controlsLayout, fill: b.controls},
		{layout: resultsLayout, fill: b.results},
		{layout: evidenceLayout, fill: b.evidence},
		{layout: systemsLayout, fill: b.systems},
		{layout: runsLayout, fill: b.runs},
		{layout: gapsLayout, fill: b.gaps},
		{layout: waiversLayout, fill: b.waivers},
		{layout: methodLayout, fill: b.method},
	}
	for _, f := range fillers {
		var err error
		if f.sheet, err = b.newSheet(f.layout, f.layout.name); err != nil {
			return err
		}
	}
	if err := b.file.DeleteSheet("Sheet1"); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	for _, i := range []int{3, 2, 1, 4, 5, 6, 7, 8, 0} { // evidence, results, controls, then the rest, cover last
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fillers[i].fill(ctx, fillers[i].sheet); err != nil {
			return err
		}
	}
	return b.finish()
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
	b.file.SetActiveSheet(0)
	return nil
}

// properties sets the document properties, dated by the as-of.
func (b *book) properties() error {
	at := b.snap.AsOf.UTC().Format(time.RFC3339)
	err := b.file.SetDocProps(&excelize.DocProperties{
		Title: xmlText("Evidence workbook as of " + b.asOf), Subject: xmlText(b.snap.Organisation), Creator: "Exhibit",
		LastModifiedBy: "Exhibit", Created: at, Modified: at, Identifier: b.snapshotID, Language: "en-GB",
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
		{Name: "snapshot", Value: b.snapshotID},
		{Name: "assessment", Value: b.digests.Assessment.String()},
		{Name: "catalog", Value: b.snap.Assessment.Catalog.Digest.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", b.cp.Size, b.cp.Root)},
		{Name: "controls", Value: fmt.Sprint(b.sum.Controls)},
		{Name: "results", Value: fmt.Sprint(b.sum.Results)},
		{Name: "evidence", Value: fmt.Sprint(b.sum.Evidence)},
	}
}
