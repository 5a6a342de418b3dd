package zipform

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"runtime"
)

// blockSize is how much content is packed as one piece. Pieces are packed
// side by side and know nothing of each other, so the result does not depend
// on how many run at once.
const blockSize = 1 << 20

// deflater packs content into one deflate stream, piece by piece: each piece
// but the last ends with an empty block that brings it to a whole byte, so that
// the pieces can be joined.
type deflater struct {
	dst     io.Writer
	pieces  []*piece // a ring
	head    int      // the piece that is being filled
	waiting int      // pieces before head that run
	err     error
}

// piece is content on its way, and what it takes to pack it.
type piece struct {
	in   []byte
	out  bytes.Buffer
	w    *flate.Writer
	err  error
	done chan struct{}
}

func newDeflater(level int) (*deflater, error) {
	d := &deflater{}
	for range min(runtime.GOMAXPROCS(0), 4) + 1 {
		w, err := flate.NewWriter(nil, level)
		if err != nil {
			return nil, err
		}
		d.pieces = append(d.pieces, &piece{w: w, done: make(chan struct{}, 1)})
	}
	return d, nil
}

// Reset begins a new stream to dst.
func (d *deflater) Reset(dst io.Writer) {
	for d.waiting > 0 {
		d.take() // of a stream that was given up
	}
	d.dst, d.err = dst, nil
	d.pieces[d.head].in = d.pieces[d.head].in[:0]
}

func (d *deflater) Write(b []byte) (int, error) {
	n := 0
	for len(b) > 0 {
		p := d.pieces[d.head]
		if len(p.in) == blockSize {
			d.send()
			continue
		}
		k := min(len(b), blockSize-len(p.in))
		p.in = append(p.in, b[:k]...)
		b = b[k:]
		n += k
	}
	return n, d.err
}

// send starts packing the filled piece and makes room for the next.
func (d *deflater) send() {
	p := d.pieces[d.head]
	go func() {
		p.pack(false)
		p.done <- struct{}{}
	}()
	d.head = (d.head + 1) % len(d.pieces)
	if d.waiting++; d.waiting == len(d.pieces) {
		d.take()
	}
	d.pieces[d.head].in = d.pieces[d.head].in[:0]
}

// take waits for the oldest piece and writes it.
func (d *deflater) take() {
	i := (d.head - d.waiting + len(d.pieces)) % len(d.pieces)
	d.waiting--
	p := d.pieces[i]
	<-p.done
	d.emit(p)
}

func (d *deflater) emit(p *piece) {
	d.err = errors.Join(d.err, p.err)
	if d.err == nil {
		_, d.err = p.out.WriteTo(d.dst)
	}
}

// Close packs what is left, ends the stream and writes all of it.
func (d *deflater) Close() error {
	for d.waiting > 0 {
		d.take()
	}
	p := d.pieces[d.head]
	p.pack(true)
	d.emit(p)
	return d.err
}

func (p *piece) pack(last bool) {
	p.out.Reset()
	p.w.Reset(&p.out)
	if _, p.err = p.w.Write(p.in); p.err != nil {
		return
	}
	if last {
		p.err = p.w.Close()
	} else {
		p.err = p.w.Flush()
	}
}
