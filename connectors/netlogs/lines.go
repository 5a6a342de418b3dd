package netlogs

import (
	"bytes"
	"errors"
	"io"
)

// lines cuts a stream into lines, none of which is held beyond a bound.
type lines struct {
	r          io.Reader
	buf        []byte
	start, end int
	at         int64 // where buf[start] is in the stream
	bound      int
	over       bool // the line that is being read is longer than the bound
	ended      bool
	failed     error // what the stream failed with, behind what is in buf
}

func newLines(r io.Reader, at int64, bound int) *lines {
	return &lines{r: r, buf: make([]byte, 256<<10), at: at, bound: bound}
}

// line is one line without its end.
type line struct {
	text  []byte // valid until the next; empty if it was too long
	at    int64
	whole bool // an end of line followed
	long  bool
}

// next returns the next line, io.EOF after the last, or what the stream failed
// with. The last line of a stream may not be whole.
func (l *lines) next() (line, error) {
	began := l.at
	for from := l.start; ; {
		if i := bytes.IndexByte(l.buf[from:l.end], '\n'); i >= 0 {
			out := line{text: l.buf[l.start : from+i], at: began, whole: true, long: l.over}
			l.advance(from + i + 1)
			return l.finish(out), nil
		}
		if l.failed != nil {
			return line{at: l.at}, l.failed
		}
		if l.ended {
			if l.start == l.end && !l.over {
				return line{at: l.at}, io.EOF
			}
			out := line{text: l.buf[l.start:l.end], at: began, long: l.over}
			l.advance(l.end)
			return l.finish(out), nil
		}
		if l.end-l.start > l.bound {
			l.over = true
			l.advance(l.end)
		}
		seen := l.end - l.start
		l.fill()
		from = l.start + seen
	}
}

func (l *lines) advance(to int) { l.at, l.start = l.at+int64(to-l.start), to }

// finish cuts a line's carriage return, and the text of one that is too long.
func (l *lines) finish(out line) line {
	if l.over = false; out.long || len(out.text) > l.bound {
		out.long, out.text = true, nil
		return out
	}
	if n := len(out.text); n > 0 && out.text[n-1] == '\r' {
		out.text = out.text[:n-1]
	}
	return out
}

// fill reads more, behind what is left.
func (l *lines) fill() {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if errors.Is(err, io.EOF) {
		l.ended = true
	} else {
		l.failed = err
	}
}
