package pages

import (
	"encoding/binary"
	"math/bits"
)

// maxPayload is what SQLite keeps in one cell at most, in bytes.
const maxPayload = 1<<31 - 1

// cellEnds is what is wrong with a cell whose bytes are not all there.
const cellEnds = "a cell that ends beyond the page, or with a number longer than need be"

// local is how many of a payload's bytes are in its cell.
func (w *walk) local(payload uint64) int {
	u := w.f.usable
	most := u - 35
	if w.kind == Index {
		most = (u-12)*64/255 - 23
	}
	if payload <= uint64(most) {
		return int(payload)
	}
	least := (u-12)*32/255 - 23
	if n := least + int((payload-uint64(least))%uint64(u-4)); n <= most {
		return n
	}
	return least
}

// size gives how many bytes the cell of an inner page has.
func (w *walk) size(p *tree, at int) (int, error) {
	b := p.b[at+4 : w.f.usable]
	v, n := varint(b)
	if n == 0 {
		return 0, damaged(p.n, cellEnds)
	}
	if w.kind == Table {
		return 4 + n, nil
	}
	return 4 + n + w.stored(v), nil
}

// stored is what a payload takes in its cell: its local bytes, and the number of
// the page where it goes on.
func (w *walk) stored(payload uint64) int {
	n := w.local(payload)
	if uint64(n) < payload {
		n += 4
	}
	return n
}

// cell reads the cell that begins at start and whose payload's length is at at.
// It returns how many bytes of the page it has.
func (w *walk) cell(p *tree, start, at int, c *Cell) (int, error) {
	b := p.b[at:w.f.usable]
	payload, n := varint(b)
	if n == 0 {
		return 0, damaged(p.n, cellEnds)
	}
	if w.kind == Table {
		row, m := varint(b[n:])
		if m == 0 {
			return 0, damaged(p.n, cellEnds)
		}
		c.Row, n = int64(row), n+m
	}
	if payload > min(maxPayload, uint64(w.f.count)*uint64(w.f.usable)) {
		return 0, damaged(p.n, "a payload of %d bytes", payload)
	}
	local, size := w.local(payload), w.stored(payload)
	if n+size > len(b) {
		return 0, damaged(p.n, cellEnds)
	}
	c.Record, c.Own = b[n:n+local:n+local], false
	if local < int(payload) {
		var err error
		if c.Record, err = w.f.overflow(c.Record, number(b[n+local:]), int(payload), p.n); err != nil {
			return 0, err
		}
		c.Own = true
	}
	return at - start + n + size, nil
}

// overflow puts together what is in the cell and what is in the chain of pages
// from page on.
func (f *File) overflow(local []byte, page uint32, size int, from uint32) ([]byte, error) {
	record := f.memory(size)
	for at := copy(record, local); at < size; {
		this, next := page, uint32(0)
		err := f.take(this, from, func(b []byte) {
			next = number(b)
			at += copy(record[at:], b[4:])
		})
		if err != nil {
			return nil, err
		}
		from, page = this, next
	}
	if page != 0 {
		return nil, damaged(from, "a chain that goes on after its payload")
	}
	return record, nil
}

// covering finds out whether the cells and free blocks of a page share bytes.
// Mostly each lies before the one that came last, and no more needs to be known.
// Once one does not, every byte that is taken is marked.
type covering struct {
	w       *walk
	p       *tree
	content int
	taken   int
	lowest  int  // all that was taken is from here on, as long as nothing is marked
	marked  bool // in w.cover
}

func (w *walk) begin(p *tree) covering {
	w.pieces = w.pieces[:0]
	return covering{w: w, p: p, content: p.content(), lowest: w.f.usable}
}

// start gives where a cell begins.
func (c *covering) start(i int) (int, error) {
	head := leafHead
	if c.p.inner {
		head = innerHead
	}
	at := int(binary.BigEndian.Uint16(c.p.b[c.p.at+head+2*i:]))
	if at < c.content || at > c.w.f.usable-minCell {
		return 0, damaged(c.p.n, "cell %d at byte %d, outside %d to %d", i, at, c.content, c.w.f.usable-minCell)
	}
	return at, nil
}

// take takes the bytes of a cell or of a free block.
func (c *covering) take(at, size int) error {
	size = max(size, minCell)
	end := at + size
	if at < c.content || end > c.w.f.usable {
		return damaged(c.p.n, "bytes %d to %d are outside its content", at, end)
	}
	c.taken += size
	if !c.marked && end <= c.lowest {
		c.lowest = at
		c.w.pieces = append(c.w.pieces, piece{at, end})
		return nil
	}
	if !c.marked {
		c.marked = true
		clear(c.w.cover)
		for _, p := range c.w.pieces {
			if err := c.mark(p.at, p.end); err != nil {
				return err
			}
		}
	}
	return c.mark(at, end)
}

// mark marks bytes that must not be marked yet.
func (c *covering) mark(at, end int) error {
	for at < end {
		word, from := at/64, at%64
		n := min(64-from, end-at)
		mask := (^uint64(0) >> (64 - n)) << from
		if both := c.w.cover[word] & mask; both != 0 {
			return damaged(c.p.n, "byte %d is used twice", word*64+bits.TrailingZeros64(both))
		}
		c.w.cover[word] |= mask
		at += n
	}
	return nil
}

// end takes the free blocks, and expects no other bytes to be left over than
// the page says.
func (c *covering) end() error {
	b := c.p.b
	for at := int(binary.BigEndian.Uint16(b[c.p.at+1:])); at != 0; {
		if at > c.w.f.usable-minCell {
			return damaged(c.p.n, "a free block at byte %d", at)
		}
		next, size := int(binary.BigEndian.Uint16(b[at:])), int(binary.BigEndian.Uint16(b[at+2:]))
		if size < minCell || next != 0 && next <= at+size+3 {
			return damaged(c.p.n, "free blocks out of order at byte %d", at)
		}
		if err := c.take(at, size); err != nil {
			return err
		}
		at = next
	}
	if left, says := c.w.f.usable-c.content-c.taken, int(b[c.p.at+7]); left != says {
		return damaged(c.p.n, "%d bytes are left over, it says %d", left, says)
	}
	return nil
}

// varint reads a number of SQLite's: seven bits a byte, highest first, eight in
// the ninth. It gives how many bytes it has; 0 if b ends before, or if fewer bytes
// would do: SQLite writes no such number, and does not read it alike everywhere.
func varint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	var v uint64
	for i := range min(len(b), 9) {
		switch {
		case i == 8 && v < 1<<48:
			return 0, 0
		case i == 8:
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 && b[0] == 0x80 {
			return 0, 0
		}
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
