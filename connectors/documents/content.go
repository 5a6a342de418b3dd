package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// readTime is how long reading one document may take.
const readTime = 30 * time.Second

// errSlow means that a document took longer. The next run tries again.
var errSlow = errors.New("not read in time")

// content is what is kept of a document's bytes.
type content struct {
	sha256   string
	size     int64
	pages    int
	fields   map[string]string // id, title, version, owner, classification, effective_at, next_review, as the document states them
	headings []string
	// references are the documents that it says it refers to; nil if it does not say.
	references []string
	// unreadable: why the headings could not be read; the bytes were.
	unreadable string
	slow       bool   // it only took too long
	partial    string // why some of them may not have been read
	err        error  // why it is no document: its front matter is broken, or it is a form that nobody filled in
}

// document reads the file at p as a document. What was read of the files that
// lie there now is kept: they are asked for twice.
func (c *collection) document(ctx context.Context, p, blob string) (*content, error) {
	key := p + "\x00" + blob
	if doc, ok := c.read[key]; ok {
		return doc, nil
	}
	b, err := c.bytes(p, blob, c.cfg.MaxFileBytes)
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(ctx, p, b)
	if err != nil {
		return nil, err
	}
	c.heals = c.heals || doc.slow
	if now, ok := c.list.current[p]; ok && now.blob == blob {
		c.read[key] = doc
	}
	return doc, nil
}

// parseDocument reads a document by the ending of its name. A document that
// cannot be read still has a digest; only the end of ctx is an error.
func parseDocument(ctx context.Context, p string, b []byte) (*content, error) {
	sum := sha256.Sum256(b)
	doc := &content{sha256: hex.EncodeToString(sum[:]), size: int64(len(b)), fields: map[string]string{}}
	parse := parserOf(p)
	if parse == nil {
		doc.unreadable = "this format is not read"
		return doc, nil
	}
	err := guarded(ctx, readTime, func(ctx context.Context) error { return parse(ctx, b, doc) })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // the parser may still be busy with doc
		return &content{sha256: doc.sha256, size: doc.size, unreadable: printable(err.Error()), slow: errors.Is(err, errSlow)}, nil
	}
	return doc, nil
}

// title is what the document calls itself, else its first heading, else its
// file's name.
func (d *content) title(p string) string {
	switch {
	case d.fields["title"] != "":
		return d.fields["title"]
	case len(d.headings) > 0 && printable(d.headings[0]) != "":
		return printable(d.headings[0])
	}
	return strings.TrimSuffix(path.Base(p), path.Ext(p))
}

// sections returns those of required that the document has, or why that
// cannot be told.
func (d *content) sections(required []string) (found []string, unreadable string) {
	if d.unreadable != "" {
		return nil, d.unreadable
	}
	found = sectionsFound(required, d.headings)
	if d.partial != "" && len(found) < len(required) {
		return nil, d.partial
	}
	return found, ""
}

// set keeps a field that the document states about itself.
func (d *content) set(name, value string) {
	if name != "id" {
		value = printable(strings.TrimSpace(value))
	}
	if value != "" {
		d.fields[name] = value
	}
}

// parserOf returns what reads a document with this name; nil if nothing does.
func parserOf(p string) func(context.Context, []byte, *content) error {
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".markdown":
		return parseMarkdown
	case ".pdf":
		return parsePDF
	case ".docx":
		return parseDOCX
	case ".xlsx":
		return parseXLSX
	}
	return nil
}

// parseMarkdown reads front matter and headings. Front matter that is broken
// is no reason to keep the headings to oneself, but the document is not known.
func parseMarkdown(_ context.Context, b []byte, d *content) error {
	fields, body, err := frontMatter(b)
	d.err = err
	for _, name := range []string{"id", "title", "version", "owner", "classification", "effective_at", "next_review"} {
		switch v := fields[name].(type) {
		case string:
			d.set(name, v)
		case json.Number:
			d.set(name, v.String())
		}
	}
	d.references = texts(fields["references"])
	d.headings = headings(body)
	if d.err == nil {
		d.err = unfilled(fields, body)
	}
	return nil
}

// texts gives a list of texts and numbers; nil for anything else.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		switch item := item.(type) {
		case string:
			out = append(out, item)
		case json.Number:
			out = append(out, item.String())
		}
	}
	return out
}

// guarded runs f, which reads what somebody else wrote, and returns its error,
// its panic as one, or that it took too long.
func guarded(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if x := recover(); x != nil {
				done <- errors.New("damaged in a way that cannot be read")
			}
		}()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w (%v)", errSlow, limit)
	}
}
