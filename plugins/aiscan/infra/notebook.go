package infra

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Limits of a notebook. Its outputs may be larger than all else and are passed
// over without being kept.
const (
	maxCells = 20000
	maxCode  = 16 << 20 // bytes of code
)

// readNotebook returns the cells of a notebook of Jupyter that hold code, of
// format 3 or 4. Outputs, prose and metadata are passed over.
func readNotebook(data []byte) ([]Chunk, error) {
	r := &notebook{
		data: data,
		dec:  jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		line: 1, language: "py",
	}
	if err := r.top(); err != nil {
		return r.finish(), ErrSyntax
	}
	if r.full {
		return r.finish(), ErrTooMany
	}
	return r.finish(), nil
}

type notebook struct {
	data     []byte
	dec      *jsontext.Decoder
	at, line int
	language string
	chunks   []Chunk
	bytes    int
	full     bool
}

// here is the line of what was read last, or, before the next value, of that.
func (r *notebook) here(offset int64) int {
	if end := min(int(offset), len(r.data)); end > r.at {
		r.line += bytes.Count(r.data[r.at:end], []byte("\n"))
		r.at = end
	}
	return r.line
}

// finish gives cells without a language of their own that of the notebook,
// which may stand at its end.
func (r *notebook) finish() []Chunk {
	for i := range r.chunks {
		if r.chunks[i].Language == "" {
			r.chunks[i].Language = r.language
		}
	}
	return r.chunks
}

