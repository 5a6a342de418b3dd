package infra

import "bytes"

// field is one field of a message of Protocol Buffers.
type field struct {
	number int
	wire   int    // 0 number, 1 eight bytes, 2 bytes, 5 four bytes
	value  uint64 // of wire 0; the length of wire 2
	bytes  []byte // of wire 2: what of it is in the head
}

// nextField reads a field; rest is nil when what follows is beyond the head.
func nextField(b []byte) (f field, rest []byte, ok bool) {
	tag, n := varint(b)
	if n == 0 || tag>>3 == 0 || tag>>3 > 1<<20 {
		return f, nil, false
	}
	f.number, f.wire = int(tag>>3), int(tag&7)
	b = b[n:]
	switch f.wire {
	case 0:
		if f.value, n = varint(b); n == 0 {
			return f, nil, false
		}
		return f, b[n:], true
	case 1, 5:
		width := 8
		if f.wire == 5 {
			width = 4
		}
		if len(b) < width {
			return f, nil, false
		}
		return f, b[width:], true
	case 2:
		if f.value, n = varint(b); n == 0 {
			return f, nil, false
		}
		b = b[n:]
		if f.value >= uint64(len(b)) {
			f.bytes = b
			return f, nil, true
		}
		f.bytes = b[:f.value]
		return f, b[f.value:], true
	}
	return f, nil, false
}

func varint(b []byte) (uint64, int) {
	var v uint64
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// onnx: a version of the format, then only fields that a model has, among them
// a graph whose first node has the name of an operator.
func onnx(_ name, head []byte, size int64) string {
	if head[0] != 0x08 || head[1] < 1 || head[1] > 30 {
		return ""
	}
	rest := head
	for rest != nil {
		f, next, ok := nextField(rest)
		if !ok || !isModelField(f) {
			return ""
		}
		if f.number == 7 {
			if f.value > uint64(size) || !isGraph(f.bytes) {
				return ""
			}
			return "onnx"
		}
		rest = next
	}
	return ""
}

// isModelField reports whether a field of this number and form is one of ONNX's
// ModelProto.
func isModelField(f field) bool {
	switch f.number {
	case 1, 5:
		return f.wire == 0
	case 2, 3, 4, 6:
		return f.wire == 2 && (f.value > 4096 || isPrintable(f.bytes))
	case 7, 8, 14, 20, 25, 26:
		return f.wire == 2
	}
	return false
}

// isGraph reports whether a message begins as ONNX's GraphProto: with a node, a
// name, an initial tensor or an input.
func isGraph(b []byte) bool {
	f, _, ok := nextField(b)
	if !ok || f.wire != 2 {
		return false
	}
	switch f.number {
	case 1:
		return hasOperator(f.bytes, 4, f.value)
	case 2, 5, 10, 11, 12, 13:
		return f.value > 0
	}
	return false
}

// hasOperator reports whether a node names its operator in a field. A node that
// goes on beyond the head may name it there.
func hasOperator(b []byte, number int, length uint64) bool {
	cut := length > uint64(len(b))
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok || f.number > 20 {
			return false
		}
		if f.number == number && f.wire == 2 && len(f.bytes) > 1 {
			return isPrintable(f.bytes) && f.bytes[0]|0x20 >= 'a' && f.bytes[0]|0x20 <= 'z'
		}
		b = rest
	}
	return cut
}

func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// coreML: a version, then a description of features. ONNX begins alike; the
// ending decides.
func coreML(n name, head []byte, size int64) string {
	if n.ext != ".mlmodel" || head[0] != 0x08 || head[1] > 30 {
		return ""
	}
	_, rest, _ := nextField(head)
	f, _, ok := nextField(rest)
	if !ok || f.number != 2 || f.wire != 2 || f.value > uint64(size) {
		return ""
	}
	if inner, _, ok := nextField(f.bytes); ok && inner.wire == 2 && (inner.number == 1 || inner.number == 10 || inner.number == 100) {
		return "coreml"
	}
	return ""
}

// savedModel: TensorFlow's SavedModel, or a graph by itself.
func savedModel(n name, head []byte, size int64) string {
	if n.ext != ".pb" {
		return ""
	}
	f, rest, ok := nextField(head)
	if !ok {
		return ""
	}
	if n.base == "saved_model.pb" && f.number == 1 && f.wire == 0 && f.value == 1 {
		if meta, _, ok := nextField(rest); ok && meta.number == 2 && meta.wire == 2 && meta.value <= uint64(size) {
			return "savedmodel"
		}
		return ""
	}
	// GraphDef: nodes with a name and an operator, the first one an input or a
	// constant.
	if f.number == 1 && f.wire == 2 && hasOperator(f.bytes, 2, f.value) &&
		(bytes.Contains(head, []byte("Placeholder")) || bytes.Contains(head, []byte("Const"))) && bytes.Contains(head, []byte("dtype")) {
		return "tensorflow"
	}
	return ""
}
