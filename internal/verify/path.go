package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// ErrUnknown: the file is neither a bundle nor a workbook; it may be a store.
var ErrUnknown = fmt.Errorf("neither a bundle nor a workbook")

// Path verifies the bundle or workbook in a file, telling them apart by
// content. For any other file it returns ErrUnknown: open it as a store and
// use Store.
func Path(ctx context.Context, path string, opt Options) (Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Report{}, fmt.Errorf("verify %s: %w", path, &fs.PathError{Op: "read", Path: path, Err: ErrUnknown})
	}
	src := io.NewSectionReader(f, 0, info.Size())
	verify, err := kind(src, path)
	if err != nil {
		return Report{}, fmt.Errorf("verify %s: %w", path, err)
	}
	r, err := verify(ctx, src, opt)
	r.Path = path
	if err != nil {
		return r, fmt.Errorf("verify %s: %w", path, err)
	}
	return r, nil
}

// kind tells what a file is. A damaged archive may not say so any more; then
// its name decides how it is called in the report.
func kind(src source, path string) (func(context.Context, source, Options) (Report, error), error) {
	zr, err := zipform.Open(src, src.Size())
	if err == nil {
		book, err := isWorkbook(zr)
		switch {
		case book:
			return workbookBy, nil
		case err == nil:
			return Bundle, nil
		}
	}
	magic := make([]byte, 2)
	if _, err := src.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case ext == ".xlsx":
		return workbookBy, nil
	case ext == ".zip", string(magic) == "PK":
		return Bundle, nil
	}
	return nil, ErrUnknown
}

func workbookBy(ctx context.Context, src source, opt Options) (Report, error) {
	return Workbook(ctx, src, opt.Key)
}
