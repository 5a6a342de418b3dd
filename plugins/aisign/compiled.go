package aisign

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

// compiled is what signatures/ holds, in a form that is read forty times as fast
// as YAML: every start of a program waits for it. A test holds it against the
// files, and writes it anew with -update.
//
//go:embed signatures.bin
var compiled string

// errCompiled means that a text is not one that pack wrote for this type.
var errCompiled = errors.New("the compiled signatures are damaged")

// pack writes a value by its type: numbers and lengths as varints, texts as
// they are, maps in the order of their keys.
func pack(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		return append(b, v.String()...)
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int:
		return binary.AppendUvarint(b, uint64(v.Int()))
	case reflect.Pointer:
		return pack(b, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			b = pack(b, v.Field(i))
		}
		return b
	case reflect.Slice:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			b = pack(b, v.Index(i))
		}
		return b
	case reflect.Map: // of lists by names
		lists := v.Interface().(map[string][]string)
		b = binary.AppendUvarint(b, uint64(len(lists)))
		for _, key := range sortedKeys(lists) {
			b = pack(pack(b, reflect.ValueOf(key)), reflect.ValueOf(lists[key]))
		}
		return b
	default:
		panic(fmt.Sprintf("pack: %s", v.Type()))
	}
}

// unpacker reads what pack wrote. Texts are parts of the whole, not copies.
type unpacker struct {
	rest string
	bad  bool
}

// unpack reads a value, and nothing after it.
func unpack(text string, into any) error {
	u := &unpacker{rest: text}
	u.value(reflect.ValueOf(into).Elem())
	if u.bad || u.rest != "" {
		return errCompiled
	}
	return nil
}

func (u *unpacker) number() uint64 {
	var n uint64
	for i := range min(len(u.rest), binary.MaxVarintLen64) {
		c := u.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			u.rest = u.rest[i+1:]
			return n
		}
	}
	u.bad = true
	return 0
}

// count is a number of things that take a byte or more each.
func (u *unpacker) count() int {
	n := u.number()
	if n > uint64(len(u.rest)) {
		u.bad = true
		return 0
	}
	return int(n)
}

func (u *unpacker) text() string {
	n := u.count()
	s := u.rest[:n]
	u.rest = u.rest[n:]
	return s
}

func (u *unpacker) texts() []string {
	n := u.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = u.text()
	}
	return list
}

func (u *unpacker) value(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *string:
		*at = u.text()
		return
	case *[]string:
		*at = u.texts()
		return
	case *map[string][]string:
		n := u.count()
		if n > 0 {
			*at = make(map[string][]string, n)
		}
		for range n {
			key := u.text()
			(*at)[key] = u.texts()
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(u.text())
	case reflect.Bool:
		v.SetBool(u.number() == 1)
	case reflect.Int:
		v.SetInt(int64(u.number()))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		u.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			u.value(v.Field(i))
		}
	case reflect.Slice:
		n := u.count()
		if n == 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			u.value(v.Index(i))
		}
	default:
		u.bad = true
	}
}
