package aiscan

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// statPrefix begins the id of a content that is told by what the system says
// of the file: the same file, unchanged.
const statPrefix = "stat:"

// maxFolderDepth bounds how deep folders are walked into.
const maxFolderDepth = 500

// Folder is the tree below a folder of this machine. Links are not followed,
// and nothing outside the folder is read. Of a git work tree, what git ignores
// and does not track is left out.
func Folder(dir string) (Tree, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("no folder")}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, root: root}
	f.work, f.trouble = openWorktree(dir)
	return f, nil
}

type folder struct {
	dir     string
	root    *os.Root
	work    *worktree // nil if git knows nothing of the folder
	trouble error     // why not
	now     time.Time

	mu    sync.Mutex
	clean map[string]bool // tracked, and as the index has them
}

var _ History = (*folder)(nil)

// Messages implements History.
func (f *folder) Messages(ctx context.Context, limit int, use func(Message) error) error {
	t, err := f.committed()
	if t == nil || err != nil {
		return err
	}
	return errors.Join(t.Messages(ctx, limit, use), t.Close())
}

// Introduced implements History, for files that are as the commit has them.
func (f *folder) Introduced(ctx context.Context, paths map[string]bool, limit int) (map[string]time.Time, error) {
	t, err := f.committed()
	if t == nil || err != nil {
		return nil, err
	}
	same := map[string]bool{}
	for p := range paths {
		if f.clean[p] {
			same[p] = true
		}
	}
	when, err := t.Introduced(ctx, same, limit)
	return when, errors.Join(err, t.Close())
}

// committed is the tree of the commit that is checked out, nil if there is none.
func (f *folder) committed() (*gitTree, error) {
	if f.work == nil || f.work.commit == "" {
		return nil, nil
	}
	t, err := Git(f.dir, f.work.commit)
	if err != nil {
		return nil, err
	}
	return t.(*gitTree), nil
}

// Streamed implements Tree.
func (f *folder) Streamed() bool { return false }

// Close implements io.Closer.
func (f *folder) Close() error { return f.root.Close() }

// Commit is the commit that is checked out.
func (f *folder) Commit() string {
	if f.work == nil {
		return ""
	}
	return f.work.commit
}

// Walk implements Tree.
func (f *folder) Walk(ctx context.Context, visit func(Entry) error) error {
	f.now, f.clean = time.Now(), map[string]bool{}
	if f.trouble != nil {
		if err := visit(Entry{Path: ".git", Unread: "read without git: " + reason(f.trouble)}); err != nil {
			return err
		}
	}
	return f.walk(ctx, "", f.rootRules(), visit)
}

// rootRules are those of git that stand in no folder of the tree.
func (f *folder) rootRules() []gitignore.Pattern {
	if f.work == nil {
		return nil
	}
	return patterns(filepath.Join(f.dir, ".git", "info", "exclude"), nil)
}

// walk goes through one folder, whose name ends in a slash unless it is the
// root.
func (f *folder) walk(ctx context.Context, rel string, rules []gitignore.Pattern, visit func(Entry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l, err := f.list(rel, rules)
	l.close()
	if err != nil {
		if err := visit(Entry{Path: valid(rel), Unread: reason(err), failed: true}); err != nil {
			return err
		}
	}
	if l.unread != "" {
		return visit(Entry{Path: valid(rel), Unread: l.unread})
	}
	for _, s := range l.items {
		if s.enter {
			err = f.walk(ctx, rel+s.name, l.rules, visit)
		} else {
			err = visit(f.entry(rel+s.name, s))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

func (f *folder) entry(name string, s item) Entry {
	e := Entry{Path: valid(name), Unread: s.unread}
	if s.unread != "" {
		return e
	}
	e.Open = func() (io.ReadCloser, error) { return f.root.Open(filepath.FromSlash(name)) }
	e.Look = func(e *Entry) { f.look(e, name, s.entry) }
	return e
}

// look asks what a file is: a call to the system for each, so it is left to
// those who read files side by side.
func (f *folder) look(e *Entry, name string, d fs.DirEntry) {
	info, err := d.Info()
	if err != nil {
		e.Unread, e.failed = reason(err), true
		return
	}
	e.Size = info.Size()
	e.ID = f.id(name, info, f.now)
	if f.work != nil {
		f.mu.Lock()
		f.clean[name] = e.ID != "" && !strings.HasPrefix(e.ID, statPrefix)
		f.mu.Unlock()
	}
}

// id names the content of a file, by git if it knows it.
func (f *folder) id(name string, info fs.FileInfo, now time.Time) string {
	if f.work != nil {
		if id := f.work.id(name, info); id != "" {
			return id
		}
	}
	return statID(info, now)
}
