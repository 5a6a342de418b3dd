package verify

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
)

func newLineReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 1<<16) }

// eachLine goes through the lines of a ledger that was read before.
func (a *archive) eachLine(visit func(evidence.Entry) error) error {
	c, err := bundle.ReadCover(a.zip.Open(a.entries[bundle.CoverFile]))
	if err != nil {
		return err
	}
	br := newLineReader(a.zip.Open(a.entries[bundle.EntriesFile]))
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if it.Node {
			continue
		}
		for seq := it.From; seq < it.To; seq++ {
			raw, err := readLine(br)
			if err != nil {
				return err
			}
			e, err := evidence.SplitLine(seq, raw)
			if err != nil {
				return err
			}
			if err := visit(e); err != nil {
				return err
			}
		}
	}
}

// maxKept is how many bytes of lines are kept, so that they need not be
// unpacked each time that they are asked for.
const maxKept = 128 << 20

// keptLines is what a recomputation needs to know of the lines, found while
// they were verified. Lists go by the number of the evidence line.
type keptLines struct {
	lines   []evidence.Entry // all, in order; nil once they were too many
	bytes   int
	tooMany bool

	kinds map[string]uint16
	kind  []uint16
	next  []int64 // position of the next revision; 0: none
	gone  map[int]goneMark
}

type goneMark struct {
	at  time.Time
	seq int64
}

// line keeps a line, whose bytes are its own.
func (k *keptLines) line(keep bool, e evidence.Entry) {
	if !keep || k.tooMany {
		return
	}
	if k.bytes += len(e.Line) + entryOverhead; k.bytes > maxKept {
		k.lines, k.tooMany = nil, true
		return
	}
	k.lines = append(k.lines, e)
}

// entryOverhead is about what an entry takes beside its bytes.
const entryOverhead = 120

// item notes an evidence line; before is the state of its key.
func (k *keptLines) item(keep bool, ev evidence.Evidence, before keyState) {
	if !keep {
		return
	}
	if k.kinds == nil {
		k.kinds, k.gone = map[string]uint16{}, map[int]goneMark{}
	}
	n, ok := k.kinds[ev.Kind]
	if !ok {
		n = uint16(len(k.kinds))
		k.kinds[ev.Kind] = n
	}
	k.kind = append(k.kind, n)
	k.next = append(k.next, 0)
	if before.revision > 0 {
		k.next[before.row] = ev.Seq
	}
}

// wentAway notes that a complete run found a key gone.
func (k *keptLines) wentAway(keep bool, row int, at time.Time, seq int64) {
	if keep {
		k.gone[row] = goneMark{at, seq}
	}
}
