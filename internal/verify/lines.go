package verify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// maxLine is the longest ledger line that is read.
const maxLine = 16 << 20

// ledgerBook is what the ledger's lines in a bundle say.
type ledgerBook struct {
	head     bundle.Head
	parser   evidence.Parser
	tree     bundle.Tree
	runs     map[string]int64 // position at which a run was opened
	cited    map[evidence.Digest]*citation
	payloads []evidence.Digest
	erased   map[evidence.Digest]bool
	rows     []rowSums // of the evidence entries, in order
	seqs     []int64
	entries  int64
}

// citation is an evidence item that a result rests on.
type citation struct {
	found bool
	event time.Time
}

// rowSums is what a row of the Evidence sheet must say, as one digest.
type rowSums [16]byte

func newLedgerBook(head bundle.Head, a *assess.Assessment) *ledgerBook {
	b := &ledgerBook{head: head, runs: map[string]int64{}, cited: map[evidence.Digest]*citation{}, erased: map[evidence.Digest]bool{}}
	if a != nil {
		for _, r := range a.Results {
			for _, d := range r.Evidence {
				if b.cited[d] == nil {
					b.cited[d] = new(citation)
				}
			}
		}
	}
	return b
}

// read goes through the cover, taking lines where it says that there are some,
// and compares the roots on the way.
func (b *ledgerBook) read(cover io.Reader, lines io.Reader) error {
	c, err := bundle.ReadCover(cover)
	if err != nil {
		return coverFailure(err)
	}
	if c.Size != b.head.Ledger.Size || c.Assessed != b.head.Assessed.Size {
		return fail(bundle.CoverFile, "size", fmt.Sprintf("%d, assessed %d", b.head.Ledger.Size, b.head.Assessed.Size),
			fmt.Sprintf("%d, assessed %d", c.Size, c.Assessed))
	}
	br := bufio.NewReaderSize(lines, 1<<16)
	for {
		if b.tree.Size() == c.Assessed {
			if err := b.root("the part that was assessed", b.head.Assessed.Root); err != nil {
				return err
			}
		}
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return coverFailure(err)
		}
		if it.Node {
			b.tree.Node(it.Level, it.Hash)
			continue
		}
		for seq := it.From; seq < it.To; seq++ {
			if err := b.line(br, seq); err != nil {
				return err
			}
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		return fail(bundle.EntriesFile, fmt.Sprintf("line %d", b.entries+1), "the end", "more")
	}
	if b.entries != b.head.Counts.Entries {
		return fail(bundle.EntriesFile, "lines", fmt.Sprint(b.head.Counts.Entries), fmt.Sprint(b.entries))
	}
	return b.root("the ledger", b.head.Ledger.Root)
}

func coverFailure(err error) error {
	var form *zipform.FormError
	if errors.As(err, &form) {
		return err
	}
	return fail(bundle.CoverFile, "content", "what covers the whole ledger", err.Error())
}

func (b *ledgerBook) root(of, want string) error {
	got, err := b.tree.Root()
	if err != nil {
		return err
	}
	if got.String() != want {
		return fail(bundle.EntriesFile, fmt.Sprintf("root over %s, %d entries", of, b.tree.Size()), want, got.String())
	}
	return nil
}

// line reads the line of position seq.
func (b *ledgerBook) line(br *bufio.Reader, seq int64) error {
	raw, err := readLine(br)
	place := fmt.Sprintf("line %d, ledger position %d", b.entries+1, seq)
	if err != nil {
		return fail(bundle.EntriesFile, place, "a line", err.Error())
	}
	b.entries++
	b.tree.Leaf(raw)
	e, err := evidence.ParseLine(seq, raw)
	if err != nil {
		return fail(bundle.EntriesFile, place, "a ledger line in its only form", err.Error())
	}
	switch e.Type {
	case evidence.EntryRunOpened:
		r, err := evidence.ParseRunOpened(e)
		if err != nil {
			return fail(bundle.EntriesFile, place, "a run", err.Error())
		}
		if _, twice := b.runs[r.ID]; twice {
			return fail(bundle.EntriesFile, place, "a run that is opened once", r.ID)
		}
		b.runs[r.ID] = seq
	case evidence.EntryRunClosed:
		r, err := evidence.ParseRunClosed(e)
		if err != nil {
			return fail(bundle.EntriesFile, place, "a run", err.Error())
		}
		return b.opened(place, r.ID)
	case evidence.EntryErasure:
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return fail(bundle.EntriesFile, place, "an erasure", err.Error())
		}
		b.erased[er.Payload] = true
	case evidence.EntryEvidence:
		return b.item(place, e)
	default:
		return fail(bundle.EntriesFile, place, "an entry of a type that a bundle uses", string(e.Type))
	}
	return nil
}

func (b *ledgerBook) opened(place, run string) error {
	if _, ok := b.runs[run]; !ok {
		return fail(bundle.EntriesFile, place, "a run that was opened before", run)
	}
	return nil
}

