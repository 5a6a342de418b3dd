package zipform

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
)

// maxRatio is how much larger than its packed form a large content may be.
const (
	maxRatio   = 400
	ratioFloor = 16 << 20
)

// Reader reads an archive that is in the form, and says where it is not. It is
// not safe for concurrent use.
type Reader struct {
	r     io.ReaderAt
	dir   directory
	spare *tools // of the last content read by Read
}

// Open reads the records that end the file of size bytes.
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	if size < endLen {
		return nil, &FormError{Offset: 0, Want: "a zip archive", Got: fmt.Sprintf("a file of %d bytes", size)}
	}
	tail := make([]byte, min(size, endLen+locator64+end64Len))
	base := size - int64(len(tail))
	if err := readAt(r, tail, base); err != nil {
		return nil, err
	}
	d, err := parseEnd(tail, base)
	if err != nil {
		return nil, err
	}
	want := d.appendEnd(nil)
	if len(want) > len(tail) || d.offset+d.size+uint64(len(want)) != uint64(size) || d.offset > uint64(size) || d.size > uint64(size) {
		return nil, &FormError{Offset: size - endLen, Want: "a central directory that ends where the end record begins",
			Got: fmt.Sprintf("a directory of %d bytes at %d in a file of %d", d.size, d.offset, size)}
	}
	got := tail[len(tail)-len(want):]
	if i := differ(want, got); i >= 0 {
		return nil, mismatch("", size-int64(len(want))+int64(i), want[i:], got[i:])
	}
	if min := d.count * centralLen; d.size < min {
		return nil, &FormError{Offset: size - endLen, Want: fmt.Sprintf("a directory of at least %d bytes", min), Got: fmt.Sprint(d.size)}
	}
	return &Reader{r: r, dir: d}, nil
}

// parseEnd takes the directory's place from the end records, unchecked.
func parseEnd(tail []byte, base int64) (directory, error) {
	le := binary.LittleEndian
	end := tail[len(tail)-endLen:]
	if le.Uint32(end) != markEnd {
		return directory{}, &FormError{Offset: base + int64(len(tail)-endLen), Want: "the end record of a zip archive",
			Got: fmt.Sprintf("%x", end[:4])}
	}
	d := directory{count: uint64(le.Uint16(end[10:])), size: uint64(le.Uint32(end[12:])), offset: uint64(le.Uint32(end[16:]))}
	if !d.big() {
		return d, nil
	}
	if len(tail) < endLen+locator64+end64Len {
		return d, &FormError{Offset: base, Want: "a ZIP64 end record", Got: "nothing before the end record"}
	}
	rec := tail[len(tail)-endLen-locator64-end64Len:]
	d = directory{count: le.Uint64(rec[32:]), size: le.Uint64(rec[40:]), offset: le.Uint64(rec[48:])}
	if !d.big() {
		return d, &FormError{Offset: base, Want: "no ZIP64 end record for so small an archive", Got: "one"}
	}
	return d, nil
}

// Count is the number of entries the archive claims.
func (r *Reader) Count() uint64 { return r.dir.count }

// Entry is an entry as the directory lists it. Its content is unread.
type Entry struct {
	Name   string
	Size   uint64
	Packed uint64
	Method uint16
	head   header
}

// Offset is the byte at which the entry's local header begins.
func (e Entry) Offset() int64 { return int64(e.head.offset) }

// Entries yields the entries as the central directory lists them, each
// checked against the form and against its neighbours. The local headers and
// contents are unread.
func (r *Reader) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var next uint64
		at := r.dir.offset
		br := bufio.NewReaderSize(io.NewSectionReader(r.r, int64(r.dir.offset), int64(r.dir.size)), int(min(r.dir.size, 1<<16)))
		var scratch []byte
		for i := uint64(0); i < r.dir.count; i++ {
			h, n, err := readCentral(br, int64(at), next, &scratch)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			at += uint64(n)
			next = h.offset + uint64(len(h.appendLocal(scratch[:0]))) + h.packed
			if next > r.dir.offset {
				yield(Entry{}, &FormError{Entry: h.name, Offset: int64(at), Want: "data that ends before the central directory",
					Got: fmt.Sprintf("data up to %d", next)})
				return
			}
			if !yield(Entry{Name: h.name, Size: h.size, Packed: h.packed, Method: h.method, head: h}, nil) {
				return
			}
		}
		if at != r.dir.offset+r.dir.size {
			yield(Entry{}, &FormError{Offset: int64(at), Want: "the end of the central directory",
				Got: fmt.Sprintf("%d more bytes", r.dir.offset+r.dir.size-at)})
			return
		}
		if next != r.dir.offset {
			yield(Entry{}, &FormError{Offset: int64(next), Want: "the central directory after the last entry",
				Got: fmt.Sprintf("%d bytes of no entry", r.dir.offset-next)})
		}
	}
}

