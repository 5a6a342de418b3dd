package kubernetes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Bounds of files.
const (
	maxFile  = 4 << 30
	maxFiles = 10_000
)

// fileError is a file that cannot be read, or not to its end.
type fileError struct {
	reason connector.Reason
	text   string
}

func (e *fileError) Error() string { return e.text }

// Reason is why.
func (e *fileError) Reason() connector.Reason { return e.reason }

var _ coverage.Reasoner = (*fileError)(nil)

// files reads the lists that were saved.
func (r *run) files(ctx context.Context) error {
	for _, pattern := range r.cfg.Files {
		names, err := filesOf(pattern)
		part := coverage.Part{Kinds: []string{records.KindSighting}, Scope: "files " + pattern, Permission: permFiles}
		if err := r.book.Missed(ctx, part, err); err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			part.Scope = "file " + name
			r.book.Query(name, records.KindSighting)
			if err := r.book.Part(ctx, part, func() error { return r.file(ctx, name) }); err != nil {
				return err
			}
			if err := r.stale(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// stale tells of a list that was saved long ago: what was started or taken away
// since is not in it.
func (r *run) stale(name string) error {
	info, err := os.Stat(name)
	if err != nil || r.cfg.SilentAfter == 0 || time.Since(info.ModTime()) < time.Duration(r.cfg.SilentAfter)*24*time.Hour {
		return nil //nolint:nilerr // a file that is gone was told
	}
	return r.book.Gap(connector.Gap{Kinds: []string{records.KindSighting}, Scope: "file " + name, Reason: connector.Hidden,
		Detail: "it was saved on " + info.ModTime().UTC().Format(time.DateOnly) + ": what was started or taken away since is not in it"})
}

// filesOf returns the files of a pattern. Where its folder may not be listed,
// nobody can know whether there are any.
func filesOf(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	switch {
	case err != nil || len(names) > 0 && len(names) <= maxFiles:
		return names, err
	case len(names) > maxFiles:
		return names[:maxFiles], &fileError{connector.Truncated, fmt.Sprintf("there are more than %d files", maxFiles)}
	}
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrPermission) {
		return nil, &fileError{connector.Denied, "no right to list its folder"}
	}
	return nil, &fileError{connector.NotFound, "there is no such file"}
}

// open opens a regular file that is not too large.
func open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, &fileError{connector.Denied, "no right to read it"}
	case err != nil:
		return nil, &fileError{connector.NotFound, "it is gone"}
	case !info.Mode().IsRegular():
		return nil, &fileError{connector.Malformed, "it is no file"}
	case info.Size() > maxFile:
		return nil, &fileError{connector.Truncated, "it is larger than 4 GiB"}
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		return nil, &fileError{connector.Denied, "no right to read it"}
	}
	if err != nil {
		return nil, &fileError{connector.Unavailable, "it cannot be opened"}
	}
	return f, nil
}

func (r *run) file(ctx context.Context, name string) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	// PowerShell writes UTF-16; a mark at the beginning tells.
	text := transform.NewReader(f, unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	return r.documents(ctx, bufio.NewReaderSize(text, 1<<20), name)
}

// documents reads lists and objects, one after the other. Objects are read one
// at a time, however long their list is.
func (r *run) documents(ctx context.Context, in io.Reader, name string) error {
	d := json.NewDecoder(in)
	for n, lists := 0, 0; ; lists++ {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && lists > 0 {
			if n == 0 {
				return &fileError{connector.Hidden, "no object is in it: nobody can tell whether the cluster is empty or nothing was allowed to be listed"}
			}
			return nil
		}
		if token != json.Delim('{') {
			return &fileError{connector.Malformed, fmt.Sprintf("after %d objects comes something else than an object in JSON; save lists with -o json", n)}
		}
		if err := r.document(ctx, d, name, &n); err != nil {
			return err
		}
	}
}

// document reads one list, or one object.
func (r *run) document(ctx context.Context, d *json.Decoder, name string, n *int) error {
	torn := func() error {
		return &fileError{connector.Malformed, fmt.Sprintf("it breaks off, or is no JSON, after %d objects", *n)}
	}
	fields, isList := map[string]json.RawMessage{}, false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return torn()
		}
		if key == "items" {
			isList = true
			kind, _ := cutList(text(fields["kind"]))
			if err := r.items(ctx, d, source{name, kind, text(fields["apiVersion"])}, n); err != nil {
				if errors.Is(err, errTorn) {
					return torn()
				}
				return err
			}
			continue
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return torn()
		}
		fields[key.(string)] = raw
	}
	if _, err := d.Token(); err != nil {
		return torn()
	}
	if isList {
		return nil
	}
	*n++
	raw, err := json.Marshal(fields)
	if err != nil {
		return torn()
	}
	return r.take(raw, "", "", fmt.Sprintf("file %s, object %d", name, *n))
}

var errTorn = errors.New("torn")

// source is where an object stands.
type source struct{ name, kind, version string }

// items reads the objects of a list.
func (r *run) items(ctx context.Context, d *json.Decoder, from source, n *int) error {
	token, err := d.Token()
	if err != nil {
		return errTorn
	}
	if token == nil { // an empty list
		return nil
	}
	if token != json.Delim('[') {
		return errTorn
	}
	for d.More() {
		if *n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return errTorn
		}
		*n++
		if err := r.take(raw, from.kind, from.version, fmt.Sprintf("file %s, object %d", from.name, *n)); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errTorn
	}
	return nil
}

// text is a string in JSON.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
