package aiscan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// settled is how long ago a file has to have changed for its times to tell
// contents apart.
const settled = 2 * time.Second

// worktree is what git knows of a folder that is checked out.
type worktree struct {
	entries map[string]*index.Entry
	dirs    map[string]bool // with tracked files somewhere below
	modules map[string]bool
	written time.Time // of the index
	commit  string
}

// openWorktree reads the index of a work tree, nil if the folder is none. An
// index that cannot be read leaves the folder one like any other.
func openWorktree(dir string) (*worktree, error) {
	if _, err := os.Lstat(filepath.Join(dir, ".git")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s, err := openGit(dir)
	if err != nil {
		return nil, err
	}
	w, err := newWorktree(s)
	return w, errors.Join(err, s.Close())
}

func newWorktree(s *filesystem.Storage) (*worktree, error) {
	idx, err := s.Index()
	if err != nil {
		return nil, err
	}
	w := &worktree{entries: make(map[string]*index.Entry, len(idx.Entries)), dirs: map[string]bool{}, modules: map[string]bool{}, written: idx.ModTime}
	for _, e := range idx.Entries {
		w.entries[e.Name] = e
		if e.Mode == 0o160000 {
			w.modules[e.Name] = true
		}
		for at := strings.LastIndexByte(e.Name, '/'); at > 0; at = strings.LastIndexByte(e.Name[:at], '/') {
			if w.dirs[e.Name[:at]] {
				break
			}
			w.dirs[e.Name[:at]] = true
		}
	}
	if c, err := resolve(s, "HEAD"); err == nil {
		w.commit = c.Hash.String()
	}
	return w, nil
}

// id returns the id of a file's content, if the file is as the index has it.
func (w *worktree) id(name string, info fs.FileInfo) string {
	e := w.entries[name]
	if e == nil || int64(e.Size) != info.Size() || !e.ModifiedAt.Equal(info.ModTime()) || !e.ModifiedAt.Before(w.written) || w.written.IsZero() {
		return ""
	}
	return e.Hash.String()
}

// ignored reports whether git leaves a path out: tracked files never, the rest
// by the patterns of the folders above it.
func (w *worktree) ignored(name string, dir bool, patterns []gitignore.Pattern) bool {
	if w.entries[name] != nil || dir && w.dirs[name] || len(patterns) == 0 {
		return false
	}
	return gitignore.NewMatcher(patterns).Match(strings.Split(name, "/"), dir)
}

// maxIgnore bounds a file of patterns.
const maxIgnore = 1 << 20

// patterns reads the .gitignore of a folder.
func patterns(file string, domain []string) (list []gitignore.Pattern) {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxIgnore {
		return nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, gitignore.ParsePattern(line, domain))
		}
	}
	return list
}
