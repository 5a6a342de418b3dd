package documents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

const (
	maxPages       = 2000
	maxPDFStream   = 32 << 20 // of one stream, decoded
	maxPDFContent  = 96 << 20 // of all pages, decoded
	maxPDFObjects  = 2_000_000
	maxFormDepth   = 5
	maxOutline     = 5000
	claimablePages = 100_000
)

// pdfFile is a PDF whose objects pdfcpu has read.
type pdfFile struct {
	ctx     *model.Context
	fonts   map[int]*pdfFont // by object number
	content int              // bytes of page content read so far
}

// parsePDF reads a PDF's properties, pages and headings: the titles of its
// outline, and the lines that are numbered, in capitals, or set larger or bolder
// than the rest.
func parsePDF(ctx context.Context, b []byte, d *content) error {
	f, err := openPDF(ctx, b)
	if err != nil {
		return err
	}
	f.properties(ctx, d)
	if err := f.ctx.EnsurePageCount(); err != nil || f.ctx.PageCount <= 0 || f.ctx.PageCount > claimablePages {
		return errors.New("damaged: its pages cannot be counted")
	}
	d.pages = f.ctx.PageCount
	t := &pdfText{}
	for n := 1; n <= d.pages; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n > maxPages || f.content > maxPDFContent {
			t.unread = append(t.unread, n)
			break
		}
		f.page(n, t)
	}
	d.headings = append(f.outline(), t.headings()...)
	switch {
	case t.letters == 0 && t.unmapped > 0:
		d.unreadable = "its fonts do not say which letters they show"
	case t.letters == 0:
		d.unreadable = "no text in it: its pages are images, or empty"
	case t.unmapped > t.letters/4:
		d.partial = "many letters of its fonts cannot be told"
	case len(t.unread) > 0:
		d.partial = fmt.Sprintf("some pages hold no text that can be read, the first of them page %d", t.unread[0])
	}
	return nil
}

// openPDF reads the objects of a PDF. Nothing of it is run, nothing that it
// links to is fetched.
func openPDF(ctx context.Context, b []byte) (*pdfFile, error) {
	limits := model.DefaultResourceLimits()
	limits.MaxStreamBytes, limits.MaxDecodeBytes = maxPDFStream, maxPDFStream
	limits.MaxObjectCount, limits.MaxXRefEntries = maxPDFObjects, maxPDFObjects
	limits.MaxObjectStreamCount, limits.MaxObjectStreamFirst = 200_000, 4<<20
	// Given in full: pdfcpu's own default makes a folder for its settings.
	conf := &model.Configuration{
		Reader15: true, ValidationMode: model.ValidationRelaxed, Offline: true, Limits: limits,
		UnsupportedResourcePolicy: model.UnsupportedResourceSkip,
	}
	doc, err := pdfcpu.ReadWithContext(ctx, bytes.NewReader(b), conf)
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return nil, errors.New("encrypted with a password")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, errors.New("damaged, or encrypted in an unusual way: it cannot be read as PDF")
	}
	return &pdfFile{ctx: doc, fonts: map[int]*pdfFont{}}, nil
}

// properties takes what the document says about itself. What cannot be read is
// as good as absent.
func (f *pdfFile) properties(ctx context.Context, d *content) {
	if f.ctx.Info != nil {
		if info, err := f.ctx.DereferenceDict(*f.ctx.Info); err == nil && info != nil {
			d.set("title", f.text(info["Title"]))
		}
	}
	root, err := f.ctx.Catalog()
	if err != nil || root == nil {
		return
	}
	xmp := f.stream(root["Metadata"])
	_ = eachElement(ctx, xmp, func(e element) error { // metadata that is no XML says nothing
		if e.end && strings.Contains(e.space, "purl.org/dc/") && e.name == "identifier" {
			d.set("id", strings.TrimSpace(string(e.text)))
		}
		return nil
	})
}

// page collects the text of one page.
func (f *pdfFile) page(n int, t *pdfText) {
	page, _, inherited, err := f.ctx.PageDict(n, false)
	if err != nil || page == nil {
		t.unread = append(t.unread, n)
		return
	}
	var resources types.Dict
	if inherited != nil {
		resources = inherited.Resources
	}
	if own, err := f.ctx.DereferenceDict(page["Resources"]); err == nil && own != nil {
		resources = own
	}
	before := t.letters + t.unmapped
	p := &pdfPage{file: f, text: t}
	p.run(f.pageContent(page), resources, 0)
	t.endLine()
	if t.letters+t.unmapped == before && (p.images || p.failed) {
		t.unread = append(t.unread, n)
	}
}

// pageContent returns what draws a page; its streams count as one.
func (f *pdfFile) pageContent(page types.Dict) []byte {
	o, err := f.ctx.Dereference(page["Contents"])
	if err != nil {
		return nil
	}
	parts, ok := o.(types.Array)
	if !ok {
		return f.stream(page["Contents"])
	}
	var all []byte
	for _, part := range parts {
		if len(all) > maxPDFStream {
			break
		}
		all = append(append(all, f.stream(part)...), '\n')
	}
	return all
}

// stream returns a stream's decoded content; nil if it has none.
func (f *pdfFile) stream(o types.Object) []byte {
	if o == nil || f.content > maxPDFContent {
		return nil
	}
	sd, _, err := f.ctx.DereferenceStreamDict(o)
	if err != nil || sd == nil {
		return nil
	}
	if sd.Content == nil {
		if err := sd.DecodeWithLimit(maxPDFStream); err != nil && len(sd.Content) == 0 {
			return nil
		}
	}
	f.content += len(sd.Content)
	return sd.Content
}

// text returns a text string; empty if it is none.
func (f *pdfFile) text(o types.Object) string {
	if o == nil {
		return ""
	}
	s, err := f.ctx.DereferenceText(o)
	if err != nil {
		return ""
	}
	return s
}

// outline returns the titles of the outline, as readers show it beside the
// pages.
func (f *pdfFile) outline() []string {
	root, err := f.ctx.Catalog()
	if err != nil || root == nil {
		return nil
	}
	top, err := f.ctx.DereferenceDict(root["Outlines"])
	if err != nil || top == nil {
		return nil
	}
	var out []string
	visited := map[string]bool{}
	todo := []types.Object{top["First"]}
	for len(todo) > 0 && len(visited) < maxOutline {
		o := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		ref, ok := o.(types.IndirectRef)
		if !ok || visited[ref.String()] {
			continue
		}
		visited[ref.String()] = true
		item, err := f.ctx.DereferenceDict(ref)
		if err != nil || item == nil {
			continue
		}
		if title := strings.TrimSpace(f.text(item["Title"])); title != "" {
			out = append(out, title)
		}
		todo = append(todo, item["Next"], item["First"])
	}
	return out
}
