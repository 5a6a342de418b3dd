package documents

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

const (
	maxParts     = 10_000
	maxPartBytes = 64 << 20
	maxXMLDepth  = 256
)

// office is a Word or Excel file: an archive of XML parts. Nothing is ever
// unpacked to a disk, and no part is read that grows beyond maxPartBytes.
type office struct{ parts map[string]*zip.File }

// openOffice opens an office file.
func openOffice(b []byte) (*office, error) {
	if bytes.HasPrefix(b, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		return nil, errors.New("encrypted with a password, or in the format before 2007")
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, errors.New("damaged: not an archive as office programs write it")
	}
	if len(z.File) > maxParts {
		return nil, fmt.Errorf("%w: more than %d parts", errTooLarge, maxParts)
	}
	o := &office{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.ToLower(f.Name) // names of parts do not tell case apart
		if strings.HasPrefix(name, "/") || strings.Contains(name, "\\") || strings.Contains("/"+name+"/", "/../") {
			return nil, errors.New("damaged: the name of a part leads out of the archive")
		}
		if _, twice := o.parts[name]; twice {
			return nil, fmt.Errorf("damaged: part %s is there twice", printable(name))
		}
		o.parts[name] = f
	}
	return o, nil
}

// part returns a part's content; nil if it is not there.
func (o *office) part(name string) ([]byte, error) {
	f, ok := o.parts[strings.ToLower(name)]
	if !ok {
		return nil, nil
	}
	if f.UncompressedSize64 > maxPartBytes {
		return nil, fmt.Errorf("%w: part %s has %d bytes, %d allowed", errTooLarge, printable(name), f.UncompressedSize64, maxPartBytes)
	}
	rd, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("damaged: part %s: %w", printable(name), err)
	}
	defer rd.Close()
	b, err := io.ReadAll(io.LimitReader(rd, maxPartBytes+1))
	if err != nil {
		return nil, fmt.Errorf("damaged: part %s: %w", printable(name), err)
	}
	if len(b) > maxPartBytes {
		return nil, fmt.Errorf("%w: part %s, %d bytes allowed", errTooLarge, printable(name), maxPartBytes)
	}
	return b, nil
}

// relation leads from one part to another.
type relation struct{ kind, target string }

// relations returns where a part leads to, by id. The archive itself is "".
func (o *office) relations(ctx context.Context, from string) (map[string]relation, error) {
	dir, base := path.Split(from)
	b, err := o.part(dir + "_rels/" + base + ".rels")
	if err != nil {
		return nil, err
	}
	out := map[string]relation{}
	err = eachElement(ctx, b, func(e element) error {
		if e.end || e.name != "Relationship" || e.attr("TargetMode") == "External" {
			return nil
		}
		target := e.attr("Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		kind := e.attr("Type")
		out[e.attr("Id")] = relation{kind: kind[strings.LastIndex(kind, "/")+1:], target: strings.TrimPrefix(path.Clean("/"+target), "/")}
		return nil
	})
	return out, err
}

// main finds the part that holds the document itself.
func (o *office) main(ctx context.Context) (string, error) {
	rels, err := o.relations(ctx, "")
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		if r.kind == "officeDocument" {
			return r.target, nil
		}
	}
	return "", errors.New("damaged: it does not say which part is the document")
}

// properties reads what the document says about itself.
func (o *office) properties(ctx context.Context, d *content) error {
	rels, err := o.relations(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range rels {
		if r.kind != "core-properties" {
			continue
		}
		b, err := o.part(r.target)
		if err != nil {
			return err
		}
		names := map[string]string{"title": "title", "identifier": "id", "version": "version"}
		if err := eachElement(ctx, b, func(e element) error {
			if field := names[e.name]; e.end && field != "" {
				d.set(field, string(e.text))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// element is the start or the end of an XML element. At its end, text is what
// stood directly in it.
type element struct {
	name  string
	space string
	attrs []xml.Attr
	end   bool
	text  []byte
	up    []string // names of the elements around it, from the outermost
}

func (e element) attr(local string) string {
	for _, a := range e.attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// within reports whether an element of that name is around this one.
func (e element) within(name string) bool {
	for _, n := range e.up {
		if n == name {
			return true
		}
	}
	return false
}

// eachElement goes over XML. Entities and document types are refused: nothing
// that an office program writes needs them, and they are how XML reads files.
func eachElement(ctx context.Context, b []byte, f func(element) error) error {
	if b == nil {
		return nil
	}
	dec := xml.NewDecoder(bytes.NewReader(b))
	var stack []*element
	var up []string
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("damaged: %s", firstLine(err.Error()))
		}
		switch t := tok.(type) {
		case xml.Directive:
			return errors.New("damaged: XML with a document type is not read")
		case xml.StartElement:
			if len(stack) == maxXMLDepth {
				return fmt.Errorf("damaged: elements nest deeper than %d", maxXMLDepth)
			}
			e := &element{name: t.Name.Local, space: t.Name.Space, attrs: t.Copy().Attr, up: up}
			if err := f(*e); err != nil {
				return err
			}
			stack, up = append(stack, e), append(up, e.name)
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text = append(stack[len(stack)-1].text, t...)
			}
		case xml.EndElement:
			e := stack[len(stack)-1]
			stack, up = stack[:len(stack)-1], up[:len(up)-1]
			e.end = true
			if err := f(*e); err != nil {
				return err
			}
		}
	}
}
