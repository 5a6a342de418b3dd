package store

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// KeyHash is the number under which a key of a source and kind is found; the
// row that is found still has to be compared.
func KeyHash(source, kind, key string) int64 {
	return hashNumber(hashStrings(source, kind, key))
}

// SubjectHash is the number under which a subject's evidence is found.
func SubjectHash(s evidence.Subject) int64 {
	return hashNumber(hashStrings(s.Type, s.ID))
}

// MarkSize is the length of a mark.
const MarkSize = 16

// Mark is 128 bits over the key and everything that, when it changes, makes a
// new revision.
func Mark(source, kind, key string, c Content) [MarkSize]byte {
	var stack [512]byte
	b := append(stack[:0], c.Payload[:]...)
	b = binary.AppendUvarint(b, uint64(c.Major))
	b = appendStrings(b, source, kind, key, c.Subject.Type, c.Subject.ID)
	if c.Period != nil {
		b = binary.AppendVarint(b, c.Period.From.UnixMicro())
		b = binary.AppendVarint(b, c.Period.To.UnixMicro())
	}
	sum := sha256.Sum256(b)
	return [MarkSize]byte(sum[:MarkSize])
}

// lineHashes gives what the index keeps of an evidence line whose source is
// known: KeyHash in full, SubjectHash and Mark. memory is used.
func lineHashes(memory []byte, source string, ev *evidence.View) (key [sha256.Size]byte, subject int64, mark [MarkSize]byte) {
	b := append(memory[:0], ev.PayloadSum[:]...)
	b = binary.AppendUvarint(b, uint64(ev.Major))
	from := len(b)
	b = appendPart(appendPart(appendPart(b, source), ev.Kind), ev.KeyBytes)
	middle := len(b)
	b = appendPart(appendPart(b, ev.Subject.Type), ev.SubjectID)
	key = sha256.Sum256(b[from:middle])
	sum := sha256.Sum256(b[middle:])
	subject = hashNumber(sum[:])
	if ev.Period != nil {
		b = binary.AppendVarint(b, ev.Period.From.UnixMicro())
		b = binary.AppendVarint(b, ev.Period.To.UnixMicro())
	}
	sum = sha256.Sum256(b)
	return key, subject, [MarkSize]byte(sum[:MarkSize])
}

// hashNumber is the first 64 bits of a hash.
func hashNumber(sum []byte) int64 { return int64(binary.BigEndian.Uint64(sum)) }

func hashStrings(parts ...string) []byte {
	var stack [512]byte
	sum := sha256.Sum256(appendStrings(stack[:0], parts...))
	return sum[:8]
}

// appendStrings appends each part after its length, so that no two lists of
// parts give the same bytes.
func appendStrings(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = appendPart(b, p)
	}
	return b
}

func appendPart[T string | []byte](b []byte, p T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(p))), p...)
}

// PayloadPrefix is the number under which a payload's block is found.
func PayloadPrefix(d evidence.Digest) int64 {
	return hashNumber(d[:])
}
