package sqlstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Sizes of blocks, in bytes before compression.
const (
	blockSize  = 64 << 10 // a block is closed when it would grow beyond
	maxBlock   = 64 << 20 // nothing larger is ever unpacked
	maxPayload = 32 << 20 // larger payloads and lines are refused
)

// A packed block is the CRC-32C of an S2 block and the S2 block (Snappy's
// format with longer copies). S2 rather than zstd: half as large again, but
// packed four times and unpacked nearly twice as fast, and packing was the
// larger part of an append, unpacking of a verification. With the sum no byte
// of a block can change unseen, not even one that changes nothing that is
// unpacked. It is there for accidents: against intent there are the ledger and
// the digests.
const packSum = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pack compresses raw.
func pack(raw []byte) []byte {
	out := make([]byte, packSum+s2.MaxEncodedLen(len(raw)))
	block := s2.Encode(out[packSum:], raw)
	binary.BigEndian.PutUint32(out, crc32.Checksum(block, castagnoli))
	return out[:packSum+len(block)]
}

// unpack gives back raw bytes, which must be of the given size, in the memory of
// into if there is some. Its errors say what is wrong with the block; the caller
// knows which it is.
func unpack(data []byte, size int64, into *[]byte) ([]byte, error) {
	if size < 0 || size > maxBlock || len(data) < packSum {
		return nil, fmt.Errorf("%d bytes that claim %d", len(data), size)
	}
	block := data[packSum:]
	if crc32.Checksum(block, castagnoli) != binary.BigEndian.Uint32(data) {
		return nil, errors.New("damaged bytes, not those of its checksum")
	}
	if n, err := s2.DecodedLen(block); err != nil || int64(n) != size {
		return nil, fmt.Errorf("one of %d bytes", n)
	}
	var memory []byte
	if into != nil {
		if int64(cap(*into)) < size {
			*into = make([]byte, size)
		}
		memory = *into
	}
	raw, err := s2.Decode(memory, block)
	if err != nil {
		return nil, fmt.Errorf("one that does not unpack: %w", err)
	}
	return raw, nil
}

// lineBlock is consecutive lines as stored.
type lineBlock struct {
	first, n, raw int64
	data          []byte
}

func (b *lineBlock) has(seq int64) bool { return b != nil && b.first <= seq && seq < b.first+b.n }

// lines unpacks a block.
func (b *lineBlock) lines() ([][]byte, error) { return b.linesInto(nil) }

// linesInto unpacks a block into some memory, if there is some.
func (b *lineBlock) linesInto(into *[]byte) ([][]byte, error) {
	raw, err := b.unpack(into)
	if err != nil {
		return nil, err
	}
	out, err := splitLines(raw, b.n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.place(), err)
	}
	return out, nil
}

// unpack gives the lines one after the other.
func (b *lineBlock) unpack(into *[]byte) ([]byte, error) {
	raw, err := unpack(b.data, b.raw, into)
	if err != nil {
		return nil, damaged(b.place(), b.raw, err)
	}
	return raw, nil
}

// damaged says which block does not unpack to its size, and why.
func damaged(place string, size int64, err error) error {
	return &store.Discrepancy{Place: place, Want: fmt.Sprintf("a block that unpacks to %d bytes", size), Got: err.Error()}
}

// place names the block by what it holds.
func (b *lineBlock) place() string {
	return fmt.Sprintf("block of entries %d to %d", b.first, b.first+b.n-1)
}

// splitLines cuts raw into its n lines.
func splitLines(raw []byte, n int64) ([][]byte, error) {
	if n < 1 || n > int64(len(raw)) {
		return nil, fmt.Errorf("block of %d bytes claims %d lines: %w", len(raw), n, store.ErrTampered)
	}
	out := make([][]byte, 0, n)
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\n')
		if i < 0 {
			return nil, fmt.Errorf("block does not end in a newline: %w", store.ErrTampered)
		}
		out = append(out, raw[:i:i])
		raw = raw[i+1:]
	}
	if int64(len(out)) != n {
		return nil, fmt.Errorf("block holds %d lines, want %d: %w", len(out), n, store.ErrTampered)
	}
	return out, nil
}

