package pages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrOther: the file has a form that this package does not read.
var ErrOther = errors.New("an SQLite file of a form that is not read here")

// Damage is the first thing that does not hold in a file.
type Damage struct {
	Page uint32
	What string
}

func (d *Damage) Error() string { return fmt.Sprintf("page %d: %s", d.Page, d.What) }

func damaged(page uint32, format string, args ...any) error {
	return &Damage{Page: page, What: fmt.Sprintf(format, args...)}
}

// Read calls use once with the bytes of a page, which are good until use returns;
// the first page is 1. It may be called by several goroutines at once if trees are
// walked so.
type Read func(page uint32, use func(b []byte)) error

// File is one snapshot of a file. Several goroutines may walk trees of it, each its
// own.
type File struct {
	read   Read
	count  uint32 // of pages
	usable int    // bytes of each
	trunk  uint32 // first page of the list of free ones
	free   uint32 // how many there are

	mu    sync.Mutex
	used  []uint64 // a bit for each page
	spare [][]byte // memory for records
}

// maxSpare is how many records' memory is kept for use again.
const maxSpare = 32

// piece is bytes of a page.
type piece struct{ at, end int }

// Places in the head of a file.
const (
	magic     = "SQLite format 3\x00"
	headSize  = 100
	atSize    = 16
	atReserve = 20
	atShares  = 21
	atTrunk   = 32
	atFree    = 36
	atFormat  = 44
	atVacuum  = 52
	atCoding  = 56
	atSteps   = 64 // of a vacuum in steps
)

// lockByte is where SQLite puts its locks: the page around it is never used.
const lockByte = 1 << 30

// Open begins with a file of so many pages.
func Open(count uint32, read Read) (*File, error) {
	var head []byte
	if err := read(1, func(b []byte) { head = bytes.Clone(b) }); err != nil {
		return nil, err
	}
	if len(head) < 512 || string(head[:len(magic)]) != magic {
		return nil, damaged(1, "no head of an SQLite file")
	}
	size := int(binary.BigEndian.Uint16(head[atSize:]))
	if size == 1 {
		size = 1 << 16
	}
	switch {
	case size != len(head):
		return nil, damaged(1, "pages of %d bytes, the head says %d", len(head), size)
	case string(head[atShares:atShares+3]) != "\x40\x20\x20":
		return nil, damaged(1, "shares of payload that no SQLite file has")
	case head[atReserve] != 0, number(head[atVacuum:]) != 0, number(head[atSteps:]) != 0, number(head[atCoding:]) != 1, number(head[atFormat:]) != 4:
		return nil, ErrOther
	}
	f := &File{
		read: read, count: count, usable: size, used: make([]uint64, count/64+1),
		trunk: number(head[atTrunk:]), free: number(head[atFree:]),
	}
	if lock := uint32(lockByte/size) + 1; lock <= count {
		f.mark(lock)
	}
	return f, nil
}

func number(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

func (f *File) mark(page uint32) { f.used[page/64] |= 1 << (page % 64) }

// take reads a page that nothing else may have used. from is the page that
// names it.
func (f *File) take(page, from uint32, use func(b []byte)) error {
	if err := f.claim(page, from); err != nil {
		return err
	}
	size := f.usable
	err := f.read(page, func(b []byte) {
		if size = len(b); size == f.usable {
			use(b)
		}
	})
	if err == nil && size != f.usable {
		err = damaged(page, "%d bytes, want %d", size, f.usable)
	}
	return err
}

func (f *File) claim(page, from uint32) error {
	if page == 0 || page > f.count {
		return damaged(from, "names page %d, there are %d", page, f.count)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used[page/64]&(1<<(page%64)) != 0 {
		return damaged(from, "names page %d, which is used already", page)
	}
	f.mark(page)
	return nil
}

// memory gives size bytes, with anything in them.
func (f *File) memory(size int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.spare) - 1; i >= 0; i-- {
		if b := f.spare[i]; cap(b) >= size {
			f.spare = slices.Delete(f.spare, i, i+1)
			return b[:size]
		}
	}
	return make([]byte, size, size+size/4)
}

// Own gives a cell a record of its own, if it has none.
func (f *File) Own(c *Cell) {
	if c.Own {
		return
	}
	record := f.memory(len(c.Record))
	copy(record, c.Record)
	c.Record, c.Own = record, true
}

// Reuse takes back the memory of a record of its own that nobody uses any more.
func (f *File) Reuse(c Cell) {
	if !c.Own {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.spare) < maxSpare {
		f.spare = append(f.spare, c.Record)
	}
}

// Close reads the list of free pages and expects no page to be left over. It is
// called when every tree has been walked.
func (f *File) Close() error {
	if err := f.walkFree(); err != nil {
		return err
	}
	for page := uint32(1); page <= f.count; page++ {
		if f.used[page/64]&(1<<(page%64)) == 0 {
			return damaged(page, "never used")
		}
	}
	return nil
}

func (f *File) walkFree() error {
	found, b := uint32(0), make([]byte, f.usable)
	for page, from := f.trunk, uint32(1); page != 0; {
		if err := f.take(page, from, func(page []byte) { copy(b, page) }); err != nil {
			return err
		}
		next, n := number(b), number(b[4:])
		if n > uint32(f.usable/4-2) {
			return damaged(page, "a list of %d free pages", n)
		}
		for i := range n {
			if err := f.claim(number(b[8+4*i:]), page); err != nil {
				return err
			}
		}
		found += n + 1
		page, from = next, page
	}
	if found != f.free {
		return damaged(1, "says %d free pages, there are %d", f.free, found)
	}
	return nil
}