// readCentral reads one record of the directory, which lies at byte at; its
// entry must begin at offset.
func readCentral(br *bufio.Reader, at int64, offset uint64, scratch *[]byte) (header, int, error) {
	var fixed [centralLen]byte
	if _, err := io.ReadFull(br, fixed[:]); err != nil {
		return header{}, 0, &FormError{Offset: at, Want: "a record of the central directory", Got: readProblem(err)}
	}
	le := binary.LittleEndian
	nameLen, extraLen := int(le.Uint16(fixed[28:])), int(le.Uint16(fixed[30:]))
	rest := make([]byte, nameLen+extraLen)
	if _, err := io.ReadFull(br, rest); err != nil {
		return header{}, 0, &FormError{Offset: at, Want: "the name of an entry", Got: readProblem(err)}
	}
	h := header{
		name: string(rest[:nameLen]), method: le.Uint16(fixed[10:]), crc: le.Uint32(fixed[16:]),
		packed: uint64(le.Uint32(fixed[20:])), size: uint64(le.Uint32(fixed[24:])), offset: offset,
	}
	if err := CheckName(h.name); err != nil {
		return header{}, 0, &FormError{Offset: at, Want: "a plain name", Got: err.Error()}
	}
	if h.method != Stored && h.method != Deflated {
		return header{}, 0, &FormError{Entry: h.name, Offset: at, Want: "method 0 or 8", Got: fmt.Sprint(h.method)}
	}
	if h.big() && extraLen >= 20 {
		h.size, h.packed = le.Uint64(rest[nameLen+4:]), le.Uint64(rest[nameLen+12:])
	}
	*scratch = h.appendCentral((*scratch)[:0])
	got := append(fixed[:], rest...)
	if i := differ(*scratch, got); i >= 0 {
		return header{}, 0, mismatch(h.name, at+int64(i), (*scratch)[i:], got[i:])
	}
	if h.packed > math.MaxInt64/2 || h.size > math.MaxInt64/2 {
		return header{}, 0, &FormError{Entry: h.name, Offset: at, Want: "a size that can be", Got: fmt.Sprint(h.size)}
	}
	if h.size > ratioFloor && h.size/maxRatio > h.packed {
		return header{}, 0, &FormError{Entry: h.name, Offset: at,
			Want: fmt.Sprintf("a content at most %d times its packed size", maxRatio),
			Got:  fmt.Sprintf("%d bytes packed into %d", h.size, h.packed)}
	}
	return h, len(got), nil
}

// Last returns the last n entries, or fewer if there are not as many.
func (r *Reader) Last(n int) ([]Entry, error) {
	var last []Entry
	for e, err := range r.Entries() {
		if err != nil {
			return nil, err
		}
		if last = append(last, e); len(last) > n {
			last = last[1:]
		}
	}
	return last, nil
}

// Read returns an entry's content, of at most limit bytes, and what was found
// about it.
func (r *Reader) Read(e Entry, limit int64) ([]byte, Part, error) {
	if e.Size > uint64(limit) {
		return nil, Part{}, &FormError{Entry: e.Name, Offset: int64(e.head.offset),
			Want: fmt.Sprintf("at most %d bytes", limit), Got: fmt.Sprint(e.Size)}
	}
	if r.spare == nil {
		r.spare = newTools()
	}
	it := r.item(e, r.spare)
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, it); err != nil {
		return nil, Part{}, err
	}
	part, err := it.Finish()
	return buf.Bytes(), part, err
}

// Open returns an entry's content as a stream. Finish it.
func (r *Reader) Open(e Entry) *Item { return r.item(e, newTools()) }

// Items yields every entry with its content, in order. An Item is valid until
// the next; what is left unread of it is read and checked all the same.
func (r *Reader) Items() iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		br := bufio.NewReaderSize(io.NewSectionReader(r.r, 0, int64(r.dir.offset)), int(min(r.dir.offset, 1<<18)))
		t := r.spare
		if r.spare = nil; t == nil {
			t = newTools()
		}
		for e, err := range r.Entries() {
			if err != nil {
				yield(nil, err)
				return
			}
			it := &Item{Entry: e, src: br, tools: t}
			if !yield(it, nil) {
				return
			}
			if _, err := it.Finish(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		return &FormError{Offset: off, Want: fmt.Sprintf("%d bytes", len(p)), Got: readProblem(err)}
	}
	return nil
}

func readProblem(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the end of the file"
	}
	return err.Error()
}

// differ returns the first index at which a and b differ, or -1.
func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

func mismatch(entry string, offset int64, want, got []byte) *FormError {
	show := func(b []byte) string {
		if len(b) == 0 {
			return "nothing"
		}
		return fmt.Sprintf("byte %02x", b[0])
	}
	return &FormError{Entry: entry, Offset: offset, Want: show(want), Got: show(got)}
}

// Section gives the bytes of an entry that was stored as it is, to be read at
// random. They are unchecked: read the entry as an Item too.
func (r *Reader) Section(e Entry) (*io.SectionReader, error) {
	if e.Method != Stored {
		return nil, &FormError{Entry: e.Name, Offset: int64(e.head.offset), Want: "an entry that is not compressed", Got: "a compressed one"}
	}
	at := int64(e.head.offset) + int64(len(e.head.appendLocal(nil)))
	return io.NewSectionReader(r.r, at, int64(e.head.packed)), nil
}
