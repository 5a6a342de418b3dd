package verify

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// memFS is a file system of files in memory, for rules: it opens files and
// lists what a pattern of one level needs.
type memFS map[string][]byte

// Open implements fs.FS.
func (m memFS) Open(name string) (fs.File, error) {
	if b, ok := m[name]; ok {
		return &memFile{Reader: bytes.NewReader(b), info: memInfo{path.Base(name), int64(len(b)), 0}}, nil
	}
	if entries, err := m.ReadDir(name); err == nil && len(entries) > 0 {
		return &memFile{Reader: bytes.NewReader(nil), info: memInfo{path.Base(name), 0, fs.ModeDir}}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS.
func (m memFS) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	seen := map[string]fs.DirEntry{}
	for p, b := range m {
		rest, ok := strings.CutPrefix(p, prefix)
		if !ok {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		info := memInfo{first, int64(len(b)), 0}
		if deeper {
			info = memInfo{first, 0, fs.ModeDir}
		}
		seen[first] = fs.FileInfoToDirEntry(info)
	}
	var out []fs.DirEntry
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[n])
	}
	return out, nil
}

type memFile struct {
	io.Reader
	info memInfo
}

func (f *memFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memFile) Close() error               { return nil }

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }

func sortedPaths[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
