package zipform

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Item is an entry being read. It checks, as it goes, that the local header
// is the one the form demands, that the content has the length and checksum
// that the directory says, and that no packed byte is left over.
type Item struct {
	Entry
	*tools
	src      *bufio.Reader // positioned at the local header
	content  io.Reader
	left     io.LimitedReader
	crc      uint32
	n        uint64
	started  bool
	finished bool
	err      error
}

// tools are what reading one entry after another can use again.
type tools struct {
	packed  *bufio.Reader // over the packed bytes, which are summed on their way
	inflate io.ReadCloser
	packSum hash.Hash
	sum     hash.Hash
}

func newTools() *tools {
	t := &tools{packed: bufio.NewReaderSize(nil, 1<<15), packSum: sha256.New(), sum: sha256.New()}
	t.inflate = flate.NewReader(t.packed)
	return t
}

// item prepares reading e alone.
func (r *Reader) item(e Entry, t *tools) *Item {
	src := bufio.NewReader(io.NewSectionReader(r.r, int64(e.head.offset), int64(r.dir.offset-e.head.offset)))
	return &Item{Entry: e, src: src, tools: t}
}

func (it *Item) start() error {
	it.started = true
	want := it.head.appendLocal(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(it.src, got); err != nil {
		return &FormError{Entry: it.Name, Offset: int64(it.head.offset), Want: "a local header", Got: readProblem(err)}
	}
	if i := differ(want, got); i >= 0 {
		return mismatch(it.Name, int64(it.head.offset)+int64(i), want[i:], got[i:])
	}
	it.left = io.LimitedReader{R: it.src, N: int64(it.head.packed)}
	it.sum.Reset()
	it.packSum.Reset()
	it.packed.Reset(io.TeeReader(&it.left, it.packSum))
	it.content = it.packed
	if it.head.method == Deflated {
		if err := it.inflate.(flate.Resetter).Reset(it.packed, nil); err != nil {
			return it.wrong("packed data", err.Error())
		}
		it.content = it.inflate
	}
	return nil
}

// Read reads the content.
func (it *Item) Read(p []byte) (int, error) {
	if it.err != nil {
		return 0, it.err
	}
	if !it.started {
		if it.err = it.start(); it.err != nil {
			return 0, it.err
		}
	}
	n, err := it.content.Read(p)
	it.sum.Write(p[:n])
	it.crc = crc32.Update(it.crc, crc32.IEEETable, p[:n])
	it.n += uint64(n)
	switch {
	case it.n > it.head.size:
		it.err = it.wrong(fmt.Sprintf("a content of %d bytes", it.head.size), "more")
		return 0, it.err
	case err == io.EOF:
		it.err = it.end()
	case err != nil:
		it.err = it.wrong("packed data that can be unpacked", err.Error())
	}
	if it.err != nil && !errors.Is(it.err, io.EOF) {
		return 0, it.err
	}
	return n, it.err
}

// end checks the whole once the content has ended; io.EOF means all is well.
func (it *Item) end() error {
	if it.n != it.head.size {
		return it.wrong(fmt.Sprintf("a content of %d bytes", it.head.size), fmt.Sprintf("%d bytes", it.n))
	}
	if rest := int64(it.packed.Buffered()) + it.left.N; rest != 0 {
		return it.wrong("packed data that ends with the content", fmt.Sprintf("%d more bytes", rest))
	}
	if it.crc != it.head.crc {
		return it.wrong(fmt.Sprintf("a content with CRC-32 %08x", it.head.crc), fmt.Sprintf("%08x", it.crc))
	}
	return io.EOF
}

// Finish reads what is left and returns what was found.
func (it *Item) Finish() (Part, error) {
	if !it.finished {
		it.finished = true
		if _, err := io.Copy(io.Discard, onlyReader{it}); err != nil {
			return Part{}, err
		}
	}
	if !errors.Is(it.err, io.EOF) {
		return Part{}, it.err
	}
	p := Part{Name: it.Name, Method: it.Method, CRC32: it.crc, Size: it.n, Packed: it.head.packed}
	it.sum.Sum(p.Sum[:0])
	it.packSum.Sum(p.PackedSum[:0])
	return p, nil
}

// onlyReader hides everything but Read, so that io.Copy goes through it.
type onlyReader struct{ io.Reader }

func (it *Item) wrong(want, got string) error {
	return &FormError{Entry: it.Name, Offset: int64(it.head.offset), Want: want, Got: got}
}
