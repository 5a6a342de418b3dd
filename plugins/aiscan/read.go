package aiscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/infra"
)

const (
	headSize   = 8 << 10  // tells what a file is
	windowSize = 4 << 20  // of a file that is larger, one part after the other is read
	wholeSize  = 64 << 20 // of a manifest and the like, which is read whole
	overlap    = 64 << 10 // of two windows where no line ends
	firstBuf   = 256 << 10
)

// errTooLarge means that a file passes a limit.
var errTooLarge = errors.New("larger than what is read of one file")

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%w: %d bytes, the limit is %d", errTooLarge, size, limit)
}

// read finds what a content holds.
func (w *worker) read(how reading, j job) (*content, error) {
	if j.err != nil {
		return nil, j.err
	}
	if j.data != nil {
		return w.readFrom(how, j.Path, bytes.NewReader(j.data), int64(len(j.data)))
	}
	f, err := j.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	size := j.Size
	if s, ok := f.(interface{ Size() int64 }); ok && size == UnknownSize {
		size = s.Size()
	}
	return w.readFrom(how, j.Path, f, size)
}

// readFrom reads the beginning, which tells what to do with the rest.
func (w *worker) readFrom(how reading, name string, r io.Reader, size int64) (*content, error) {
	if w.buf == nil {
		w.buf = make([]byte, firstBuf)
	}
	limit := w.scan.options.MaxFile
	if size <= limit && size >= int64(len(w.buf)) && size < windowSize {
		w.buf = make([]byte, size+size/4)
	}
	n, err := fill(r, w.buf)
	if err != nil {
		return nil, err
	}
	b := w.buf[:n]
	ended := n < len(w.buf)
	head := b[:min(n, headSize)]
	if ended {
		size = int64(n)
	}
	c := &content{Size: size}
	if f, ok := infra.WeightsFact(name, head, size); ok {
		if pointer(b) {
			c.Unread = append(c.Unread, elsewhere)
		}
		f.Attrs = nil
		w.scan.rules.match(c, []fact.Fact{f})
		return c, nil
	}
	if size > limit {
		return nil, tooLarge(size, limit)
	}
	how.begin(name, asUTF8(head))
	if how.language == nil && how.manifest == nil && how.infra == nil && isBinary(asUTF8(head)) {
		return c, nil
	}
	if !ended && (wide(head) || how.manifest != nil || how.infra != nil || chunked(name) || assetKind(name) != "") {
		if b, err = readRest(b, r, min(limit, wholeSize)); err != nil {
			return nil, err
		}
		c.Size, ended = int64(len(b)), true
	}
	if ended {
		b = asUTF8(b)
		w.whole(c, how, name, b)
		w.look(c, how, b, 0)
		return c, nil
	}
	return c, w.windows(c, how, io.MultiReader(bytes.NewReader(bytes.Clone(b)), r))
}

// windows reads a large text part by part. Parts end where a line does, if one
// does. A comment or a string that goes on in the next part is opened there
// again.
func (w *worker) windows(c *content, how reading, r io.Reader) error {
	buf := make([]byte, windowSize)
	kept, line := 0, 0
	c.Size = 0
	for {
		n, err := fill(r, buf[kept:])
		if err != nil {
			return err
		}
		c.Size += int64(n)
		b := buf[:kept+n]
		if c.Size > w.scan.options.MaxFile {
			return tooLarge(c.Size, w.scan.options.MaxFile)
		}
		last := len(b) < len(buf)
		cut := len(b)
		if at := bytes.LastIndexByte(b, '\n'); !last && at >= len(b)/2 {
			cut = at + 1
		}
		w.look(c, how, b[:cut], line)
		if last {
			return nil
		}
		next := cut
		if cut == len(b) {
			next = len(b) - overlap
		}
		line += bytes.Count(b[:next], []byte("\n"))
		kept = 0
		if how.language != nil {
			open := how.language.Unclosed(b[:next])
			line -= strings.Count(open, "\n")
			kept = copy(buf[:next], open)
		}
		kept += copy(buf[kept:], b[next:])
	}
}

// fill reads until a buffer is full or the text ends.
func fill(r io.Reader, b []byte) (int, error) {
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, nil
	}
	return n, err
}

// readRest reads a text to its end, which is not further than a limit.
func readRest(b []byte, r io.Reader, limit int64) ([]byte, error) {
	rest, err := io.ReadAll(io.LimitReader(r, limit-int64(len(b))+1))
	if err != nil {
		return nil, err
	}
	all := append(append(make([]byte, 0, len(b)+len(rest)), b...), rest...)
	if int64(len(all)) > limit {
		return nil, tooLarge(int64(len(all)), limit)
	}
	return all, nil
}

// reason says an error without the path of this machine.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Op + ": " + p.Err.Error()
	}
	return cleanText(err.Error(), 300)
}

// cleanText makes text of a file fit for a report: valid, one line, short.
func cleanText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
