package aiscan

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/infra"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/manifest"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/source"
)

const (
	smallFile  = 1 << 20
	windowSize = 4 << 20 // a file larger than that is read in windows
	headSize   = 8 << 10 // decides whether a file is text
)

// worker reads files, one after the other, with buffers of its own.
type worker struct {
	scan *scan
	buf  []byte
}

// content is what was found in one content, whatever its path: what a Cache
// keeps.
type content struct {
	Hits    []hit    `json:"h,omitempty"`
	Secrets []Secret `json:"s,omitempty"`
	Models  []Model  `json:"m,omitempty"`
	Asset   *Asset   `json:"a,omitempty"`
	Unread  []string `json:"u,omitempty"` // why parts of it were not read
}

func (c *content) empty() bool {
	return len(c.Hits)+len(c.Secrets)+len(c.Models)+len(c.Unread) == 0 && c.Asset == nil
}

// hit is a fact that belongs to a signature.
type hit struct {
	Fact  fact.Fact `json:"f"`
	ID    string    `json:"i"` // of the signature
	Field string    `json:"l"` // of its list
	Weak  bool      `json:"w,omitempty"`
}

// file reads one entry and adds what it holds to a part of the report.
func (w *worker) file(p *part, j job) {
	p.files++
	w.name(p, j.Entry)
	how := readingOf(j.Path)
	key := ""
	if w.scan.options.Cache != nil && j.ID != "" {
		key = w.scan.rules.key(how, j.Path, j.ID)
		if b, ok := w.scan.options.Cache.Get(key); ok {
			var c content
			if c.decode(b) == nil {
				p.bytes += j.Size
				p.reused++
				p.take(j.Entry, &c)
				return
			}
		}
	}
	c, n, err := w.read(how, j)
	if err != nil {
		p.files--
		p.unread = append(p.unread, Unread{Path: j.Path, Reason: reason(err)})
		return
	}
	p.bytes += n
	if key != "" {
		w.scan.options.Cache.Put(key, c.encode())
	}
	p.take(j.Entry, c)
}

// name asks whose a file is by its path alone.
func (w *worker) name(p *part, e Entry) {
	for _, m := range w.scan.rules.set.File(e.Path) {
		f := fact.Fact{Class: fact.File, Name: e.Path}
		p.hits = append(p.hits, found{hit{Fact: f, ID: m.ID, Field: m.Field, Weak: m.IsWeak()}, e.Path, introduced(e)})
	}
}

// read finds what a content holds.
func (w *worker) read(how reading, j job) (*content, int64, error) {
	b, err := j.data, j.err
	if b == nil && err == nil {
		b, err = w.load(j.Entry)
	}
	if err != nil {
		return nil, 0, err
	}
	n := int64(len(b))
	c := &content{}
	b = asUTF8(b)
	head := b[:min(len(b), headSize)]
	if r := how.manifest; r != nil {
		w.facts(c, j.Path, b, r)
	}
	if r := infra.For(j.Path, head); r != nil {
		w.facts(c, j.Path, b, r)
	}
	if how.language == nil && isBinary(head) {
		return c, n, nil
	}
	if w.scan.rules.gate.Any(b) {
		w.closely(c, how, j.Path, b)
	}
	w.asset(c, j.Path, b)
	return c, n, nil
}

type reader interface {
	Read(path string, data []byte) ([]fact.Fact, error)
}

func (w *worker) facts(c *content, path string, b []byte, r reader) {
	facts, err := r.Read(path, b)
	w.scan.rules.match(c, facts)
	if err != nil {
		c.Unread = append(c.Unread, "read in part: "+reason(err))
	}
}

// closely looks at a text in which the gate found something.
func (w *worker) closely(c *content, how reading, path string, b []byte) {
	w.scan.rules.secrets(c, path, b)
	if how.language != nil {
		w.scan.rules.match(c, source.Read(*how.language, b, w.scan.rules.hints))
	}
}

// load reads a file into the worker's buffer.
func (w *worker) load(e Entry) ([]byte, error) {
	if e.Size > w.scan.options.MaxFile {
		return nil, tooLarge(e.Size, w.scan.options.MaxFile)
	}
	f, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	if w.buf == nil {
		w.buf = make([]byte, smallFile)
	}
	buf := w.buf
	if int64(len(buf)) <= e.Size {
		buf = make([]byte, e.Size+1)
	}
	n, err := io.ReadFull(f, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return buf[:n], nil
	}
	if err != nil {
		return nil, err
	}
	return readMore(f, buf, w.scan.options.MaxFile)
}

// readMore goes on with a file that is longer than it said to be.
func readMore(f io.Reader, buf []byte, limit int64) ([]byte, error) {
	rest, err := io.ReadAll(io.LimitReader(f, limit-int64(len(buf))+1))
	if err != nil {
		return nil, err
	}
	all := append(append(make([]byte, 0, len(buf)+len(rest)), buf...), rest...)
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

// reading is how a file is read, by its path.
type reading struct {
	manifest manifest.Reader
	language *source.Language
	byPath   bool // what is found depends on the whole path, not only on the language
}

func readingOf(path string) reading {
	r := reading{language: source.For(path)}
	if m := manifest.For(path); m != nil {
		r.manifest, r.byPath = m, true
	}
	return r
}
