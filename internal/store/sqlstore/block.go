package sqlstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Sizes of blocks, in bytes before compression.
const (
	blockSize  = 64 << 10 // a block is closed when it would grow beyond
	maxBlock   = 64 << 20 // nothing larger is ever unpacked
	maxPayload = 32 << 20 // larger payloads and lines are refused
)

// packer compresses and unpacks blocks. It is safe for concurrent use.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newPacker() (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return nil, err
	}
	return &packer{enc: enc, dec: dec}, nil
}

// A packed block is the CRC-32C of a zstd frame and the frame. A frame alone
// has bits that change nothing that is unpacked; with the sum, no byte of a
// block can change unseen. It is there for accidents: against intent there are
// the ledger and the digests.
const packSum = 4

func frameSum(frame []byte) uint32 { return crc32.Checksum(frame, crc32.MakeTable(crc32.Castagnoli)) }

// pack compresses raw.
func (p *packer) pack(raw []byte) []byte {
	out := p.enc.EncodeAll(raw, make([]byte, packSum, packSum+len(raw)/2+64))
	binary.BigEndian.PutUint32(out, frameSum(out[packSum:]))
	return out
}

// unpack gives back raw bytes, which must be of the given size.
func (p *packer) unpack(data []byte, size int64) ([]byte, error) {
	if size < 0 || size > maxBlock || len(data) < packSum {
		return nil, fmt.Errorf("block of %d bytes claims %d: %w", len(data), size, store.ErrTampered)
	}
	frame := data[packSum:]
	if frameSum(frame) != binary.BigEndian.Uint32(data) {
		return nil, fmt.Errorf("block is damaged: %w", store.ErrTampered)
	}
	raw, err := p.dec.DecodeAll(frame, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("block does not unpack: %w: %w", err, store.ErrTampered)
	}
	if int64(len(raw)) != size {
		return nil, fmt.Errorf("block holds %d bytes, want %d: %w", len(raw), size, store.ErrTampered)
	}
	return raw, nil
}

func (p *packer) close() {
	p.dec.Close()
	p.enc.Close()
}

// lineBlock is consecutive lines as stored.
type lineBlock struct {
	first, n, raw int64
	data          []byte
}

func (b *lineBlock) has(seq int64) bool { return b != nil && b.first <= seq && seq < b.first+b.n }

// lines unpacks a block.
func (p *packer) lines(b *lineBlock) ([][]byte, error) {
	raw, err := p.unpack(b.data, b.raw)
	if err != nil {
		return nil, fmt.Errorf("entries from %d: %w", b.first, err)
	}
	out, err := splitLines(raw, b.n)
	if err != nil {
		return nil, fmt.Errorf("entries from %d: %w", b.first, err)
	}
	return out, nil
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
	if len(b.head) == 0 || len(b.head)%headItem != 0 {
		return nil, fmt.Errorf("payload block %d: head of %d bytes: %w", b.block, len(b.head), store.ErrTampered)
	}
	out := make([]payloadItem, 0, len(b.head)/headItem)
	for h := b.head; len(h) > 0; h = h[headItem:] {
		state := h[headItem-1]
		if state != stored && state != erased {
			return nil, fmt.Errorf("payload block %d: state %d: %w", b.block, state, store.ErrTampered)
		}
		n := len(evidence.Digest{})
		out = append(out, payloadItem{
			sum:    evidence.Digest(h[:n]),
			size:   int64(binary.BigEndian.Uint32(h[n:])),
			erased: state == erased,
		})
	}
	return out, nil
}

// payloads unpacks a block into its items and, for each that is not erased,
// its bytes.
func (p *packer) payloads(b *payloadBlock) ([]payloadItem, [][]byte, error) {
	items, err := b.items()
	if err != nil {
		return nil, nil, err
	}
	raw, err := p.unpack(b.data, b.raw)
	if err != nil {
		return nil, nil, fmt.Errorf("payload block %d: %w", b.block, err)
	}
	bodies := make([][]byte, len(items))
	for i, it := range items {
		if it.erased {
			continue
		}
		if it.size > int64(len(raw)) {
			return nil, nil, fmt.Errorf("payload block %d: shorter than its head says: %w", b.block, store.ErrTampered)
		}
		bodies[i] = raw[:it.size:it.size]
		raw = raw[it.size:]
	}
	if len(raw) != 0 {
		return nil, nil, fmt.Errorf("payload block %d: longer than its head says: %w", b.block, store.ErrTampered)
	}
	return items, bodies, nil
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
