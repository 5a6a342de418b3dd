package ledger

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// LeafHashIn is LeafHash of block[from:to], without a copy where there is a byte
// before it: that byte is overwritten.
func LeafHashIn(block []byte, from, to int) tlog.Hash {
	if from == 0 {
		return LeafHash(block[:to])
	}
	block[from-1] = 0
	return sha256.Sum256(block[from-1 : to])
}

// LeafHash is tlog.RecordHash, in one step for lines of usual length.
func LeafHash(line []byte) tlog.Hash {
	var stack [1024]byte
	if len(line) >= len(stack) {
		return tlog.RecordHash(line)
	}
	n := copy(stack[1:], line) // the first byte, zero, is what RFC 6962 puts before a leaf
	return sha256.Sum256(stack[:1+n])
}

// nodeHash is tlog.NodeHash of two hashes that lie one after the other, in one step.
func nodeHash(pair []byte) tlog.Hash {
	stack := [1 + 2*tlog.HashSize]byte{1} // what RFC 6962 puts before an inner node
	copy(stack[1:], pair)
	return sha256.Sum256(stack[:])
}
