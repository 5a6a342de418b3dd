package aiscan

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

const (
	cacheFile  = "scanned"
	cacheMagic = "exhibit scan cache 1\n"
	cacheHead  = 16 + 4 + 4 // of a record: key, length of the value, sum
)

// DiskCache is a Cache in a file of one folder. What it holds was found by
// content: no text of a file and no credential is in it. A file that is damaged
// or not its own is read as far as it is sound, and written anew.
type DiskCache struct {
	dir   string
	limit int64
	old   map[[16]byte]*kept
	mu    sync.Mutex
	fresh map[[16]byte][]byte
}

// kept is a value that was there when the cache was opened.
type kept struct {
	value []byte
	used  atomic.Bool
}

var _ Cache = (*DiskCache)(nil)

// FileCache opens the cache in a folder, which is made if it is not there.
// Close writes what is new. limit bounds the file in bytes; when it is reached,
// what was not asked for since the opening is left out. 0 takes 256 MB.
func FileCache(dir string, limit int64) (*DiskCache, error) {
	if limit <= 0 {
		limit = 256 << 20
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &DiskCache{dir: dir, limit: limit, old: map[[16]byte]*kept{}, fresh: map[[16]byte][]byte{}}
	info, err := os.Stat(filepath.Join(dir, cacheFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > 2*limit:
		return c, nil // not ours, or of another limit: it costs one scan
	}
	b, err := os.ReadFile(filepath.Join(dir, cacheFile))
	if err != nil {
		return nil, err
	}
	c.load(b)
	return c, nil
}

// load takes the records up to the first that is not sound.
func (c *DiskCache) load(b []byte) {
	rest, ok := bytes.CutPrefix(b, []byte(cacheMagic))
	if !ok {
		return
	}
	for len(rest) >= cacheHead {
		n := int(binary.LittleEndian.Uint32(rest[16:]))
		if n > len(rest)-cacheHead {
			return
		}
		value := rest[cacheHead : cacheHead+n : cacheHead+n]
		if binary.LittleEndian.Uint32(rest[20:]) != sum(rest[:16], value) {
			return
		}
		c.old[[16]byte(rest[:16])] = &kept{value: value}
		rest = rest[cacheHead+n:]
	}
}

func sum(key, value []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, t), t, value)
}

func hashed(key string) (h [16]byte) {
	s := sha256.Sum256([]byte(key))
	copy(h[:], s[:])
	return h
}

// Get implements Cache.
func (c *DiskCache) Get(key string) ([]byte, bool) {
	h := hashed(key)
	if k := c.old[h]; k != nil {
		k.used.Store(true)
		return k.value, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.fresh[h]
	return v, ok
}

// Put implements Cache.
func (c *DiskCache) Put(key string, value []byte) {
	if int64(len(value)) > c.limit/4 {
		return
	}
	h := hashed(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh[h] = bytes.Clone(value)
}

// Close writes what is new. The file of before is there until the new one is
// whole.
func (c *DiskCache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.fresh) == 0 {
		return nil
	}
	f, err := os.CreateTemp(c.dir, cacheFile+"-*")
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = c.write(w)
	if err == nil {
		err = w.Flush()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, cacheFile))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cache: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// write puts what was used and what is new first, and what is left as long as
// there is room.
func (c *DiskCache) write(w *bufio.Writer) error {
	room := c.limit - int64(len(cacheMagic))
	if _, err := w.WriteString(cacheMagic); err != nil {
		return err
	}
	put := func(key [16]byte, value []byte) error {
		if room -= int64(cacheHead + len(value)); room < 0 {
			return nil
		}
		var head [cacheHead]byte
		copy(head[:], key[:])
		binary.LittleEndian.PutUint32(head[16:], uint32(len(value)))
		binary.LittleEndian.PutUint32(head[20:], sum(key[:], value))
		_, err := w.Write(append(head[:], value...))
		return err
	}
	for key, value := range c.fresh {
		if err := put(key, value); err != nil {
			return err
		}
	}
	for _, used := range []bool{true, false} {
		for key, k := range c.old {
			if _, again := c.fresh[key]; again || k.used.Load() != used {
				continue
			}
			if err := put(key, k.value); err != nil {
				return err
			}
		}
	}
	return nil
}
