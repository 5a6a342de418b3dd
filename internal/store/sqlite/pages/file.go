package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// Read gives the bytes of a page; the first is 1. The bytes are the caller's.
type Read func(page uint32) ([]byte, error)

// File is one snapshot of a file. It is for one goroutine at a time.
type File struct {
	read   Read
	count  uint32 // of pages
	usable int    // bytes of each
	used   []uint64
	trunk  uint32 // first page of the list of free ones
	free   uint32 // how many there are

	// For the page at hand: what was taken of it, and which bytes.
	pieces []piece
	cover  []uint64
}

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
	head, err := read(1)
	if err != nil {
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
		read: read, count: count, usable: size, used: make([]uint64, count/64+1), cover: make([]uint64, size/64),
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
func (f *File) take(page, from uint32) ([]byte, error) {
	if err := f.claim(page, from); err != nil {
		return nil, err
	}
	b, err := f.read(page)
	if err == nil && len(b) != f.usable {
		err = damaged(page, "%d bytes, want %d", len(b), f.usable)
	}
	return b, err
}

func (f *File) claim(page, from uint32) error {
	if page == 0 || page > f.count {
		return damaged(from, "names page %d, there are %d", page, f.count)
	}
	if f.used[page/64]&(1<<(page%64)) != 0 {
		return damaged(from, "names page %d, which is used already", page)
	}
	f.mark(page)
	return nil
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
	found := uint32(0)
	for page, from := f.trunk, uint32(1); page != 0; {
		b, err := f.take(page, from)
		if err != nil {
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
