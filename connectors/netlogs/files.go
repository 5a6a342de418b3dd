package netlogs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of what is looked for and read.
const (
	maxFiles   = 100_000
	maxDepth   = 16
	headBytes  = 64 << 10 // of a file's beginning, by which its form is told
	printBytes = 4 << 10  // of them, by which a file is known again
	startBytes = 256      // of those, by which one that was cut short is known
	maxWindow  = 128 << 20
)

// found is a file of a log.
type found struct {
	log  int
	path string
	size int64 // on disk
	time time.Time
}

// problem is something that could not be looked at.
type problem struct {
	path string
	err  error
}

// search finds the files of a log: what its paths name, and what lies in
// folders that they name, without the hidden. A link to a file is followed, one
// to a folder is not.
func search(ctx context.Context, log int, paths []string) (files []found, bad []problem) {
	seen := map[string]bool{}
	take := func(path string) {
		info, err := os.Stat(path)
		switch {
		case seen[path]:
		case err != nil:
			bad = append(bad, problem{path, err})
		case !info.Mode().IsRegular():
			bad = append(bad, problem{path, errors.New("it is no ordinary file")})
		case len(files) >= maxFiles:
			bad = append(bad, problem{path, fmt.Errorf("there are more than %d files", maxFiles)})
		default:
			seen[path] = true
			files = append(files, found{log, path, info.Size(), info.ModTime()})
		}
	}
	for _, pattern := range paths {
		names, err := filepath.Glob(pattern)
		if err == nil && len(names) == 0 {
			err = absent(pattern)
		}
		if err != nil {
			bad = append(bad, problem{pattern, err})
			continue
		}
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil || !info.IsDir() {
				take(name)
				continue
			}
			err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case err != nil:
					bad = append(bad, problem{path, err})
					return nil //nolint:nilerr // it is told; the others are looked at
				case d.IsDir() && (hidden(path, name) || depth(path, name) > maxDepth):
					return fs.SkipDir
				case !d.IsDir() && !hidden(path, name):
					take(path)
				}
				return nil
			})
			if err != nil {
				bad = append(bad, problem{name, err})
			}
		}
	}
	slices.SortFunc(files, func(a, b found) int { return bytes.Compare([]byte(a.path), []byte(b.path)) })
	return files, bad
}

// absent says why no file is of a pattern: there is none, or its folder may not be
// listed, so that nobody can know.
func absent(pattern string) error {
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fs.ErrNotExist
}

func hidden(path, root string) bool { return path != root && filepath.Base(path)[0] == '.' }

func depth(path, root string) int {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return 0
	}
	return len(filepath.SplitList(rel)) + bytes.Count([]byte(rel), []byte{filepath.Separator})
}

// opened is a file whose content is read, unpacked and as UTF-8.
type opened struct {
	file   *os.File
	r      io.Reader
	close  []func()
	packed bool // positions cannot be sought: what was read before is read over
}

func (o *opened) Close() {
	for _, c := range o.close {
		c()
	}
	_ = o.file.Close() // it was only read
}

// open opens a file. How it is packed and encoded is told by its content.
func open(path string) (*opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	o := &opened{file: f}
	var magic [4]byte
	n, err := io.ReadFull(f, magic[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		o.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		o.Close()
		return nil, err
	}
	o.r = f
	if err := o.unpack(magic[:n]); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

func (o *opened) unpack(magic []byte) error {
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bufio.NewReaderSize(o.file, 128<<10))
		if err != nil {
			return err
		}
		o.r, o.packed = z, true
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(o.file, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		o.r, o.packed = z, true
		o.close = append(o.close, z.Close)
	}
	if o.packed {
		b := bufio.NewReaderSize(o.r, 128<<10)
		magic, _ = b.Peek(4) // an error comes back when the text is read
		o.r = b
	}
	if bytes.HasPrefix(magic, []byte{0xff, 0xfe}) || bytes.HasPrefix(magic, []byte{0xfe, 0xff}) {
		o.r, o.packed = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(o.r), true
	}
	return nil
}

// skip goes to a place in the content.
func (o *opened) skip(ctx context.Context, to int64) error {
	if !o.packed {
		_, err := o.file.Seek(to, io.SeekStart)
		return err
	}
	for to > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(io.Discard, o.r, min(to, 16<<20))
		to -= n
		if err != nil {
			return err
		}
	}
	return nil
}

// headOf returns the first bytes of a file, unpacked.
func headOf(path string, bytes int) (head []byte, packed bool, err error) {
	o, err := open(path)
	if err != nil {
		return nil, false, err
	}
	defer o.Close()
	head = make([]byte, bytes)
	n, err := io.ReadFull(o.r, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || n > 0 {
		err = nil // what is wrong further on is told when it is read
	}
	return head[:n], o.packed, err
}

// fingerprint is what a file is known again by: a hash of its first bytes.
func fingerprint(head []byte, n int) string {
	sum := sha256.Sum256(head[:n])
	return hex.EncodeToString(sum[:12])
}
