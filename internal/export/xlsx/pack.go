package xlsx

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// SealPart is the name of the part that holds the seal. It is the last entry.
const SealPart = "exhibit/seal.txt"

const (
	typesPart  = "[Content_Types].xml"
	rootRels   = "_rels/.rels"
	coreProps  = "docProps/core.xml"
	sealRel    = "https://github.com/exhibit-aims/exhibit/relationships/seal"
	xmlHeader  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	typesSpace = "http://schemas.openxmlformats.org/package/2006/content-types"
	relsSpace  = "http://schemas.openxmlformats.org/package/2006/relationships"
)

// packer takes the parts of a workbook as excelize hands them over, in an
// order that varies, packs each into one temporary file, and at commit writes
// them out sorted by name, with the seal. It is an excelize.ZipWriter, but
// nothing is written before commit: excelize closes its writer after an error
// as well, and half a workbook must never be sealed.
type packer struct {
	out    io.Writer
	tmp    string
	seal   seal.Seal // but for the parts
	signer note.Signer

	file    *os.File
	at      int64 // bytes in file
	pack    *zipform.Packer
	open    bool
	parts   []placed
	rewrite *bytes.Buffer // the part being written, if it is one that is changed
	tail    *tail         // of the part being written, if it is a sheet
	name    string
	err     error // the first one; excelize does not look at every one
}

// placed is a packed part and where in the file it lies.
type placed struct {
	zipform.Part
	at int64
}

func newPacker(out io.Writer, tmp string, s seal.Seal, signer note.Signer) (*packer, error) {
	f, err := os.CreateTemp(tmp, "exhibit-workbook-*")
	if err != nil {
		return nil, fmt.Errorf("workbook: temporary file: %w", err)
	}
	return &packer{out: out, tmp: tmp, seal: s, signer: signer, file: f, pack: zipform.NewPacker()}, nil
}

// Create ends the part before and begins another.
func (p *packer) Create(name string) (io.Writer, error) {
	if err := p.fail(p.finish()); err != nil {
		return nil, err
	}
	name = strings.TrimPrefix(name, "/")
	p.open, p.name = true, name
	if name == typesPart || name == rootRels || name == coreProps {
		p.rewrite = new(bytes.Buffer)
		return p.rewrite, nil
	}
	if isSheet(name) {
		p.tail = &tail{to: p}
		return p.tail, p.fail(p.pack.Start(p.file, name, zipform.Normal))
	}
	return p, p.fail(p.pack.Start(p.file, name, zipform.Normal))
}

// Write takes content of the part begun last.
func (p *packer) Write(b []byte) (int, error) {
	n, err := p.pack.Write(b)
	return n, p.fail(err)
}

func (p *packer) fail(err error) error {
	if p.err == nil {
		p.err = err
	}
	return err
}

// AddFS is part of excelize.ZipWriter; a workbook has no files to add.
func (p *packer) AddFS(fs.FS) error { return errors.New("workbook: files cannot be added") }

func (p *packer) finish() error {
	if !p.open {
		return nil
	}
	p.open = false
	if p.tail != nil {
		err := p.tail.end()
		if p.tail = nil; err != nil {
			return err
		}
	}
	if p.rewrite != nil {
		content, err := rewritePart(p.name, p.rewrite.Bytes())
		p.rewrite = nil
		if err != nil {
			return fmt.Errorf("workbook: part %s: %w", p.name, err)
		}
		if err := p.pack.Start(p.file, p.name, zipform.Normal); err != nil {
			return err
		}
		if _, err := p.pack.Write(content); err != nil {
			return fmt.Errorf("workbook: part %s: %w", p.name, err)
		}
	}
	part, err := p.pack.Finish()
	if err != nil {
		return err
	}
	p.parts = append(p.parts, placed{part, p.at})
	p.at += int64(part.Packed)
	return nil
}

// Close ends the last part.
func (p *packer) Close() error { return p.fail(p.finish()) }