// item takes an evidence entry.
func (b *ledgerBook) item(place string, e evidence.Entry) error {
	ev, err := b.parser.Evidence(e)
	if err != nil {
		return fail(bundle.EntriesFile, place, "evidence", err.Error())
	}
	if err := b.opened(place, ev.Run); err != nil {
		return err
	}
	if ev.Seq >= b.head.Assessed.Size {
		return fail(bundle.EntriesFile, place, fmt.Sprintf("evidence before position %d, where it was assessed", b.head.Assessed.Size), fmt.Sprint(ev.Seq))
	}
	if c := b.cited[ev.Digest]; c != nil {
		c.found, c.event = true, ev.EventTime
	}
	b.payloads = append(b.payloads, ev.PayloadSum)
	b.rows = append(b.rows, sumsOf(ev))
	b.seqs = append(b.seqs, ev.Seq)
	return nil
}

func readLine(br *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := br.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
			if long == nil {
				return bytes.Clone(part), nil
			}
			return append(long, part...), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if long = append(long, part...); len(long) > maxLine {
			return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
		}
	}
}

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
	want []rowSums
	seqs []int64
	next int
}

var rowTitles = []string{sheets.EvidenceID, sheets.EvidenceEvent, sheets.EvidenceRead, sheets.EvidencePayload, sheets.EvidencePosition}

func (r *evidenceRows) columns() []string {
	out := make([]string, len(rowTitles))
	for i, t := range rowTitles {
		out[i] = xlsx.EvidenceColumn(t)
	}
	return out
}

func (r *evidenceRows) row(sheet string, row xlsx.Row) error {
	place := fmt.Sprintf("row %d", row.Number)
	if r.next == len(r.want) {
		return fail(bundle.WorkbookFile+": sheet "+sheet, place, "as many rows as evidence entries", "one more")
	}
	values := make([]string, len(rowTitles))
	for i, c := range r.columns() {
		values[i] = row.Cells[c]
		if rowTitles[i] == sheets.EvidenceEvent || rowTitles[i] == sheets.EvidenceRead {
			values[i] = xlsx.CellDateText(values[i])
		}
	}
	if sumRow(values...) != r.want[r.next] {
		return fail(bundle.WorkbookFile+": sheet "+sheet, place,
			fmt.Sprintf("what ledger entry %d says", r.seqs[r.next]), fmt.Sprint(values))
	}
	r.next++
	return nil
}

// story compares the assessment, the entries and the files with one another.
func (a *archive) story() error {
	b := a.book
	for d, c := range b.cited {
		if !c.found {
			return a.uncited(d)
		}
	}
	a.report.held("evidence items that results rest on, found in the ledger", int64(len(b.cited)))
	for _, r := range a.assessment.Runs {
		if _, ok := b.runs[r.Run]; !ok && r.Run != "" {
			return fail(bundle.AssessmentFile, "runs", "a run whose entries are in the ledger", r.Run)
		}
	}
	if n := len(b.payloads); n != a.head.Counts.Evidence {
		return fail(bundle.EntriesFile, "evidence entries", fmt.Sprint(a.head.Counts.Evidence), fmt.Sprint(n))
	}
	a.report.held("ledger entries, leading to the signed root", b.entries)
	if err := a.payloadSets(); err != nil {
		return err
	}
	equal, other := int64(0), int64(0)
	for _, r := range a.assessment.Results {
		if r.EventTime == nil || len(r.Evidence) == 0 {
			continue
		}
		if slices.ContainsFunc(r.Evidence, func(d evidence.Digest) bool { return b.cited[d].event.Equal(*r.EventTime) }) {
			equal++
		} else {
			other++
		}
	}
	a.report.held("event times of results equal to their evidence's", equal)
	if other > 0 {
		a.report.Notes = append(a.report.Notes, fmt.Sprintf(
			"%d results state an event time that is not the event time of their evidence: an expectation may take it from within a record", other))
	}
	return nil
}

// uncited names the result that rests on evidence that is not there.
func (a *archive) uncited(evidence.Digest) error {
	for i, r := range a.assessment.Results {
		for _, d := range r.Evidence {
			if !a.book.cited[d].found {
				return fail(bundle.AssessmentFile, fmt.Sprintf("result %d, %s for %s", i, clip(r.Expectation), clip(r.Subject.ID)),
					"evidence that is in the ledger", d.String())
			}
		}
	}
	return errors.New("a citation of no result")
}

// payloadSets checks that the files are those that the entries name, but for
// what the ledger says was erased.
func (a *archive) payloadSets() error {
	want := slices.SortedFunc(slices.Values(a.book.payloads), compareDigests)
	want = slices.Compact(want)
	for _, d := range a.head.Erased {
		if !a.book.erased[d] {
			return fail(bundle.ManifestFile, "erased", "payloads that a ledger entry erased", d.String())
		}
		i, ok := slices.BinarySearchFunc(want, d, compareDigests)
		if !ok {
			return fail(bundle.ManifestFile, "erased", "payloads that an entry names, each once", d.String())
		}
		want = slices.Delete(want, i, i+1)
	}
	for i := range max(len(want), len(a.payloads)) {
		switch {
		case i == len(a.payloads), i < len(want) && compareDigests(want[i], a.payloads[i]) < 0:
			return fail("bundle", "", "the file evidence/"+want[i].String()+".json, which an entry names", "none")
		case i == len(want), compareDigests(want[i], a.payloads[i]) > 0:
			return fail(bundle.EvidenceDir+a.payloads[i].String()+".json", "", "only files that an entry names", "one more")
		}
	}
	a.report.held("evidence files as their entries name them", int64(len(a.payloads)))
	return nil
}

func compareDigests(a, b evidence.Digest) int { return bytes.Compare(a[:], b[:]) }