// Payload heads: a digest, a big-endian 32-bit size and a state for each.
const (
	headItem = len(evidence.Digest{}) + 5
	stored   = 0
	erased   = 1
)

// payloadItem is one payload as a head names it.
type payloadItem struct {
	sum    evidence.Digest
	size   int64
	erased bool
}

func appendHead(head []byte, it payloadItem) []byte {
	head = append(head, it.sum[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(it.size))
	if it.erased {
		return append(head, erased)
	}
	return append(head, stored)
}

// payloadBlock is neighbouring payloads as stored.
type payloadBlock struct {
	block, raw int64
	head, data []byte
}

// items reads the head.
func (b *payloadBlock) items() ([]payloadItem, error) {
	if err := b.checkHead(); err != nil {
		return nil, err
	}
	out := make([]payloadItem, 0, len(b.head)/headItem)
	for h := b.head; len(h) > 0; h = h[headItem:] {
		it, err := b.item(h)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

func (b *payloadBlock) checkHead() error {
	if len(b.head) == 0 || len(b.head)%headItem != 0 {
		return fmt.Errorf("payload block %d: head of %d bytes: %w", b.block, len(b.head), store.ErrTampered)
	}
	return nil
}

// item reads what the head begins with.
func (b *payloadBlock) item(head []byte) (payloadItem, error) {
	const n = len(evidence.Digest{})
	state := head[headItem-1]
	if state != stored && state != erased {
		return payloadItem{}, fmt.Errorf("payload block %d: state %d: %w", b.block, state, store.ErrTampered)
	}
	return payloadItem{sum: evidence.Digest(head[:n]), size: int64(binary.BigEndian.Uint32(head[n:])), erased: state == erased}, nil
}

// payloads unpacks a block into its items and, for each that is not erased,
// its bytes.
func (b *payloadBlock) payloads() ([]payloadItem, [][]byte, error) {
	all, err := b.unpack(nil, nil)
	if err != nil {
		return nil, nil, err
	}
	items, bodies := make([]payloadItem, len(all)), make([][]byte, len(all))
	for i, p := range all {
		items[i], bodies[i] = payloadItem{sum: p.Sum, size: int64(p.Size), erased: p.Erased}, p.Body
	}
	return items, bodies, nil
}

// unpack is store.RawPayloads.Unpack.
func (b *payloadBlock) unpack(into *[]byte, out []store.RawPayload) ([]store.RawPayload, error) {
	if err := b.checkHead(); err != nil {
		return nil, err
	}
	raw, err := unpack(b.data, b.raw, into)
	if err != nil {
		return nil, damaged(fmt.Sprintf("payload block %d, %d payloads from %x on", b.block, len(b.head)/headItem, b.head[:len(evidence.Digest{})]), b.raw, err)
	}
	out = out[:0]
	for h := b.head; len(h) > 0; h = h[headItem:] {
		it, err := b.item(h)
		if err != nil {
			return nil, err
		}
		p := store.RawPayload{Sum: it.sum, Size: int(it.size), Erased: it.erased}
		if !it.erased {
			if it.size > int64(len(raw)) {
				return nil, fmt.Errorf("payload block %d: shorter than its head says: %w", b.block, store.ErrTampered)
			}
			p.Body, raw = raw[:it.size:it.size], raw[it.size:]
		}
		out = append(out, p)
	}
	if len(raw) != 0 {
		return nil, fmt.Errorf("payload block %d: longer than its head says: %w", b.block, store.ErrTampered)
	}
	return out, nil
}

// parallel calls fn for each i below n, on all cores, and returns the error of
// the smallest i.
func parallel(n int, fn func(i int) error) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			if err := fn(i); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			// Contiguous parts, so that the first error of the first part
			// that has one is the first of all.
			for i := w * n / workers; i < (w+1)*n/workers && errs[w] == nil; i++ {
				errs[w] = fn(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
