package bundle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is a temporary file that is written from front to back and read again.
type spool struct {
	f  *os.File
	w  *bufio.Writer
	at int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "exhibit-bundle-*")
	if err != nil {
		return nil, fmt.Errorf("bundle: temporary file: %w", err)
	}
	return &spool{f: f, w: bufio.NewWriter(f)}, nil
}

// add appends b and returns where it begins.
func (s *spool) add(b []byte) (int64, error) {
	at := s.at
	n, err := s.w.Write(b)
	s.at += int64(n)
	return at, err
}

// reader reads all that was added so far.
func (s *spool) reader() (io.Reader, error) {
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(s.f, 0, s.at), nil
}

// read returns n bytes from a place.
func (s *spool) read(at, n int64) ([]byte, error) {
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := s.f.ReadAt(b, at)
	return b, err
}

func (s *spool) close() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.f.Close(), os.Remove(s.f.Name()))
}
