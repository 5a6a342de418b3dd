package plain

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// Dir is a Sink that writes files into a folder.
type Dir string

// Add implements Sink.
func (d Dir) Add(name string, write func(io.Writer) error) (Sum, error) {
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return Sum{}, err
	}
	c := counted{w: f, h: sha256.New()}
	if err := errors.Join(write(&c), f.Sync(), f.Close()); err != nil {
		return Sum{}, fmt.Errorf("writing %s: %w", name, err)
	}
	return c.sum(), nil
}

// Zip is a Sink that writes files into an archive. Its Writer is closed by the
// caller.
type Zip struct{ Writer *zipform.Writer }

// Add implements Sink.
func (z Zip) Add(name string, write func(io.Writer) error) (Sum, error) {
	part, err := z.Writer.AddFrom(name, zipform.Normal, write)
	return Sum{Bytes: part.Size, SHA256: part.Sum}, err
}

// counted passes bytes on, counts and sums them.
type counted struct {
	w io.Writer
	h hash.Hash
	n uint64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += uint64(n)
	return n, err
}

func (c *counted) sum() Sum {
	s := Sum{Bytes: c.n}
	c.h.Sum(s.SHA256[:0])
	return s
}

var (
	_ Sink = Dir("")
	_ Sink = Zip{}
)
