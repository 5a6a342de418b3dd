package returned

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits are what a file may demand.
type Limits struct {
	Unpacked int64 // bytes of all parts read, unpacked
	Texts    int64 // bytes of the texts that cells share
	Rows     int   // of a sheet
	Cell     int   // bytes of a text
	Parts    int
}

// DefaultLimits hold the largest workbook that is exported, and little more.
func DefaultLimits() Limits {
	return Limits{Unpacked: 3 << 30, Texts: 256 << 20, Rows: 1 << 20, Cell: 4 * 32767, Parts: 2000}
}

// Refusal says why a file is not read, and what to do.
type Refusal struct{ Why, Remedy string }

func (r *Refusal) Error() string { return r.Why }

// Hint returns the remedy.
func (r *Refusal) Hint() string { return r.Remedy }

func refuse(remedy, format string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(format, args...), Remedy: remedy}
}

const saveAgain = "ask for it again, saved as .xlsx by Excel, LibreOffice or Google Sheets"

// File is a workbook that is open.
type File struct {
	Program string // that saved it, as it says

	zip    *zip.Reader
	limits Limits
	budget int64 // bytes that may still be unpacked
	parts  map[string]*zip.File
	sheets []sheetPart
	names  map[string]string // defined names: what they refer to
	texts  []string
	dates  []bool // by style: shown as a date
	old    bool   // days are counted from 1904
}

type sheetPart struct{ name, part string }

// Open reads what a workbook says of itself.
func Open(r io.ReaderAt, size int64, l Limits) (*File, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, refuse(saveAgain, "it is no .xlsx workbook: %v", err)
	}
	f := &File{zip: z, limits: l, budget: l.Unpacked, parts: map[string]*zip.File{}, names: map[string]string{}}
	if err := f.index(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{f.workbook, f.styles, f.shared, f.program} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// index lists the parts, and refuses what a workbook of ours never has.
func (f *File) index() error {
	if len(f.zip.File) > f.limits.Parts {
		return refuse(saveAgain, "it has %d parts, more than a workbook needs", len(f.zip.File))
	}
	for _, p := range f.zip.File {
		name := strings.TrimPrefix(p.Name, "/")
		lower := strings.ToLower(name)
		switch {
		case strings.Contains(lower, "vbaproject") || strings.Contains(lower, "macrosheets/") || strings.Contains(lower, "activex/"):
			return refuse("save it without macros, as .xlsx", "it holds macros (%s)", name)
		case f.parts[lower] != nil:
			return refuse(saveAgain, "it has two parts %s", name)
		}
		f.parts[lower] = p
	}
	return nil
}

// part opens a part for reading, under the budget of the whole file.
func (f *File) part(name string) (io.ReadCloser, error) {
	p := f.parts[strings.ToLower(strings.TrimPrefix(name, "/"))]
	if p == nil {
		return nil, refuse(saveAgain, "it has no part %s", name)
	}
	r, err := p.Open()
	if err != nil {
		return nil, refuse(saveAgain, "%s: %v", name, err)
	}
	return &metered{ReadCloser: r, f: f, name: name}, nil
}

// metered counts what is unpacked.
type metered struct {
	io.ReadCloser
	f    *File
	name string
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if m.f.budget -= int64(n); m.f.budget < 0 {
		return n, refuse(saveAgain, "%s: it unpacks to more than %d MiB", m.name, m.f.limits.Unpacked>>20)
	}
	return n, err
}

// elements goes through the start elements of a part.
func (f *File) elements(name string, visit func(d *xml.Decoder, e xml.StartElement) error) error {
	r, err := f.part(name)
	if err != nil {
		return err
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(name, err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return refuse(saveAgain, "%s declares a document type, which a workbook never does", name)
		case xml.StartElement:
			if err := visit(d, t); err != nil {
				return unreadable(name, err)
			}
		}
	}
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// unreadable is the refusal of a part. What is no fault of the file stays what
// it is.
func unreadable(name string, err error) error {
	var r *Refusal
	if errors.As(err, &r) || errors.Is(err, errEnough) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return refuse(saveAgain, "%s cannot be read: %v", name, err)
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// text reads the characters of an element, at most as many bytes as a cell holds.
func (f *File) text(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for depth := 1; depth > 0; {
		t, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if b.Len()+len(t) > f.limits.Cell {
				return "", refuse(saveAgain, "a text is longer than a cell can be")
			}
			b.Write(t)
		}
	}
	return b.String(), nil
}

const workbookPart = "xl/workbook.xml"

// workbook reads the list of sheets and the names.
func (f *File) workbook() error {
	target := map[string]string{}
	err := f.elements("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "TargetMode") != "External" {
			target[attr(e, "Id")] = attr(e, "Target")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.elements(workbookPart, func(d *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			f.old = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		case "sheet":
			to := target[relID(e)]
			if rest, ok := strings.CutPrefix(to, "/"); ok {
				to = rest
			} else {
				to = path.Join("xl", to)
			}
			f.sheets = append(f.sheets, sheetPart{attr(e, "name"), to})
		case "definedName":
			v, err := f.text(d)
			f.names[attr(e, "name")] = v
			return err
		}
		return nil
	})
}

// relID is the r:id of an element, which may have an id of its own too.
func relID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

// program reads which program saved the file.
func (f *File) program() error {
	const name = "docProps/app.xml"
	if f.parts[strings.ToLower(name)] == nil {
		return nil
	}
	return f.elements(name, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "Application" {
			return nil
		}
		v, err := f.text(d)
		f.Program = v
		return err
	})
}

// shared reads the texts that cells share. Phonetic hints are no part of them.
func (f *File) shared() error {
	const name = "xl/sharedStrings.xml"
	if f.parts[strings.ToLower(name)] == nil {
		return nil
	}
	total := int64(0)
	return f.elements(name, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		v, err := f.rich(d)
		if err != nil {
			return err
		}
		if total += int64(len(v)) + 16; total > f.limits.Texts {
			return refuse(saveAgain, "the texts of its cells are more than %d MiB", f.limits.Texts>>20)
		}
		f.texts = append(f.texts, v)
		return nil
	})
}

// rich reads the texts of an element that holds runs of text.
func (f *File) rich(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "r" {
				continue
			}
			return unescape(b.String()), nil
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				v, err := f.text(d)
				if err != nil {
					return "", err
				}
				if b.WriteString(v); b.Len() > f.limits.Cell {
					return "", refuse(saveAgain, "a text is longer than a cell can be")
				}
			case "r":
			default:
				if err := d.Skip(); err != nil {
					return "", err
				}
			}
		}
	}
}
