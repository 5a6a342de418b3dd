package verify

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// sumsOf is the digest over the values that the row of ev must show.
func sumsOf(ev evidence.Evidence) rowSums {
	return sumRow(ev.Digest.String(), xlsx.DateText(ev.EventTime), xlsx.DateText(ev.CollectedAt), ev.PayloadSum.String(),
		strconv.FormatInt(ev.Seq, 10))
}

func sumRow(values ...string) rowSums {
	var buf bytes.Buffer
	for _, v := range values {
		buf.WriteString(v)
		buf.WriteByte(0)
	}
	d := evidence.Sum(buf.Bytes())
	return rowSums(d[:16])
}

// evidenceRows compares the rows of the Evidence sheets with the entries.
type evidenceRows struct {
	book  *ledgerBook
	shown []bool // by number of the evidence line
	n     int
	sheet string
	last  int // number of the line that the row before showed, in this sheet
}

func newEvidenceRows(b *ledgerBook) *evidenceRows {
	return &evidenceRows{book: b, shown: make([]bool, len(b.seqs))}
}

var rowTitles = []string{sheets.EvidenceID, sheets.EvidenceEvent, sheets.EvidenceRead, sheets.EvidencePayload, sheets.EvidencePosition}

func (r *evidenceRows) columns() []string {
	out := make([]string, len(rowTitles))
	for i, t := range rowTitles {
		out[i] = xlsx.EvidenceColumn(t)
	}
	return out
}

func (r *evidenceRows) titles(sheet string, row xlsx.Row) error {
	for i, c := range r.columns() {
		if row.Cells[c] != rowTitles[i] {
			return fail(bundle.WorkbookFile+": sheet "+sheet, c+"1", rowTitles[i], row.Cells[c])
		}
	}
	return nil
}

func (r *evidenceRows) row(sheet string, row xlsx.Row) error {
	file, place := bundle.WorkbookFile+": sheet "+sheet, fmt.Sprintf("row %d", row.Number)
	if sheet != r.sheet {
		r.sheet, r.last = sheet, -1
	}
	values := make([]string, len(rowTitles))
	for i, c := range r.columns() {
		values[i] = row.Cells[c]
		if rowTitles[i] == sheets.EvidenceEvent || rowTitles[i] == sheets.EvidenceRead {
			values[i] = xlsx.CellDateText(values[i])
		}
	}
	seq, err := strconv.ParseInt(values[len(values)-1], 10, 64)
	i := r.book.rowAt(seq)
	switch {
	case err != nil || i < 0:
		return fail(file, place, "the position of an evidence entry", values[len(values)-1])
	case sumRow(values...) != r.book.rows[i]:
		return fail(file, place, fmt.Sprintf("what ledger entry %d says", seq), fmt.Sprint(values))
	case i <= r.last || r.shown[i]:
		return fail(file, place, "rows in the order of the ledger, each once", fmt.Sprintf("ledger entry %d", seq))
	}
	r.shown[i], r.last = true, i
	r.n++
	return nil
}

// cited names the first result's evidence that has no row.
func (r *evidenceRows) cited(a *archive) error {
	for i, res := range a.assessment.Results {
		for _, d := range res.Evidence {
			if c := r.book.cited[d]; !r.shown[c.row] {
				return fail(bundle.WorkbookFile+": sheet "+sheets.EvidenceSheet, "rows",
					fmt.Sprintf("a row for evidence %s, on which result %d rests", d, i), "none")
			}
		}
	}
	if r.n != a.head.Counts.Used {
		return fail(bundle.WorkbookFile+": sheet "+sheets.EvidenceSheet, "rows", fmt.Sprint(a.head.Counts.Used), fmt.Sprint(r.n))
	}
	return nil
}
