package zipform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much a spool keeps in memory before it uses a file.
const spoolMemory = 1 << 20

// spool keeps what is written to it, in memory while it is small.
type spool struct {
	dir  string
	buf  bytes.Buffer
	file *os.File
	n    uint64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.buf.Len()+len(p) > spoolMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	s.n += uint64(len(p))
	return s.buf.Write(p)
}

func (s *spool) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "exhibit-export-*")
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		s.file = f
	}
	if _, err := s.buf.WriteTo(s.file); err != nil {
		return fmt.Errorf("temporary file %s: %w", s.file.Name(), err)
	}
	return nil
}

// Reader reads all that was written, from the beginning. Nothing may be
// written after it was called.
func (s *spool) Reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.buf.Bytes()), nil
	}
	if err := s.spill(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(s.file, 0, int64(s.n)), nil
}

// Close removes the file.
func (s *spool) Close() error {
	s.buf = bytes.Buffer{}
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
