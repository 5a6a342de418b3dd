package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// Limits of what is held in memory while reading.
const (
	maxSeal = 16 << 20
	maxPart = 64 << 20
)

// Workbook verifies a workbook alone: that every byte of it is accounted for
// by a seal that holds, and that its own figures agree. A nil key means the
// one that the seal names.
func Workbook(ctx context.Context, src source, key Key) (Report, error) {
	r := Report{What: WhatWorkbook}
	w := &workbook{report: &r, file: "workbook"}
	err := w.verify(ctx, src, key)
	var form *zipform.FormError
	if errors.As(err, &form) {
		form.Got += ": not in the form in which exhibit writes it (saved again by a spreadsheet program, or changed)"
	}
	return r, r.settle(w.file, err)
}

// workbook is a workbook being verified.
type workbook struct {
	report *Report
	file   string
	seal   seal.Seal
	rows   rowVisitor // for the rows of the Evidence sheets; may be nil
	sheets map[string]string
	held   map[string][]byte // small parts kept
	count  map[string]int64  // rows by sheet, without headers
	cover  map[string]string
}

// rowVisitor compares a row of the Evidence sheets with something.
type rowVisitor interface {
	columns() []string
	titles(sheet string, row xlsx.Row) error // of the header row
	row(sheet string, row xlsx.Row) error
}

func (w *workbook) fail(entry, place, expected, found string) error {
	file := w.file
	if entry != "" {
		file += ": " + entry
	}
	return &Failure{File: file, Place: place, Expected: expected, Found: clip(found)}
}

func (w *workbook) verify(ctx context.Context, src source, key Key) error {
	zr, err := zipform.Open(src, src.Size())
	if err != nil {
		return err
	}
	last, err := zr.Last(1)
	if err != nil {
		return err
	}
	if len(last) == 0 || last[0].Name != xlsx.SealPart || last[0].Method != zipform.Stored {
		return w.fail("", "last entry", "the seal "+xlsx.SealPart,
			"a workbook without it: saved again by a spreadsheet program, or not made by exhibit")
	}
	msg, _, err := zr.Read(last[0], maxSeal)
	if err != nil {
		return err
	}
	if w.seal, _, err = w.report.openSeal(msg, key); err != nil {
		return err
	}
	if w.seal.Of != WhatWorkbook {
		return w.fail(xlsx.SealPart, "of", WhatWorkbook, w.seal.Of)
	}
	w.report.AsOf = w.seal.Fact("as-of")
	w.held, w.count, w.cover = map[string][]byte{}, map[string]int64{}, map[string]string{}
	if err := w.parts(ctx, zr); err != nil {
		return err
	}
	w.report.held(checkParts, int64(len(w.seal.Parts)))
	return w.figures()
}

// parts reads every entry and compares it with the seal's list.
func (w *workbook) parts(ctx context.Context, zr *zipform.Reader) error {
	i := 0
	for it, err := range zr.Items() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if i == len(w.seal.Parts) {
			if it.Name != xlsx.SealPart {
				return w.fail(it.Name, "", "only entries that the seal lists", "one more")
			}
			i++
			continue
		}
		if i > len(w.seal.Parts) || it.Name != w.seal.Parts[i].Name {
			return w.fail(it.Name, fmt.Sprintf("entry %d", i), "entries as the seal lists them", it.Name)
		}
		if want, found := sameSize(w.seal.Parts[i], it.Entry); want != "" {
			return w.fail(it.Name, "content", want, found)
		}
		read := w.read(it)
		part, err := it.Finish()
		if err != nil {
			return err
		}
		if want, found := w.seal.Parts[i].Differs(seal.FromZip(part)); want != "" {
			return w.fail(it.Name, "content", want, found)
		}
		if read != nil {
			var f *Failure
			if errors.As(read, &f) {
				return f
			}
			return w.fail(it.Name, "content", "a part as exhibit writes it", read.Error())
		}
		i++
	}
	if i != len(w.seal.Parts)+1 {
		return w.fail("", "entries", fmt.Sprint(len(w.seal.Parts)+1), fmt.Sprint(i))
	}
	return nil
}

// read takes from a part what is compared later. Its error counts only if the
// part is what the seal says.
func (w *workbook) read(it *zipform.Item) error {
	const wb, rels = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
	switch it.Name {
	case wb, rels:
		b, err := io.ReadAll(io.LimitReader(it, maxPart))
		if err != nil {
			return err
		}
		w.held[it.Name] = b
		if it.Name == rels {
			return nil
		}
		sheets, err := xlsx.Sheets(w.held[wb], w.held[rels])
		if err != nil {
			return err
		}
		w.sheets = make(map[string]string, len(sheets))
		for _, s := range sheets {
			w.sheets[s.Part] = s.Name
		}
		return nil
	}
	name, ok := w.sheets[it.Name]
	if !ok {
		return nil
	}
	base := xlsx.SheetBase(name)
	switch base {
	case sheets.CoverSheet:
		return xlsx.Rows(it, []string{"A", "B"}, func(row xlsx.Row) error {
			if k := row.Cells["A"]; w.cover[k] == "" { // facts come before anything else that may be called the same
				w.cover[k] = row.Cells["B"]
			}
			return nil
		})
	case sheets.ControlSheet, sheets.ResultSheet, sheets.EvidenceSheet:
		var columns []string
		if base == sheets.EvidenceSheet && w.rows != nil {
			columns = w.rows.columns()
		}
		last := 0
		return xlsx.Rows(it, columns, func(row xlsx.Row) error {
			if row.Number <= last {
				return w.fail("sheet "+name, fmt.Sprintf("row %d", row.Number), fmt.Sprintf("a number greater than %d", last), fmt.Sprint(row.Number))
			}
			last = row.Number
			if row.Number == 1 {
				if columns == nil {
					return nil
				}
				return w.rows.titles(name, row)
			}
			w.count[base]++
			if columns == nil {
				return nil
			}
			return w.rows.row(name, row)
		})
	}
	return nil
}

// figures compares the cover with the seal, and both with the rows.
func (w *workbook) figures() error {
	for _, f := range []struct{ fact, cover, sheet string }{
		{"as-of", sheets.CoverAsOf, ""}, {"snapshot", sheets.CoverSnapshot, ""},
		{"controls", sheets.CoverControls, sheets.ControlSheet}, {"results", sheets.CoverResults, sheets.ResultSheet},
		{"evidence", sheets.CoverEvidence, sheets.EvidenceSheet},
	} {
		want := w.seal.Fact(f.fact)
		if got := w.cover[f.cover]; got != want {
			return w.fail("sheet "+sheets.CoverSheet, f.cover, want, got)
		}
		if f.sheet == "" {
			continue
		}
		if got := strconv.FormatInt(w.count[f.sheet], 10); got != want {
			return w.fail("sheet "+f.sheet, "rows", want, got)
		}
		w.report.held(checkID(f.sheet+countedRows), w.count[f.sheet])
	}
	return nil
}

// isWorkbook reports whether the archive says that it is a spreadsheet. The
// error is of an archive in another form.
func isWorkbook(zr *zipform.Reader) (bool, error) {
	for e, err := range zr.Entries() {
		if err != nil || e.Name == "[Content_Types].xml" {
			return err == nil, err
		}
	}
	return false, nil
}
