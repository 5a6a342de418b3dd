package sqlstore

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// packed is what is made of new lines and payloads while the database is busy
// with something else.
type packed struct {
	wg       sync.WaitGroup
	errs     [2]error
	payloads []any // rows of payload_blocks
	lines    []any // rows of line_blocks
	zones    []any // rows of zones
	leaves   []tlog.Hash
}

// wait waits until everything is packed.
func (p *packed) wait() error {
	p.wg.Wait()
	for _, err := range p.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// packAhead starts packing what the writer holds. Nothing may be added to the
// writer before wait.
func (w *writer) packAhead() *packed {
	p := &packed{}
	p.wg.Go(func() { p.payloads, p.errs[0] = w.packPayloads() })
	p.wg.Go(func() {
		p.leaves = make([]tlog.Hash, len(w.lines))
		for i, line := range w.lines {
			p.leaves[i] = ledger.LeafHash(line)
		}
		p.lines, p.zones, p.errs[1] = w.packLines()
	})
	return p
}

// packLines packs the new lines into blocks, each a zone.
func (w *writer) packLines() (blocks, zones []any, err error) {
	type piece struct {
		first  int64
		n      int64
		raw    []byte
		sealed int // number of its first evidence
	}
	sealed := 0
	var pieces []piece
	for i, line := range w.lines {
		if len(line) > maxBlock/2 {
			return nil, nil, fmt.Errorf("entry of %d bytes, at most %d are kept", len(line), maxBlock/2)
		}
		last := len(pieces) - 1
		if last < 0 || len(pieces[last].raw)+len(line) >= blockSize {
			pieces = append(pieces, piece{first: w.first + int64(i), raw: make([]byte, 0, blockSize), sealed: sealed})
			last++
		}
		if sealed < len(w.sealed) && w.sealed[sealed].seq == w.first+int64(i) {
			sealed++
		}
		p := &pieces[last]
		p.raw = append(append(p.raw, line...), '\n')
		p.n++
	}
	blocks = make([]any, 4*len(pieces))
	rows := make([][]any, len(pieces))
	err = parallel(len(pieces), func(i int) error {
		p := &pieces[i]
		blocks[4*i], blocks[4*i+1], blocks[4*i+2], blocks[4*i+3] = p.first, p.n, int64(len(p.raw)), pack(p.raw)
		from := p.first - w.first
		rows[i] = zoneArgs(p.first, w.lines[from:from+p.n], w.sealed[p.sealed:])
		return nil
	})
	return blocks, slices.Concat(rows...), err
}

// packPayloads packs the payloads placed in this transaction.
func (w *writer) packPayloads() ([]any, error) {
	type piece struct {
		block     int64
		head, raw []byte
	}
	var pieces []piece
	for i, it := range w.blobs {
		block := w.placed[i].Block
		last := len(pieces) - 1
		if last < 0 || pieces[last].block != block {
			pieces = append(pieces, piece{block: block, raw: make([]byte, 0, blockSize)})
			last++
		}
		p := &pieces[last]
		p.head = appendHead(p.head, it)
		p.raw = append(p.raw, w.bodies[i]...)
	}
	args := make([]any, 4*len(pieces))
	err := parallel(len(pieces), func(i int) error {
		p := &pieces[i]
		args[4*i], args[4*i+1], args[4*i+2], args[4*i+3] = p.block, p.head, int64(len(p.raw)), pack(p.raw)
		return nil
	})
	return args, err
}
