package pages

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
)

// Type is the type of a value.
type Type byte

// Types, in the order in which SQLite sorts them; Real is not decoded.
const (
	Null Type = iota
	Int
	Real
	Text
	Blob
)

// String names a type as SQL does.
func (t Type) String() string {
	return [...]string{"NULL", "INTEGER", "REAL", "TEXT", "BLOB"}[t]
}

// Value is one value of a record.
type Value struct {
	Type  Type
	Int   int64
	Bytes []byte // of a text or blob; they belong to the record
}

// Compare orders values as an index does that has no collation of its own.
// There is no order of reals.
func (v *Value) Compare(o *Value) int {
	switch {
	case v.Type != o.Type:
		return cmp.Compare(v.Type, o.Type)
	case v.Type == Int:
		return cmp.Compare(v.Int, o.Int)
	}
	return bytes.Compare(v.Bytes, o.Bytes)
}

// Decode reads a record of exactly len(out) values.
func Decode(record []byte, out []Value) error {
	size, at := varint(record)
	if at == 0 || size < uint64(at) || size > uint64(len(record)) {
		return fmt.Errorf("a record of %d bytes whose head has %d", len(record), size)
	}
	end, body := int(size), int(size)
	for i := range out {
		var typ uint64
		if at < end && record[at] < 0x80 {
			typ, at = uint64(record[at]), at+1
		} else {
			var n int
			if typ, n = varint(record[at:end]); n == 0 {
				return fmt.Errorf("a record of %d values, want %d", i, len(out))
			}
			at += n
		}
		var err error
		if body, err = out[i].read(typ, record, body); err != nil {
			return err
		}
	}
	if at != end || body != len(record) {
		return fmt.Errorf("a record of more than %d values, or longer than they are", len(out))
	}
	return nil
}

// intSizes are the lengths of integers by their type in a record.
var intSizes = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

// read takes a value of a record from byte at on, and returns where it ends.
func (v *Value) read(typ uint64, record []byte, at int) (int, error) {
	v.Type, v.Int, v.Bytes = Null, 0, nil
	left := len(record) - at
	switch {
	case typ == 0:
		return at, nil
	case typ == 8 || typ == 9:
		v.Type, v.Int = Int, int64(typ-8)
		return at, nil
	case typ <= 6:
		n := intSizes[typ]
		if n > left {
			return 0, fmt.Errorf("an integer of %d bytes, there are %d", n, left)
		}
		v.Type, v.Int = Int, integer(record, at, n)
		return at + n, nil
	case typ == 7:
		if left < 8 {
			return 0, fmt.Errorf("a real of 8 bytes, there are %d", left)
		}
		v.Type = Real
		return at + 8, nil
	case typ < 12:
		return 0, fmt.Errorf("a value of type %d", typ)
	}
	n := (typ - 12) / 2
	if n > uint64(left) {
		return 0, fmt.Errorf("a value of %d bytes, there are %d", n, left)
	}
	end := at + int(n)
	v.Type, v.Bytes = Blob, record[at:end:end]
	if typ%2 == 1 {
		v.Type = Text
	}
	return end, nil
}

// integer reads a number of n bytes, 1 to 8, in two's complement.
func integer(record []byte, at, n int) int64 {
	if at+8 <= len(record) {
		return int64(binary.BigEndian.Uint64(record[at:])) >> (64 - 8*n)
	}
	v := int64(int8(record[at]))
	for _, c := range record[at+1 : at+n] {
		v = v<<8 | int64(c)
	}
	return v
}