// commit writes the archive.
func (p *packer) commit() error {
	if p.err != nil {
		return p.err
	}
	slices.SortFunc(p.parts, func(a, b placed) int { return cmp.Compare(a.Name, b.Name) })
	zw := zipform.NewWriter(p.out, p.tmp)
	err := p.write(zw)
	return errors.Join(err, zw.Close())
}

func (p *packer) write(zw *zipform.Writer) error {
	for i, part := range p.parts {
		if i > 0 && p.parts[i-1].Name == part.Name {
			return fmt.Errorf("workbook: part %s comes twice", part.Name)
		}
		if err := zw.Add(part.Part, io.NewSectionReader(p.file, part.at, int64(part.Packed))); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
		p.seal.Parts = append(p.seal.Parts, seal.FromZip(part.Part))
	}
	msg, err := p.seal.Sign(p.signer)
	if err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	_, err = zw.AddBytes(SealPart, msg, zipform.Store)
	return err
}

// remove deletes the temporary file.
func (p *packer) remove() error { return errors.Join(p.file.Close(), os.Remove(p.file.Name())) }

var _ io.Closer = (*packer)(nil)

type contentTypes struct {
	XMLName   xml.Name       `xml:"Types"`
	Space     string         `xml:"xmlns,attr"`
	Defaults  []typeDefault  `xml:"Default"`
	Overrides []typeOverride `xml:"Override"`
}

type typeDefault struct {
	Extension   string `xml:"Extension,attr"`
	ContentType string `xml:"ContentType,attr"`
}

type typeOverride struct {
	PartName    string `xml:"PartName,attr"`
	ContentType string `xml:"ContentType,attr"`
}

type relationships struct {
	XMLName xml.Name       `xml:"Relationships"`
	Space   string         `xml:"xmlns,attr"`
	Items   []relationship `xml:"Relationship"`
}

type relationship struct {
	ID         string `xml:"Id,attr"`
	Type       string `xml:"Type,attr"`
	Target     string `xml:"Target,attr"`
	TargetMode string `xml:"TargetMode,attr,omitempty"`
}

// prefixed writes the core properties with the prefixes that every other
// program writes: some readers look for the prefix and not for what it stands for.
func prefixed(content []byte) []byte {
	return []byte(strings.NewReplacer("<coreProperties xmlns=", "<cp:coreProperties xmlns:cp=", "</coreProperties>", "</cp:coreProperties>",
		"<lastModifiedBy>", "<cp:lastModifiedBy>", "</lastModifiedBy>", "</cp:lastModifiedBy>").Replace(string(content)))
}

// rewritePart brings the list of content types into a fixed order and makes
// the seal a declared part of the package.
func rewritePart(name string, content []byte) ([]byte, error) {
	var v any
	switch name {
	case coreProps:
		return prefixed(content), nil
	case typesPart:
		var t contentTypes
		if err := xml.Unmarshal(content, &t); err != nil {
			return nil, err
		}
		t.XMLName, t.Space = xml.Name{Local: "Types"}, typesSpace
		t.Overrides = append(t.Overrides, typeOverride{"/" + SealPart, "text/plain"})
		slices.SortFunc(t.Defaults, func(a, b typeDefault) int { return cmp.Compare(a.Extension, b.Extension) })
		slices.SortFunc(t.Overrides, func(a, b typeOverride) int { return cmp.Compare(a.PartName, b.PartName) })
		v = t
	default:
		var r relationships
		if err := xml.Unmarshal(content, &r); err != nil {
			return nil, err
		}
		r.XMLName, r.Space = xml.Name{Local: "Relationships"}, relsSpace
		r.Items = append(r.Items, relationship{ID: "rIdSeal", Type: sealRel, Target: SealPart})
		slices.SortFunc(r.Items, func(a, b relationship) int { return cmp.Compare(a.ID, b.ID) })
		v = r
	}
	out, err := xml.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append([]byte(xmlHeader), out...), nil
}
