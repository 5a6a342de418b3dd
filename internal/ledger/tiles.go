package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of a tile; TileWidth how many hashes a full one has.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// Tile is a run of consecutive hashes at one level of the tree: level 0 holds
// leaf hashes, level 1 the roots of full level 0 tiles, and so on. Data holds
// 1 to TileWidth hashes of 32 bytes.
type Tile struct {
	Level int
	N     int64 // number within its level, from 0
	Data  []byte
}

// ReadTile gives the stored bytes of a tile, full or partial.
type ReadTile func(level int, n int64) ([]byte, error)

// Hashes reads single tree hashes out of tiles.
func Hashes(read ReadTile) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		type at struct {
			level int
			n     int64
		}
		got := make(map[at][]byte)
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index < 0 {
				return nil, fmt.Errorf("tree hash %d: no such index", index)
			}
			t := tlog.TileForIndex(TileHeight, index)
			data, ok := got[at{t.L, t.N}]
			if !ok {
				var err error
				if data, err = read(t.L, t.N); err != nil {
					return nil, fmt.Errorf("tile %d/%d: %w", t.L, t.N, err)
				}
				got[at{t.L, t.N}] = data
			}
			if len(data)%tlog.HashSize != 0 || len(data) > TileWidth*tlog.HashSize || len(data) < t.W*tlog.HashSize {
				return nil, fmt.Errorf("tile %d/%d: %d bytes, want at least %d", t.L, t.N, len(data), t.W*tlog.HashSize)
			}
			t.W = len(data) / tlog.HashSize
			h, err := tlog.HashFromTile(t, data, index)
			if err != nil {
				return nil, err
			}
			out[i] = h
		}
		return out, nil
	})
}

// Frontier is the growing edge of a tree: the partial tile of every level. It
// is all that is needed to append leaves and to know the root.
type Frontier struct {
	size  int64
	edge  [][]byte // by level: hashes of the rightmost tile, fewer than TileWidth
	full  []Tile   // completed since the last Drain
	dirty []bool   // by level: edge changed since the last Drain
	spare [][]byte // memory of tiles
}

// NewFrontier reads the edge of a log of the given size. Size 0 reads nothing.
func NewFrontier(size int64, read ReadTile) (*Frontier, error) {
	f := &Frontier{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n>>TileHeight {
		w := int(n % TileWidth)
		f.edge = append(f.edge, make([]byte, 0, TileWidth*tlog.HashSize))
		f.dirty = append(f.dirty, false)
		if w == 0 {
			continue
		}
		data, err := read(level, n>>TileHeight)
		if err != nil {
			return nil, fmt.Errorf("tile %d/%d: %w", level, n>>TileHeight, err)
		}
		if len(data) != w*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d: %d bytes, want %d for a log of %d entries",
				level, n>>TileHeight, len(data), w*tlog.HashSize, size)
		}
		f.edge[level] = append(f.edge[level], data...)
	}
	return f, nil
}

// Size is how many leaves the tree has.
func (f *Frontier) Size() int64 { return f.size }

// Append adds the hash of one leaf.
func (f *Frontier) Append(leaf tlog.Hash) {
	n := f.size
	f.size++
	h := leaf
	for level := 0; ; level, n = level+1, n>>TileHeight {
		if level == len(f.edge) {
			f.edge = append(f.edge, make([]byte, 0, TileWidth*tlog.HashSize))
			f.dirty = append(f.dirty, false)
		}
		f.edge[level] = append(f.edge[level], h[:]...)
		f.dirty[level] = true
		if len(f.edge[level]) < TileWidth*tlog.HashSize {
			return
		}
		data := f.edge[level]
		f.full = append(f.full, Tile{Level: level, N: n >> TileHeight, Data: data})
		f.edge[level] = f.memory()
		f.dirty[level] = false
		h = subtree(data)
	}
}

// Drain returns every tile that is new or changed since the last call, full
// ones first. The data is not changed afterwards.
func (f *Frontier) Drain() []Tile {
	tiles := f.full
	f.full = nil
	for level, data := range f.edge {
		if f.dirty[level] && len(data) > 0 {
			n := f.size >> (TileHeight * (level + 1))
			tiles = append(tiles, Tile{Level: level, N: n, Data: append([]byte(nil), data...)})
		}
		f.dirty[level] = false
	}
	return tiles
}

// Full returns the tiles completed since the last call of Full or Drain.
func (f *Frontier) Full() []Tile {
	tiles := f.full
	f.full = nil
	return tiles
}

// memory gives room for the hashes of a tile.
func (f *Frontier) memory() []byte {
	if n := len(f.spare) - 1; n >= 0 {
		b := f.spare[n]
		f.spare = f.spare[:n]
		return b
	}
	return make([]byte, 0, TileWidth*tlog.HashSize)
}

// Reuse takes back the memory of a tile of Full that nobody uses any more.
func (f *Frontier) Reuse(t Tile) { f.spare = append(f.spare, t.Data[:0]) }

// Root is the root of the tree: the RFC 6962 hash of all leaves.
func (f *Frontier) Root() tlog.Hash {
	if f.size == 0 {
		h, err := tlog.TreeHash(0, nil)
		if err != nil {
			return tlog.Hash{} // cannot be: an empty tree reads no hash
		}
		return h
	}
	var acc tlog.Hash
	has := false
	for _, data := range f.edge {
		// Right to left: the smallest complete subtrees are rightmost.
		for w, end := len(data)/tlog.HashSize, len(data); w > 0; {
			k := w & -w
			h := subtree(data[end-k*tlog.HashSize : end])
			if has {
				h = tlog.NodeHash(h, acc)
			}
			acc, has = h, true
			w -= k
			end -= k * tlog.HashSize
		}
	}
	return acc
}

// subtree is the root of a complete subtree over 2^k hashes.
func subtree(data []byte) tlog.Hash {
	if len(data) == tlog.HashSize {
		return tlog.Hash(data)
	}
	if len(data) == 2*tlog.HashSize {
		return nodeHash(data)
	}
	var pair [2 * tlog.HashSize]byte
	mid := len(data) / 2
	left, right := subtree(data[:mid]), subtree(data[mid:])
	copy(pair[copy(pair[:], left[:]):], right[:])
	return nodeHash(pair[:])
}
