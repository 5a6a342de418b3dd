package aiscan

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is the tree below a folder of this machine. Links are not followed,
// and nothing outside the folder is read.
func Folder(dir string) (Tree, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("no folder")}
	}
	return &folder{dir: dir}, nil
}

type folder struct{ dir string }

// Streamed implements Tree.
func (f *folder) Streamed() bool { return false }

// Walk implements Tree.
func (f *folder) Walk(ctx context.Context, visit func(Entry) error) error {
	return f.walk(ctx, "", visit)
}

func (f *folder) walk(ctx context.Context, rel string, visit func(Entry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := os.ReadDir(filepath.Join(f.dir, filepath.FromSlash(rel)))
	if err != nil {
		return visit(Entry{Path: rel + "/", Unread: reason(err)})
	}
	for _, d := range list {
		name := rel + d.Name()
		if d.IsDir() {
			if skip := skipped(d.Name()); skip != "" {
				if d.Name() != ".git" {
					err = visit(Entry{Path: strings.ToValidUTF8(name, "\uFFFD") + "/", Unread: skip})
				}
				if err != nil {
					return err
				}
				continue
			}
			if err := f.walk(ctx, name+"/", visit); err != nil {
				return err
			}
			continue
		}
		if err := visit(f.entry(name, d)); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) entry(name string, d fs.DirEntry) Entry {
	e := Entry{Path: strings.ToValidUTF8(name, "\uFFFD")}
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		e.Unread = "a link, not followed"
		return e
	case !d.Type().IsRegular():
		e.Unread = "no regular file"
		return e
	}
	info, err := d.Info()
	if err != nil {
		e.Unread = reason(err)
		return e
	}
	e.Size = info.Size()
	full := filepath.Join(f.dir, filepath.FromSlash(name))
	e.Open = func() (io.ReadCloser, error) { return os.Open(full) }
	return e
}
