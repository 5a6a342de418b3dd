package aiscan

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of an archive. What it says it holds is not believed.
const (
	maxArchive = 64 << 30   // bytes of it, unpacked
	maxMembers = 10_000_000 // of it
	maxRatio   = 2000       // unpacked to packed, once 64 MB are unpacked
)

var (
	// ErrArchive means that an archive ends early or is none: what was read
	// before it is in the report.
	ErrArchive = errors.New("the archive cannot be read to its end")
	errBomb    = errors.New("it unpacks to more than is read of an archive")
)

// Archive is the tree in a gzip-compressed tar that is read once, as it comes:
// what GitHub sends for a commit. The folder that all members are in is left
// out of their paths.
func Archive(r io.Reader) Tree { return &archive{r: r, skipped: map[string]bool{}} }

type archive struct {
	r      io.Reader
	commit string
	// skipped are folders that are not read and have been named.
	skipped map[string]bool
}

// Streamed implements Tree.
func (a *archive) Streamed() bool { return true }

// Commit is the commit that the archive says it was made of.
func (a *archive) Commit() string { return a.commit }

// Walk implements Tree. It can be called once.
func (a *archive) Walk(ctx context.Context, visit func(Entry) error) error {
	packed := &counted{r: a.r}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	open := &bounded{r: z, packed: packed}
	t := tar.NewReader(open)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		if n > maxMembers {
			return fmt.Errorf("%w: %w", ErrArchive, errBomb)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			if c := h.PAXRecords["comment"]; len(c) == 40 {
				a.commit = cleanText(c, 40)
			}
			continue
		}
		if err := a.member(h, t, visit); err != nil {
			return err
		}
		if open.err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, open.err)
		}
	}
}

func (a *archive) member(h *tar.Header, r io.Reader, visit func(Entry) error) error {
	name := path.Clean("/" + strings.ToValidUTF8(h.Name, "\uFFFD"))[1:]
	_, inner, below := strings.Cut(name, "/")
	if h.Typeflag == tar.TypeDir || !below && h.Typeflag != tar.TypeReg {
		return nil
	}
	if below {
		name = inner
	}
	e := Entry{Path: cleanText(name, maxPathBytes), Size: h.Size, Open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
	if dir, why := skippedAbove(name); why != "" {
		if a.skipped[dir] {
			return nil // named already
		}
		a.skipped[dir] = true
		return visit(Entry{Path: dir, Unread: why})
	}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeSymlink, tar.TypeLink:
		e.Unread = "a link, not followed"
	default:
		e.Unread = "no regular file"
	}
	return visit(e)
}

// skippedAbove finds the folder by which a path is not read.
func skippedAbove(name string) (dir, why string) {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if why = skipped(path.Base(name[:i])); why != "" {
			return name[:i+1], why
		}
	}
	return "", ""
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// bounded stops where an archive unfolds beyond measure.
type bounded struct {
	r      io.Reader
	packed *counted
	n      int64
	err    error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxArchive || b.n > 64<<20 && b.n/(b.packed.n+1) > maxRatio {
		b.err = errBomb
		return n, b.err
	}
	return n, err
}
