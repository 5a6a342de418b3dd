package zipform

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// Part is one entry as packed: its name and everything about its bytes.
type Part struct {
	Name      string
	Method    uint16
	CRC32     uint32
	Size      uint64            // bytes of the content
	Packed    uint64            // bytes as packed
	Sum       [sha256.Size]byte // SHA-256 of the content
	PackedSum [sha256.Size]byte // SHA-256 of the packed bytes
}

// Packer packs content into dst. It is used for one entry after another:
// Start, Write…, Finish. The zero value is not ready; use NewPacker.
type Packer struct {
	dst      *counted
	part     Part
	content  hash.Hash
	deflates map[int]*deflater // by level
	w        io.Writer         // where content goes: a deflater or dst
}

// counted passes bytes on, counts and sums them.
type counted struct {
	w   io.Writer
	n   uint64
	sum hash.Hash
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	c.sum.Write(p[:n])
	return n, err
}

// NewPacker returns a Packer.
func NewPacker() *Packer {
	return &Packer{
		dst:      &counted{sum: sha256.New()},
		content:  sha256.New(),
		deflates: make(map[int]*deflater, 2),
	}
}

// Level is how hard to pack.
type Level int

// Levels. Store is for what is packed already, and for what must be readable
// in the archive's bytes.
const (
	Store  Level = iota
	Fast         // small contents
	Normal       // large contents
)

// normalLevel is what archive/zip uses; one more doubles the time for a
// hundredth of the size.
const normalLevel = 5

// Start begins an entry whose packed bytes go to dst.
func (p *Packer) Start(dst io.Writer, name string, level Level) error {
	if err := CheckName(name); err != nil {
		return err
	}
	p.dst.w, p.dst.n = dst, 0
	p.dst.sum.Reset()
	p.content.Reset()
	p.part = Part{Name: name}
	if level == Store {
		p.part.Method, p.w = Stored, p.dst
		return nil
	}
	p.part.Method = Deflated
	n := flate.BestSpeed
	if level == Normal {
		n = normalLevel
	}
	d := p.deflates[n]
	if d == nil {
		var err error
		if d, err = newDeflater(n); err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
		p.deflates[n] = d
	}
	d.Reset(p.dst)
	p.w = d
	return nil
}

// Write packs b.
func (p *Packer) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.content.Write(b[:n])
	p.part.CRC32 = crc32.Update(p.part.CRC32, crc32.IEEETable, b[:n])
	p.part.Size += uint64(n)
	return n, err
}

// Finish ends the entry begun last and returns what it became.
func (p *Packer) Finish() (Part, error) {
	if d, ok := p.w.(*deflater); ok {
		if err := d.Close(); err != nil {
			return Part{}, fmt.Errorf("packing %s: %w", p.part.Name, err)
		}
	}
	p.w = nil
	p.part.Packed = p.dst.n
	p.content.Sum(p.part.Sum[:0])
	p.dst.sum.Sum(p.part.PackedSum[:0])
	return p.part, nil
}

// Writer writes an archive. It holds the central directory, beyond a MiB in a
// temporary file, and nothing else. Close it in any case: that removes the file.
type Writer struct {
	w       io.Writer
	offset  uint64
	count   uint64
	central spool
	pack    *Packer
	scratch []byte
	err     error // of an earlier write; the archive is lost
	closed  bool
}

// NewWriter returns a Writer to w. Temporary files go to tmp; empty means the
// system's place for them.
func NewWriter(w io.Writer, tmp string) *Writer {
	return &Writer{w: w, central: spool{dir: tmp}, pack: NewPacker()}
}

// Add writes an entry that was packed before: data yields exactly part.Packed
// bytes. It is the caller's duty that no name comes twice.
func (w *Writer) Add(part Part, data io.Reader) error {
	if w.err != nil {
		return w.err
	}
	w.err = w.add(part, data)
	return w.err
}

func (w *Writer) add(part Part, data io.Reader) error {
	if err := CheckName(part.Name); err != nil {
		return err
	}
	h := header{name: part.Name, method: part.Method, crc: part.CRC32,
		packed: part.Packed, size: part.Size, offset: w.offset}
	w.scratch = h.appendLocal(w.scratch[:0])
	if _, err := w.w.Write(w.scratch); err != nil {
		return fmt.Errorf("writing %s: %w", part.Name, err)
	}
	w.offset += uint64(len(w.scratch))
	if part.Packed > math.MaxInt64 {
		return fmt.Errorf("writing %s: too large", part.Name)
	}
	n, err := io.CopyN(w.w, data, int64(part.Packed))
	if err != nil {
		return fmt.Errorf("writing %s after %d of %d bytes: %w", part.Name, n, part.Packed, err)
	}
	w.offset += part.Packed
	w.scratch = h.appendCentral(w.scratch[:0])
	if _, err := w.central.Write(w.scratch); err != nil {
		return fmt.Errorf("writing %s: %w", part.Name, err)
	}
	w.count++
	return nil
}

// AddBytes packs content and writes it as one entry.
func (w *Writer) AddBytes(name string, content []byte, level Level) (Part, error) {
	var buf bytes.Buffer
	if err := w.pack.Start(&buf, name, level); err != nil {
		return Part{}, err
	}
	if _, err := w.pack.Write(content); err != nil {
		return Part{}, err
	}
	part, err := w.pack.Finish()
	if err != nil {
		return Part{}, err
	}
	return part, w.Add(part, &buf)
}

// AddFrom packs what write writes, through a temporary file if it is large,
// and writes it as one entry.
func (w *Writer) AddFrom(name string, level Level, write func(io.Writer) error) (part Part, err error) {
	sp := spool{dir: w.central.dir}
	defer func() { err = errors.Join(err, sp.Close()) }()
	if err := w.pack.Start(&sp, name, level); err != nil {
		return Part{}, err
	}
	if err := write(w.pack); err != nil {
		return Part{}, fmt.Errorf("writing %s: %w", name, err)
	}
	if part, err = w.pack.Finish(); err != nil {
		return Part{}, err
	}
	r, err := sp.Reader()
	if err != nil {
		return Part{}, err
	}
	return part, w.Add(part, r)
}

// Close writes the central directory and the end of the archive. It does not
// close the underlying writer. After a failed write it only cleans up, and
// returns that error. A second Close does nothing.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.err
	if err == nil {
		err = w.finish()
	}
	w.err = os.ErrClosed
	return errors.Join(err, w.central.Close())
}

func (w *Writer) finish() error {
	d := directory{count: w.count, offset: w.offset, size: w.central.n}
	r, err := w.central.Reader()
	if err != nil {
		return err
	}
	if _, err := io.Copy(w.w, r); err != nil {
		return fmt.Errorf("writing the central directory: %w", err)
	}
	if _, err := w.w.Write(d.appendEnd(nil)); err != nil {
		return fmt.Errorf("writing the end of the archive: %w", err)
	}
	return nil
}
