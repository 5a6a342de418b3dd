package portable

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Writer is a Sink that writes the form.
type Writer struct {
	out    io.Writer
	sum    hash.Hash
	z      *zstd.Encoder
	head   []byte
	counts Counts
}

var _ Sink = (*Writer)(nil)

// NewWriter begins a stream. End completes it; before that it is worth nothing.
func NewWriter(w io.Writer) (*Writer, error) {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	if _, err := io.WriteString(out, magic); err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	return &Writer{out: w, sum: sum, z: z}, nil
}

func (w *Writer) piece(kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	w.head = binary.AppendUvarint(append(w.head[:0], kind), uint64(n))
	for _, p := range append([][]byte{w.head}, parts...) {
		if _, err := w.z.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) json(kind byte, before []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.piece(kind, before, b)
}

// Head implements Sink.
func (w *Writer) Head(h Head) error { return w.json(pieceHead, nil, h) }

// Lines implements Sink.
func (w *Writer) Lines(first, n int64, raw []byte) error {
	if first != w.counts.Lines || int64(bytes.Count(raw, []byte{'\n'})) != n {
		return fmt.Errorf("lines from entry %d: %d were expected next", first, w.counts.Lines)
	}
	w.counts.Lines += n
	return w.piece(pieceLines, raw)
}

// Payload implements Sink.
func (w *Writer) Payload(p Payload) error {
	head := append(make([]byte, 0, 48), p.Sum[:]...)
	w.counts.Payloads++
	if p.Erased {
		w.counts.Erased++
		head = append(head, 1)
	} else {
		head = append(head, 0)
	}
	return w.piece(piecePayload, binary.AppendUvarint(head, uint64(p.Size)), p.Body)
}

// Group implements Sink.
func (w *Writer) Group(g Group) error {
	w.counts.Groups++
	return w.json(pieceGroup, binary.AppendUvarint(nil, uint64(g.ID)), g)
}

// Members implements Sink.
func (w *Writer) Members(list []Member) error {
	w.counts.Members += int64(len(list))
	b := make([]byte, 0, 8*len(list))
	for _, m := range list {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(m.Seq)), uint64(m.Group))
	}
	return w.piece(pieceMembers, b)
}

// State implements Sink.
func (w *Writer) State(s State) error {
	w.counts.State++
	return w.json(pieceState, nil, s)
}

// Tally implements Sink.
func (w *Writer) Tally(t Tally) error {
	w.counts.Tally++
	return w.json(pieceTally, nil, t)
}

// End implements Sink: it completes the stream. The counts are the writer's.
func (w *Writer) End(e End) error {
	e.Counts = w.counts
	if err := w.json(pieceEnd, nil, e); err != nil {
		return err
	}
	if err := w.z.Close(); err != nil {
		return err
	}
	_, err := w.out.Write(w.sum.Sum(nil))
	return err
}

// Abandon frees what a stream that will not be ended holds.
func (w *Writer) Abandon() {
	w.z.Reset(io.Discard)
	_ = w.z.Close() // nothing is written any more
}
