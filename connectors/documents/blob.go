package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// errTooLarge means that a file exceeds its limit and was not read.
var errTooLarge = errors.New("larger than the limit")

// regular returns an error that says why an entry is not an ordinary file.
func regular(m filemode.FileMode) error {
	switch m {
	case filemode.Regular, filemode.Deprecated, filemode.Executable:
		return nil
	case filemode.Symlink:
		return errors.New("a symbolic link; it is not followed")
	case filemode.Submodule:
		return errors.New("a submodule; give its repository a source of its own")
	}
	return fmt.Errorf("not an ordinary file (mode %s)", m)
}

// readBlob returns a file's content if it has at most limit bytes.
func (r *repository) readBlob(h plumbing.Hash, limit int64) ([]byte, error) {
	size, err := r.objects.EncodedObjectSize(h)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, %d allowed", errTooLarge, size, limit)
	}
	o, err := r.objects.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	rd, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	defer rd.Close()
	b, err := io.ReadAll(io.LimitReader(rd, limit+1))
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: %d allowed", errTooLarge, limit)
	}
	return b, nil
}

// content is what is kept of a document's bytes.
type content struct {
	sha256   string
	size     int64
	fields   map[string]string // front matter: id, title, version, owner, classification
	title    string
	sections []string // headings
	err      error    // why the front matter could not be read
}

// document reads a blob as a document that lies at p.
func (r *repository) document(p string, h plumbing.Hash, limit int64) (*content, error) {
	b, err := r.readBlob(h, limit)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	c := &content{sha256: hex.EncodeToString(sum[:]), size: int64(len(b)), title: strings.TrimSuffix(path.Base(p), path.Ext(p))}
	if !isMarkdown(p) {
		return c, nil
	}
	fields, body, err := frontMatter(b)
	c.err = err
	c.fields = documentFields(fields)
	c.sections = headings(body)
	switch {
	case c.fields["title"] != "":
		c.title = c.fields["title"]
	case len(c.sections) > 0:
		c.title = printable(c.sections[0])
	}
	return c, nil
}

// documentFields takes the fields of a document's front matter that a revision
// carries; a value that is no text or number is as good as absent.
func documentFields(m map[string]any) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"id", "title", "version", "owner", "classification"} {
		switch v := m[name].(type) {
		case string:
			out[name] = v
		case json.Number:
			out[name] = v.String()
		}
		if name != "id" {
			out[name] = printable(out[name])
		}
	}
	return out
}
