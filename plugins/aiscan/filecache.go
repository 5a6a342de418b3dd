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
	old   func() map[[16]byte]*kept // read when first asked for
	mu    sync.Mutex
	fresh map[[16]byte][]byte
	trees map[[16]byte][]byte // new ones
}

// kept is a value that was there when the cache was opened.
type kept struct {
	value []byte
	used  atomic.Bool
}

var _ TreeCache = (*DiskCache)(nil)

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
	c := &DiskCache{dir: dir, limit: limit, fresh: map[[16]byte][]byte{}, trees: map[[16]byte][]byte{}}
	c.old = sync.OnceValue(c.load)
	if _, err := os.Stat(c.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return c, nil
}

func (c *DiskCache) file() string { return filepath.Join(c.dir, cacheFile) }

// load takes the records up to the first that is not sound. What cannot be read
// costs one scan.
func (c *DiskCache) load() map[[16]byte]*kept {
	old := map[[16]byte]*kept{}
	rest, ok := bytes.CutPrefix(readWhole(c.file(), 2*c.limit), []byte(cacheMagic))
	for ok {
		key, value, n := record(rest)
		if n == 0 {
			break
		}
		old[key] = &kept{value: value}
		rest = rest[n:]
	}
	return old
}

// readWhole reads a file that is one of ours by its kind and size, nil if it is
// not or cannot be read.
func readWhole(name string, limit int64) []byte {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return b
}

// record takes the first record of a text and its length, which is 0 if it is
// not sound.
func record(b []byte) (key [16]byte, value []byte, length int) {
	if len(b) < cacheHead {
		return key, nil, 0
	}
	n := int64(binary.LittleEndian.Uint32(b[16:]))
	if n > int64(len(b)-cacheHead) {
		return key, nil, 0
	}
	key, value = [16]byte(b), b[cacheHead:cacheHead+n:cacheHead+n]
	if binary.LittleEndian.Uint32(b[20:]) != sum(key[:], value) {
		return key, nil, 0
	}
	return key, value, cacheHead + int(n)
}

// appendRecord writes what record reads.
func appendRecord(b []byte, key [16]byte, value []byte) []byte {
	b = append(b, key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
	b = binary.LittleEndian.AppendUint32(b, sum(key[:], value))
	return append(b, value...)
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
	if k := c.old()[h]; k != nil {
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
	err := c.closeTrees()
	if len(c.fresh) > 0 {
		err = errors.Join(err, c.replace(c.file(), c.write))
	}
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// replace writes a file of the cache as a whole.
func (c *DiskCache) replace(name string, write func(*bufio.Writer) error) error {
	f, err := os.CreateTemp(c.dir, cacheFile+"-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
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
	var buf []byte
	put := func(key [16]byte, value []byte) error {
		if room -= int64(cacheHead + len(value)); room < 0 {
			return nil
		}
		buf = appendRecord(buf[:0], key, value)
		_, err := w.Write(buf)
		return err
	}
	for key, value := range c.fresh {
		if err := put(key, value); err != nil {
			return err
		}
	}
	for _, used := range []bool{true, false} {
		for key, k := range c.old() {
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
