package oscal

import (
	"bufio"
	"encoding/json"
	"iter"
)

// document writes one JSON object field by field, so that long lists need no
// memory. The first error stays, and nothing is written after it.
type document struct {
	w     *bufio.Writer
	err   error
	comma bool // something stands before in this object or list
}

func (d *document) text(s string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(s)
	}
}

func (d *document) value(v any) {
	if d.err != nil {
		return
	}
	var b []byte
	if b, d.err = json.Marshal(v); d.err == nil {
		_, d.err = d.w.Write(b)
	}
}

func (d *document) next() {
	if d.comma {
		d.text(",")
	}
	d.text("\n")
	d.comma = true
}

func (d *document) name(name string) {
	d.next()
	d.value(name)
	d.text(":")
}

// open begins an object: the document, a field of the one that is open, or,
// without a name, an item of the list that is open.
func (d *document) open(name string) {
	if name != "" {
		d.name(name)
	}
	d.text("{")
	d.comma = false
}

func (d *document) close() {
	d.text("}")
	d.comma = true
}

// field writes a field.
func (d *document) field(name string, v any) {
	d.name(name)
	d.value(v)
}

// list writes a field that is a list; without items it is left out.
func list[T any](d *document, name string, items iter.Seq[T]) {
	begun := false
	for v := range items {
		if d.err != nil {
			return
		}
		if !begun {
			begun = true
			d.name(name)
			d.text("[")
			d.comma = false
		}
		d.next()
		d.value(v)
	}
	if begun {
		d.text("]")
		d.comma = true
	}
}

// whole writes a document that is small enough to be held.
func (d *document) whole(name string, v any) {
	if d.err != nil {
		return
	}
	enc := json.NewEncoder(d.w)
	enc.SetIndent("", "  ")
	d.err = enc.Encode(map[string]any{name: v})
}