// members calls f with each key of the object that comes next; f reads or
// skips the value.
func (r *notebook) members(f func(key string) error) error {
	if r.dec.PeekKind() != '{' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		t, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := f(t.String()); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// elements calls f for each item of the list that comes next.
func (r *notebook) elements(f func() error) error {
	if r.dec.PeekKind() != '[' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != ']' {
		if err := f(); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

func (r *notebook) top() error {
	return r.members(func(key string) error {
		switch key {
		case "cells":
			return r.elements(r.cell)
		case "worksheets":
			return r.elements(func() error {
				return r.members(func(key string) error {
					if key == "cells" {
						return r.elements(r.cell)
					}
					return r.dec.SkipValue()
				})
			})
		case "metadata":
			return r.metadata()
		}
		return r.dec.SkipValue()
	})
}

// metadata finds the language of the notebook.
func (r *notebook) metadata() error {
	return r.members(func(key string) error {
		if key != "kernelspec" && key != "language_info" {
			return r.dec.SkipValue()
		}
		return r.members(func(inner string) error {
			if inner != "language" && inner != "name" || inner == "name" && key == "kernelspec" {
				return r.dec.SkipValue()
			}
			if r.dec.PeekKind() != '"' {
				return r.dec.SkipValue()
			}
			t, err := r.dec.ReadToken()
			if err == nil {
				if l := languageOf(t.String()); l != "" {
					r.language = l
				}
			}
			return err
		})
	})
}

// cell reads one cell. Its type may stand after its text.
func (r *notebook) cell() error {
	kind, language := "", ""
	var parts []Chunk
	err := r.members(func(key string) error {
		switch key {
		case "cell_type", "language":
			if r.dec.PeekKind() != '"' {
				return r.dec.SkipValue()
			}
			t, err := r.dec.ReadToken()
			if err == nil && key == "cell_type" {
				kind = t.String()
			} else if err == nil {
				language = languageOf(t.String())
			}
			return err
		case "source", "input":
			var err error
			parts, err = r.source()
			return err
		}
		return r.dec.SkipValue()
	})
	if kind == "code" || kind == "" && language != "" {
		r.add(parts, language)
	}
	return err
}

// source reads the text of a cell: a list of lines, each on a line of the file,
// or one text.
func (r *notebook) source() ([]Chunk, error) {
	var parts []Chunk
	one := func() error {
		if r.dec.PeekKind() != '"' {
			return r.dec.SkipValue()
		}
		t, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		parts = append(parts, Chunk{Text: t.String(), Line: r.here(r.dec.InputOffset())})
		return nil
	}
	var err error
	if r.dec.PeekKind() == '[' {
		err = r.elements(one)
	} else {
		err = one()
	}
	return parts, err
}

// add joins the lines of a cell. Programs write each line of code on a line of
// the file; where that is not so, the cell stands on one line.
func (r *notebook) add(parts []Chunk, language string) {
	if len(r.chunks) >= maxCells || r.bytes > maxCode {
		r.full = true
		return
	}
	if len(parts) == 0 {
		return
	}
	var b strings.Builder
	even := true
	for i, p := range parts {
		even = even && p.Line == parts[0].Line+i && strings.Count(strings.TrimSuffix(p.Text, "\n"), "\n") == 0
		b.WriteString(p.Text)
	}
	r.bytes += b.Len()
	text, magic := cellLanguage(b.String())
	if magic != "" {
		language = magic
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	c := Chunk{Language: language, Text: text, Line: parts[0].Line, Flat: !even}
	r.chunks = append(r.chunks, c)
}

// notebookFormat knows notebooks and documents whose code is run.
func notebookFormat(n name, head []byte) (format, bool) {
	switch n.ext {
	case ".ipynb", ".zpln", ".rmd", ".qmd", ".rmarkdown":
		return format{name: "notebook", read: readCells, max: maxNotebook}, true
	case ".md", ".markdown":
		if isJupytext(head) {
			return format{name: "notebook", read: readCells, max: maxNotebook}, true
		}
	case ".py", ".r", ".scala", ".sql":
		if databricksMark(head) != "" {
			return format{name: "notebook", read: readCells, max: maxNotebook}, true
		}
	}
	return format{}, false
}

// maxNotebook is the largest notebook that is read: most of it is outputs.
const maxNotebook = 256 << 20

// readCells keeps what the commands in the cells of a notebook install and
// run. Their code is for Code.
func readCells(o *out, data []byte) error {
	chunks, err := cells(nameOf(o.path), data)
	for _, c := range chunks {
		if c.Language == "sh" {
			o.cell(c, c.Text, 1)
			continue
		}
		all := strings.Split(c.Text, "\n")
		for i := 0; i < len(all); i++ {
			text := strings.TrimLeft(all[i], " \t")
			if text == "" || text[0] != '!' && text[0] != '%' {
				continue
			}
			first := i
			for strings.HasSuffix(text, `\`) && i+1 < len(all) {
				i++
				text += "\n" + all[i]
			}
			o.magic(c, text, first+1)
		}
	}
	return err
}

// cells returns the chunks with the lines that Code leaves out.
func cells(n name, data []byte) ([]Chunk, error) {
	switch {
	case n.ext == ".ipynb":
		return readNotebook(data)
	case databricksMark(data) != "":
		return databricksCells(data, databricksMark(data), n.ext[1:]), nil
	case n.ext == ".zpln":
		return zeppelin(data)
	}
	return fences(data, n.ext == ".md" || n.ext == ".markdown"), nil
}

// magic reads one command of a cell: !command, %pip install, %env A=b.
func (o *out) magic(c Chunk, text string, line int) {
	if text[0] == '!' {
		o.cell(c, strings.TrimLeft(text, "!"), line)
		return
	}
	text = strings.TrimLeft(text, "%")
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "pip", "conda", "mamba", "uv", "pixi":
		o.cell(c, text, line)
	case "env", "set_env":
		name, value, ok := strings.Cut(strings.TrimSpace(rest), "=")
		if !ok {
			name, value, _ = strings.Cut(strings.TrimSpace(rest), " ")
		}
		o.variable(strings.TrimSpace(name), strings.TrimSpace(value), c.At(line))
	case "load_ext":
		o.add(fact.Fact{Class: fact.Import, Name: strings.TrimSpace(rest), Line: c.At(line), Group: "py"})
	case "sh", "bash":
		o.cell(c, rest, line)
	}
}

// cell reads a script in a cell.
func (o *out) cell(c Chunk, text string, line int) {
	from := len(o.facts)
	o.script(text, c.At(line))
	if c.Flat {
		for i := range o.facts[from:] {
			o.facts[from+i].Line = c.Line
		}
	}
}
