package manifest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// element is one element of an XML file, with the line its tag begins on. All
// methods accept nil.
type element struct {
	name    string // without name space
	line    int
	attrs   []xml.Attr
	text    string
	kids    []*element
	comment bool // was read out of a comment
}

// xml reads the file as XML. Elements inside comments are kept and marked.
func (f *file) xml() *element {
	root := &element{}
	p := &xmlParser{}
	p.parse(root, f.text, 1, false)
	if len(root.kids) == 0 && len(bytes.TrimSpace(f.text)) > 0 {
		p.fail(1, "not valid XML")
	}
	if p.err != "" {
		f.fail(p.errLine, p.err)
	}
	return root
}

type xmlParser struct {
	used    int
	err     string
	errLine int
}

func (p *xmlParser) fail(line int, what string) {
	if p.err == "" {
		p.err, p.errLine = what, line
	}
}

// parse reads text, which begins on the given line, below an element.
func (p *xmlParser) parse(root *element, text []byte, line int, comment bool) {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.Strict = false
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	open := []*element{root}
	off := remarkBlock{p: p}
	at := 0
	for {
		start := int(dec.InputOffset())
		tok, err := dec.RawToken()
		line += bytes.Count(text[at:start], []byte("\n"))
		at = start
		off.before(tok, open[len(open)-1])
		if err != nil {
			if !errors.Is(err, io.EOF) && !comment {
				end := min(int(dec.InputOffset()), len(text))
				p.fail(line+bytes.Count(text[at:end], []byte("\n")), "not valid XML")
			} else if len(open) > 1 && !comment {
				p.fail(line, "ends before its last element")
			}
			return
		}
		if p.used++; p.used > maxNodes/4 || len(open) > maxDepth {
			p.fail(line, fmt.Sprintf("deeper than %d levels or more than %d elements", maxDepth, maxNodes/4))
			return
		}
		top := open[len(open)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local, line: line, attrs: t.Attr, comment: comment}
			top.kids = append(top.kids, e)
			open = append(open, e)
		case xml.EndElement:
			open = p.close(open, t.Name.Local, line, comment)
		case xml.CharData:
			if t = bytes.TrimSpace(t); len(t) > 0 && len(top.text) < 1<<12 {
				top.text += string(t)
			}
		case xml.Comment:
			if !comment {
				off.add(t, line)
			}
		}
	}
}

// remarkBlock is comments that follow one another with nothing between: an
// element may be commented out line by line.
type remarkBlock struct {
	p    *xmlParser
	text []byte
	line int // on which it begins
	end  int // on which it ends
}

// add takes one more comment.
func (r *remarkBlock) add(text []byte, line int) {
	if len(r.text) == 0 {
		r.line, r.end = line, line
	}
	for ; r.end < line; r.end++ {
		r.text = append(r.text, '\n')
	}
	r.text = append(r.text, text...)
	r.end += bytes.Count(text, []byte("\n"))
}

// before reads what was taken, below an element, if the next token ends it.
func (r *remarkBlock) before(next xml.Token, top *element) {
	switch t := next.(type) {
	case xml.Comment:
		return
	case xml.CharData:
		if len(bytes.TrimSpace(t)) == 0 {
			return
		}
	}
	if bytes.IndexByte(r.text, '<') >= 0 {
		r.p.parse(top, r.text, r.line, true)
	}
	r.text = nil
}

// close takes the elements off that an end tag closes.
func (p *xmlParser) close(open []*element, name string, line int, comment bool) []*element {
	for i := len(open) - 1; i > 0; i-- {
		if open[i].name == name {
			if i != len(open)-1 && !comment {
				p.fail(line, "an element ends before those inside it")
			}
			return open[:i]
		}
	}
	if !comment {
		p.fail(line, "an element ends that did not begin")
	}
	return open
}

// child is the first child of a name that is not in a comment, or in one if e is.
func (e *element) child(path ...string) *element {
	for _, name := range path {
		if e == nil {
			return nil
		}
		var next *element
		for _, k := range e.kids {
			if k.name == name && k.comment == e.comment {
				next = k
				break
			}
		}
		e = next
	}
	return e
}

// value is the text of a child or the attribute of that name, without regard to case.
func (e *element) value(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	for _, k := range e.kids {
		if strings.EqualFold(k.name, name) && k.comment == e.comment {
			return strings.TrimSpace(k.text)
		}
	}
	return ""
}

// attr is an attribute, without regard to case.
func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}
