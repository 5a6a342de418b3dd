package assess

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// errPayload says that a payload is not a JSON object. Sealed payloads are
// canonical JSON, so this means that the store handed out something else.
var errPayload = errors.New("payload is not a JSON object")

// extractor copies the fields that rules read from payloads into cells. It
// walks the JSON text once, without building values for what nobody reads. It
// remembers what payloads of the kind look like.
type extractor struct {
	texts *interner
	lists *[]text
	b     []byte
	i     int
	width uint32 // elements of the longest list so far, at most

	members []member   // that payloads have had, by name
	ahead   int        // of them: those before have been passed
	last    []lastCell // by field
}

// member is a name as payloads write it, and the field that it is, if it is
// one that somebody reads.
type member struct {
	text  string // in quotes, with the colon
	field *fieldInfo
}

// lastCell is the value that a field had in the payload before, and its cell:
// of one record after the other it is often the same.
type lastCell struct {
	raw   []byte
	cell  uint64
	width uint32
}

const (
	maxMembers = 256  // that are remembered
	maxLast    = 1024 // bytes of a value that is
)

// extract fills cells, which has one place for each of fields and holds
// nothing yet.
func (x *extractor) extract(payload []byte, k *kindInfo, cells []uint64) error {
	x.b, x.i, x.ahead, x.width = payload, 0, 0, 0
	if !x.take('{') {
		return errPayload
	}
	if x.take('}') {
		return nil
	}
	for {
		f, ok := x.member(k)
		if !ok {
			return errPayload
		}
		x.space()
		start := x.i
		if !x.skip(0) {
			return errPayload
		}
		if f != nil {
			cells[f.index] = x.value(f, x.b[start:x.i])
		}
		if x.take('}') {
			return nil
		}
		if !x.take(',') {
			return errPayload
		}
	}
}

// member reads a name and the colon after it and gives the field that it is,
// nil if nobody reads it. Names in canonical JSON are in order, so that the
// next one is mostly known.
func (x *extractor) member(k *kindInfo) (f *fieldInfo, ok bool) {
	x.space()
	rest := x.b[x.i:]
	for i := x.ahead; i < len(x.members); i++ {
		if m := &x.members[i]; len(rest) >= len(m.text) && string(rest[:len(m.text)]) == m.text {
			x.i += len(m.text)
			x.ahead = i + 1
			return m.field, true
		}
	}
	name, plain, ok := x.str()
	if !ok || !x.take(':') {
		return nil, false
	}
	if !plain {
		return nil, true
	}
	f = k.byName[string(name)]
	if at, known := slices.BinarySearchFunc(x.members, name, member.compare); !known && len(x.members) < maxMembers {
		x.members = slices.Insert(x.members, at, member{text: `"` + string(name) + `":`, field: f})
		x.ahead = at + 1
	}
	return f, true
}

func (m member) compare(name []byte) int {
	switch own := m.text[1 : len(m.text)-2]; {
	case own < string(name):
		return -1
	case own > string(name):
		return 1
	}
	return 0
}

// value is cell for a value that may be that of the payload before.
func (x *extractor) value(f *fieldInfo, raw []byte) uint64 {
	if f.form == formBool || f.form == formInt || len(raw) > maxLast {
		return x.cell(f, raw)
	}
	for f.index >= len(x.last) {
		x.last = append(x.last, lastCell{cell: absentCell, raw: []byte("null")})
	}
	l := &x.last[f.index]
	if !bytes.Equal(l.raw, raw) {
		before := x.width
		x.width = 0
		l.raw, l.cell = append(l.raw[:0], raw...), x.cell(f, raw)
		l.width, x.width = x.width, max(before, x.width)
		return l.cell
	}
	x.width = max(x.width, l.width)
	return l.cell
}

func (x *extractor) space() {
	for x.i < len(x.b) && x.b[x.i] <= ' ' {
		switch x.b[x.i] {
		case ' ', '\n', '\r', '\t':
			x.i++
		default:
			return
		}
	}
}

