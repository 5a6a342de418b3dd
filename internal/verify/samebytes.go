package verify

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// errDiffers ends the writing of a workbook that is not the same any more.
var errDiffers = errors.New("differs")

// sameBytes compares what is written to it with a workbook, up to the seal.
type sameBytes struct {
	have  io.ReaderAt
	end   int64 // where the seal begins
	at    int64
	parts int
	diff  bool
	buf   []byte
}

func newSameBytes(have *io.SectionReader) (*sameBytes, error) {
	zr, err := zipform.Open(have, have.Size())
	if err != nil {
		return nil, err
	}
	s := &sameBytes{have: have}
	for e, err := range zr.Entries() {
		if err != nil {
			return nil, err
		}
		if e.Name == xlsx.SealPart {
			s.end = e.Offset()
		} else {
			s.parts++
		}
	}
	return s, nil
}

func (s *sameBytes) Write(p []byte) (int, error) {
	if rest := s.end - s.at; int64(len(p)) > rest {
		if err := s.compare(p[:max(rest, 0)]); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return len(p), s.compare(p)
}

func (s *sameBytes) compare(p []byte) error {
	if len(s.buf) < len(p) {
		s.buf = make([]byte, len(p))
	}
	got := s.buf[:len(p)]
	if n, err := s.have.ReadAt(got, s.at); n < len(p) {
		return fmt.Errorf("workbook: %w", err)
	}
	s.at += int64(len(p))
	if !bytes.Equal(got, p) {
		s.diff = true
		return errDiffers
	}
	return nil
}

func (s *sameBytes) same() bool { return !s.diff && s.at == s.end }

// nameDifference writes the workbook once more, to a temporary file, and names
// the first place where the one at hand differs.
func nameDifference(have *io.SectionReader, write func(io.Writer) error, dir string) error {
	f, err := os.CreateTemp(dir, "exhibit-verify-*")
	if err != nil {
		return err
	}
	defer func() { f.Close(); os.Remove(f.Name()) }() // a temporary file
	if err := write(f); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	want, err := partsOf(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return err
	}
	got, err := partsOf(have)
	if err != nil {
		return err
	}
	return firstPart(want, got)
}

// parts are the parts of a workbook, by name.
type parts struct {
	zip     *zipform.Reader
	entries map[string]zipform.Entry
	sums    map[string][32]byte
	sheets  map[string]string
}

func partsOf(src *io.SectionReader) (*parts, error) {
	zr, err := zipform.Open(src, src.Size())
	if err != nil {
		return nil, err
	}
	p := &parts{zip: zr, entries: map[string]zipform.Entry{}, sums: map[string][32]byte{}, sheets: map[string]string{}}
	for it, err := range zr.Items() {
		if err != nil {
			return nil, err
		}
		part, err := it.Finish()
		if err != nil {
			return nil, err
		}
		if it.Name != xlsx.SealPart {
			p.entries[it.Name], p.sums[it.Name] = it.Entry, part.Sum
		}
	}
	p.names()
	return p, nil
}

// names finds which sheet each part is.
func (p *parts) names() {
	read := func(name string) ([]byte, error) {
		e, ok := p.entries[name]
		if !ok {
			return nil, fmt.Errorf("no part %s", name)
		}
		b, _, err := p.zip.Read(e, maxPart)
		return b, err
	}
	wb, err1 := read("xl/workbook.xml")
	rels, err2 := read("xl/_rels/workbook.xml.rels")
	if err1 != nil || err2 != nil {
		return // parts are then called by their own names
	}
	list, err := xlsx.Sheets(wb, rels)
	if err != nil {
		return // as above
	}
	for _, s := range list {
		p.sheets[s.Part] = s.Name
	}
}

// firstPart names the first part that differs, sheets and their cells first.
func firstPart(want, got *parts) error {
	names := slices.Collect(maps.Keys(want.sums))
	for n := range got.sums {
		if _, ok := want.sums[n]; !ok {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		sheet := func(n string) bool { return strings.HasPrefix(n, "xl/worksheets/sheet") }
		if sheet(a) != sheet(b) {
			if sheet(a) {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, n := range names {
		w, has := want.sums[n]
		g, is := got.sums[n]
		switch {
		case !has:
			return fail(bundle.WorkbookFile+": "+n, "", "no such part, written anew", "one")
		case !is:
			return fail(bundle.WorkbookFile+": "+n, "", "a part, written anew", "none")
		case w != g && want.sheets[n] != "":
			return firstCell(n, want, got)
		case w != g:
			return fail(bundle.WorkbookFile+": "+n, "content", fmt.Sprintf("sha256 %x, written anew", w), fmt.Sprintf("%x", g))
		}
	}
	return fail(bundle.WorkbookFile, "packing", "the same bytes, written anew", "others of the same content")
}

// firstCell names the first cell of a sheet that differs, or what else does.
func firstCell(name string, want, got *parts) error {
	file := bundle.WorkbookFile + ": sheet " + want.sheets[name]
	if s := got.sheets[name]; s != want.sheets[name] {
		return fail(bundle.WorkbookFile+": xl/workbook.xml", "sheets", want.sheets[name], s)
	}
	w, g := newCells(want.zip.Open(want.entries[name])), newCells(got.zip.Open(got.entries[name]))
	for {
		x, err1 := w.next()
		y, err2 := g.next()
		switch {
		case err1 != nil && err2 != nil:
			return fail(file, name, "the same settings, written anew", "others")
		case x != y:
			return fail(file, x.place(y), x.words(), y.words())
		}
	}
}

// cell is a piece of a sheet: a cell, or an element outside the rows.
type cell struct{ ref, attrs, text string }

func (c cell) place(other cell) string {
	switch {
	case c.ref != "":
		return c.ref
	case other.ref != "":
		return other.ref
	}
	return "end"
}

func (c cell) words() string {
	if c == (cell{}) {
		return "nothing more"
	}
	return clip(strings.TrimSpace(c.text + " [" + c.attrs + "]"))
}

// cells reads a sheet piece by piece.
type cells struct{ dec *xml.Decoder }

func newCells(r io.Reader) *cells { return &cells{xml.NewDecoder(r)} }

// next returns the next cell with its attributes and texts, or the next
// element that is in no cell.
func (c *cells) next() (cell, error) {
	for {
		t, err := c.dec.Token()
		if err != nil {
			return cell{}, err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		out := cell{ref: start.Name.Local}
		for _, at := range start.Attr {
			if start.Name.Local == "c" && at.Name.Local == "r" {
				out.ref = "cell " + at.Value
				continue
			}
			out.attrs += at.Name.Local + "=" + at.Value + " "
		}
		if start.Name.Local != "c" {
			return out, nil
		}
		return c.inside(out)
	}
}

func (c *cells) inside(out cell) (cell, error) {
	var text strings.Builder
	for depth := 1; depth > 0; {
		t, err := c.dec.Token()
		if err != nil {
			return out, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			if t.Name.Local == "f" {
				text.WriteString("formula ")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			text.Write(t)
		}
	}
	out.text = text.String()
	return out, nil
}
