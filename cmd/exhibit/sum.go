package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// sumWriter passes bytes on and keeps their number and SHA-256.
type sumWriter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func newSum(w io.Writer) *sumWriter { return &sumWriter{w: w, h: sha256.New()} }

func (s *sumWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.h.Write(p[:n])
	s.n += int64(n)
	return n, err
}

func (s *sumWriter) digest() string { return hex.EncodeToString(s.h.Sum(nil)) }
