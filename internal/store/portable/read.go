package portable

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Read reads a stream into a sink. Nothing counts before Read has returned
// nil: only then has the digest of the whole been compared.
func Read(r io.Reader, to Sink) error {
	t := &tailReader{r: bufio.NewReaderSize(r, 1<<20), sum: sha256.New()}
	head := make([]byte, len(magic))
	_, err := io.ReadFull(t, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if err != nil || string(head) != magic {
		return fmt.Errorf("%w: it does not begin with %q", ErrDamaged, strings.TrimSpace(magic))
	}
	z, err := zstd.NewReader(t, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	d := &reader{in: bufio.NewReaderSize(z, 1<<20), to: to}
	if err := d.run(); errors.Is(err, ErrDamaged) {
		return err
	} else if err != nil {
		// What the sink refused may be what damaged bytes say.
		return errors.Join(t.check(), err)
	}
	if err := t.check(); err != nil {
		return err
	}
	return to.End(d.end)
}

// check reads what is left and compares the digest.
func (t *tailReader) check() error {
	if _, err := io.Copy(io.Discard, t); err != nil {
		return err
	}
	if !t.ended || !bytes.Equal(t.sum.Sum(nil), t.tail) {
		return fmt.Errorf("%w: its digest is not that of its bytes: it was changed or cut off", ErrDamaged)
	}
	return nil
}

// tailReader keeps back the last bytes of what it reads, the digest, and
// hashes the rest.
type tailReader struct {
	r     io.Reader
	sum   hash.Hash
	tail  []byte
	ended bool
}

func (t *tailReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(t.tail) <= sha256.Size && !t.ended {
		buf := make([]byte, 64<<10)
		n, err := t.r.Read(buf)
		t.tail = append(t.tail, buf[:n]...)
		if errors.Is(err, io.EOF) {
			t.ended = true
		} else if err != nil {
			return 0, err
		}
	}
	n := min(len(t.tail)-sha256.Size, len(p))
	if n <= 0 {
		return 0, io.EOF
	}
	copy(p, t.tail[:n])
	t.sum.Write(t.tail[:n])
	t.tail = t.tail[n:]
	return n, nil
}

// reader reads pieces.
type reader struct {
	in   *bufio.Reader
	to   Sink
	at   int // index in order of the last piece's kind
	n    Counts
	end  End
	done bool
	buf  []byte
}

func damaged(where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends %s: it was cut off", ErrDamaged, where)
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, where, err)
}

func (d *reader) where() string {
	return fmt.Sprintf("after %d lines and %d payloads", d.n.Lines, d.n.Payloads)
}

func (d *reader) run() error {
	for {
		kind, err := d.in.ReadByte()
		if errors.Is(err, io.EOF) && d.done {
			return d.check()
		}
		if err != nil {
			return damaged(d.where(), err)
		}
		at := strings.IndexByte(order, kind)
		if at < d.at || d.done || at < 0 || at == 0 && d.n != (Counts{}) {
			return damaged(d.where(), fmt.Errorf("a piece %q that does not belong here", kind))
		}
		d.at = at
		if err := d.piece(kind); err != nil {
			return err
		}
	}
}

// piece reads one piece and hands it on.
func (d *reader) piece(kind byte) error {
	n, err := binary.ReadUvarint(d.in)
	if err != nil {
		return damaged(d.where(), err)
	}
	if n > maxPiece {
		return damaged(d.where(), fmt.Errorf("a piece of %d bytes", n))
	}
	if uint64(cap(d.buf)) < n {
		d.buf = make([]byte, n)
	}
	b := d.buf[:n]
	if _, err := io.ReadFull(d.in, b); err != nil {
		return damaged(d.where(), err)
	}
	switch kind {
	case pieceHead:
		return hand(d, b, &Head{}, func(h *Head) error { return d.to.Head(*h) })
	case pieceLines:
		lines := int64(bytes.Count(b, []byte{'\n'}))
		if lines == 0 || b[len(b)-1] != '\n' {
			return damaged(d.where(), errors.New("lines without an end"))
		}
		first := d.n.Lines
		d.n.Lines += lines
		return d.to.Lines(first, lines, b)
	case piecePayload:
		return d.payload(b)
	case pieceGroup:
		d.n.Groups++
		id, used := binary.Uvarint(b)
		if used <= 0 {
			return damaged(d.where(), errors.New("a group without a number"))
		}
		return hand(d, b[used:], &Group{ID: int64(id)}, func(g *Group) error { return d.to.Group(*g) })
	case pieceMembers:
		return d.members(b)
	case pieceState:
		d.n.State++
		return hand(d, b, &State{}, func(s *State) error { return d.to.State(*s) })
	case pieceTally:
		d.n.Tally++
		return hand(d, b, &Tally{}, func(t *Tally) error { return d.to.Tally(*t) })
	}
	d.done = true
	return hand(d, b, &d.end, func(*End) error { return nil })
}

// hand reads JSON and hands it on.
func hand[T any](d *reader, b []byte, v *T, on func(*T) error) error {
	if err := json.Unmarshal(b, v); err != nil {
		return damaged(d.where(), err)
	}
	return on(v)
}

func (d *reader) payload(b []byte) error {
	var p Payload
	n := len(p.Sum)
	if len(b) < n+2 || b[n] > 1 {
		return damaged(d.where(), errors.New("a payload without head"))
	}
	p.Sum, p.Erased = evidence.Digest(b[:n]), b[n] == 1
	size, used := binary.Uvarint(b[n+1:])
	if used <= 0 || size > maxPiece {
		return damaged(d.where(), errors.New("a payload without size"))
	}
	p.Size = int(size)
	d.n.Payloads++
	if p.Erased {
		d.n.Erased++
	}
	body := b[n+1+used:]
	switch {
	case p.Erased && len(body) > 0:
		return damaged("payload "+p.Sum.String(), errors.New("it was erased and has bytes"))
	case !p.Erased && (len(body) != p.Size || evidence.Sum(body) != p.Sum):
		return damaged("payload "+p.Sum.String(), errors.New("its bytes have another digest"))
	case !p.Erased:
		p.Body = body
	}
	return d.to.Payload(p)
}

func (d *reader) members(b []byte) error {
	var list []Member
	for len(b) > 0 {
		seq, n := binary.Uvarint(b)
		if n <= 0 {
			return damaged(d.where(), errors.New("members that cannot be read"))
		}
		grp, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return damaged(d.where(), errors.New("members that cannot be read"))
		}
		list = append(list, Member{int64(seq), int64(grp)})
		b = b[n+m:]
	}
	d.n.Members += int64(len(list))
	return d.to.Members(list)
}

// check compares what was read with what the end says.
func (d *reader) check() error {
	if d.n != d.end.Counts {
		return damaged("at its end", fmt.Errorf("it says %+v and holds %+v", d.end.Counts, d.n))
	}
	return nil
}
