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
	size, n := varint(record)
	if n == 0 || size < uint64(n) || size > uint64(len(record)) {
		return fmt.Errorf("a record of %d bytes whose head has %d", len(record), size)
	}
	head, body := record[n:size], record[size:]
	for i := range out {
		var typ uint64
		if len(head) > 0 && head[0] < 0x80 {
			typ, head = uint64(head[0]), head[1:]
		} else {
			typ, n = varint(head)
			if n == 0 {
				return fmt.Errorf("a record of %d values, want %d", i, len(out))
			}
			head = head[n:]
		}
		var err error
		if body, err = out[i].read(typ, body); err != nil {
			return err
		}
	}
	if len(head) != 0 || len(body) != 0 {
		return fmt.Errorf("a record of more than %d values, or longer than they are", len(out))
	}
	return nil
}

// intSizes are the lengths of integers by their type in a record.
var intSizes = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

// read takes a value off the front of body.
func (v *Value) read(typ uint64, body []byte) ([]byte, error) {
	v.Type, v.Int, v.Bytes = Null, 0, nil
	switch {
	case typ == 0:
		return body, nil
	case typ == 8 || typ == 9:
		v.Type, v.Int = Int, int64(typ-8)
		return body, nil
	case typ <= 6:
		n := intSizes[typ]
		if n > len(body) {
			return nil, fmt.Errorf("an integer of %d bytes, there are %d", n, len(body))
		}
		v.Type, v.Int = Int, integer(body[:n])
		return body[n:], nil
	case typ == 7:
		if len(body) < 8 {
			return nil, fmt.Errorf("a real of 8 bytes, there are %d", len(body))
		}
		v.Type = Real
		return body[8:], nil
	case typ < 12:
		return nil, fmt.Errorf("a value of type %d", typ)
	}
	n := (typ - 12) / 2
	if n > uint64(len(body)) {
		return nil, fmt.Errorf("a value of %d bytes, there are %d", n, len(body))
	}
	v.Type, v.Bytes = Blob, body[:n:n]
	if typ%2 == 1 {
		v.Type = Text
	}
	return body[n:], nil
}

// integer reads a number in two's complement.
func integer(b []byte) int64 {
	if len(b) == 8 {
		return int64(binary.BigEndian.Uint64(b))
	}
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}