func (x *extractor) take(c byte) bool {
	x.space()
	if x.i < len(x.b) && x.b[x.i] == c {
		x.i++
		return true
	}
	return false
}

// str reads a string and returns what stands between the quotes; plain is
// false if that holds escapes.
func (x *extractor) str() (s []byte, plain, ok bool) {
	if !x.take('"') {
		return nil, false, false
	}
	start, plain := x.i, true
	for {
		n := bytes.IndexByte(x.b[x.i:], '"')
		if n < 0 {
			return nil, false, false
		}
		if e := bytes.IndexByte(x.b[x.i:x.i+n], '\\'); e >= 0 {
			plain = false
			x.i += e + 2
			if x.i > len(x.b) {
				return nil, false, false
			}
			continue
		}
		x.i += n + 1
		return x.b[start : x.i-1], plain, true
	}
}

const maxDepth = 1000

// skip passes over one value.
func (x *extractor) skip(depth int) bool {
	x.space()
	if x.i >= len(x.b) || depth > maxDepth {
		return false
	}
	switch x.b[x.i] {
	case '"':
		_, _, ok := x.str()
		return ok
	case '{', '[':
		return x.skipNested(depth)
	}
	start := x.i
	for x.i < len(x.b) {
		switch x.b[x.i] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return x.i > start
		}
		x.i++
	}
	return x.i > start
}

func (x *extractor) skipNested(depth int) bool {
	isObject := x.b[x.i] == '{'
	end := byte(']')
	if isObject {
		end = '}'
	}
	x.i++
	if x.take(end) {
		return true
	}
	for {
		if isObject {
			if _, _, ok := x.str(); !ok || !x.take(':') {
				return false
			}
		}
		if !x.skip(depth + 1) {
			return false
		}
		if x.take(end) {
			return true
		}
		if !x.take(',') {
			return false
		}
	}
}

// cell brings one value into the form of its field.
func (x *extractor) cell(f *fieldInfo, raw []byte) uint64 {
	if string(raw) == "null" {
		return absentCell
	}
	switch f.form {
	case formText:
		if b, ok := unquote(raw); ok {
			return uint64(x.texts.ofBytes(b))
		}
	case formBool:
		switch string(raw) {
		case "true":
			return 1
		case "false":
			return 0
		}
	case formInt:
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n > -1<<62 && n < 1<<62 {
			return uint64(n)
		}
	case formFloat:
		if v, err := strconv.ParseFloat(string(raw), 64); err == nil {
			if v == 0 {
				v = 0 // never -0
			}
			return math.Float64bits(v)
		}
	case formTime:
		if b, ok := unquote(raw); ok {
			if ns, ok := timeIn(b); ok {
				return uint64(ns)
			}
		}
	case formTexts:
		return x.listCell(raw)
	case formRaw:
		x.widen(bytes.Count(raw, []byte{','}) + 1)
		return uint64(x.texts.ofBytes(raw))
	}
	return malformedCell
}

func (x *extractor) widen(n int) { x.width = max(x.width, uint32(min(n, math.MaxInt32))) }

const listBits = 24

// listCell keeps a list of strings.
func (x *extractor) listCell(raw []byte) uint64 {
	in := extractor{b: raw}
	if !in.take('[') {
		return malformedCell
	}
	offset, n := len(*x.lists), 0
	for !in.take(']') {
		if n > 0 && !in.take(',') {
			return malformedCell
		}
		in.space()
		start := in.i
		if _, _, ok := in.str(); !ok {
			*x.lists = (*x.lists)[:offset]
			return malformedCell
		}
		b, _ := unquote(in.b[start:in.i])
		*x.lists = append(*x.lists, x.texts.ofBytes(b))
		n++
	}
	if n >= 1<<listBits {
		*x.lists = (*x.lists)[:offset]
		return malformedCell
	}
	x.widen(n)
	return uint64(offset)<<listBits | uint64(n)
}

// unquote gives the text of a JSON string.
func unquote(raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner, true
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, false
	}
	return []byte(s), true
}
