package aiscan

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	treeFile  = "tree-" // and the hash of the key
	treeMagic = "exhibit scanned tree 1\n"
	treeShare = 4 // the files of trees may have one part in so many of the limit
)

// treeName is the file of a tree.
func (c *DiskCache) treeName(h [16]byte) string {
	return filepath.Join(c.dir, treeFile+hex.EncodeToString(h[:]))
}

// Tree implements TreeCache: each tree has a file of its own.
func (c *DiskCache) Tree(key string) ([]byte, bool) {
	h := hashed(key)
	c.mu.Lock()
	v, ok := c.trees[h]
	c.mu.Unlock()
	if ok {
		return v, true
	}
	b, ours := bytes.CutPrefix(readWhole(c.treeName(h), c.limit/treeShare), []byte(treeMagic))
	k, value, n := record(b)
	return value, ours && n > 0 && n == len(b) && k == h
}

// PutTree implements TreeCache.
func (c *DiskCache) PutTree(key string, value []byte) {
	if int64(len(treeMagic)+cacheHead+len(value)) > c.limit/treeShare {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trees[hashed(key)] = bytes.Clone(value)
}

// closeTrees writes the new reports of trees, and takes away the oldest where
// there are too many.
func (c *DiskCache) closeTrees() error {
	if len(c.trees) == 0 {
		return nil
	}
	var errs []error
	for h, value := range c.trees {
		errs = append(errs, c.replace(c.treeName(h), func(w *bufio.Writer) error {
			_, err := w.Write(appendRecord([]byte(treeMagic), h, value))
			return err
		}))
	}
	clear(c.trees)
	return errors.Join(append(errs, c.thin())...)
}

// thin takes away the oldest files of trees until the rest has room.
func (c *DiskCache) thin() error {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, d := range list {
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && strings.HasPrefix(d.Name(), treeFile) {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	room := c.limit / treeShare
	var errs []error
	for _, info := range files {
		if room -= info.Size(); room >= 0 {
			continue
		}
		if err := os.Remove(filepath.Join(c.dir, info.Name())); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
