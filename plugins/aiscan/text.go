package aiscan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
)

// isBinary reports whether what a file begins with is no text.
func isBinary(head []byte) bool { return bytes.IndexByte(head, 0) >= 0 }

// wide reports whether a text is in UTF-16.
func wide(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xFF\xFE")) || bytes.HasPrefix(head, []byte("\xFE\xFF"))
}

// asUTF8 takes off a byte order mark and turns UTF-16 into UTF-8.
func asUTF8(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		order = binary.BigEndian
	default:
		return b
	}
	b = b[2:]
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
