package aiscan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// Limits of a git tree: a repository of a few objects can unfold to more files
// than there are grains of sand.
const (
	maxGitDepth  = 512
	maxSameTree  = 1000       // a folder of the same content in more places than that
	maxGitFiles  = 50_000_000 // in one tree
	largeObject  = 8 << 20    // from here on an object is read as a stream
	maxPathBytes = 4096
)

var errUnfolds = fmt.Errorf("the tree unfolds to more than %d files", maxGitFiles)

// openGit opens the objects of a repository that nothing changes meanwhile.
func openGit(dir string) (*filesystem.Storage, error) {
	return gitdir.Open(dir, cache.NewObjectLRU(32*cache.MiByte),
		filesystem.Options{KeepDescriptors: true, ExclusiveAccess: true, LargeObjectThreshold: largeObject})
}

// Git is the tree of a revision in a repository's objects: nothing is checked
// out and git is not started. dir is a work tree, or a bare repository; an
// empty revision is HEAD.
func Git(dir, revision string) (Tree, error) {
	s, err := openGit(dir)
	if err != nil {
		return nil, err
	}
	if revision == "" {
		revision = "HEAD"
	}
	commit, err := resolve(s, revision)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	t := &gitTree{dir: dir, commit: commit, stores: make(chan *filesystem.Storage, maxStores)}
	t.stores <- s
	return t, nil
}

// maxStores is how many readers of objects are kept: each is used by one
// goroutine at a time.
const maxStores = 16

type gitTree struct {
	dir    string
	commit *object.Commit
	stores chan *filesystem.Storage
}

// Commit is the commit that is read.
func (t *gitTree) Commit() string { return t.commit.Hash.String() }

// Streamed implements Tree.
func (t *gitTree) Streamed() bool { return false }

// identity implements identified: a commit names all that is in it.
func (t *gitTree) identity(context.Context, int) (place, state string) {
	hash := t.commit.Hash.String()
	return "git:" + hash, hash
}

// Close closes the files of the repository.
func (t *gitTree) Close() error {
	var errs []error
	for {
		select {
		case s := <-t.stores:
			errs = append(errs, s.Close())
		default:
			return errors.Join(errs...)
		}
	}
}

// borrow takes a reader of objects, or opens one more.
func (t *gitTree) borrow() (*filesystem.Storage, error) {
	select {
	case s := <-t.stores:
		return s, nil
	default:
		return openGit(t.dir)
	}
}

func (t *gitTree) giveBack(s *filesystem.Storage) {
	select {
	case t.stores <- s:
	default:
		_ = s.Close() // only read
	}
}

// Walk implements Tree.
func (t *gitTree) Walk(ctx context.Context, visit func(Entry) error) error {
	s, err := t.borrow()
	if err != nil {
		return err
	}
	defer t.giveBack(s)
	if cut, err := s.Shallow(); err == nil && len(cut) > 0 {
		if err := visit(Entry{Path: ".git/shallow", Unread: "a shallow clone: older commits are not in it"}); err != nil {
			return err
		}
	}
	w := &gitWalk{tree: t, store: s, visit: visit, seen: map[plumbing.Hash]int{}}
	return w.walk(ctx, "", t.commit.TreeHash, 0)
}

// gitWalk is one walk through the folders of a tree.
type gitWalk struct {
	tree  *gitTree
	store *filesystem.Storage
	visit func(Entry) error
	seen  map[plumbing.Hash]int
	files int
}

func (w *gitWalk) walk(ctx context.Context, dir string, h plumbing.Hash, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.seen[h]++
	switch {
	case depth > maxGitDepth || len(dir) > maxPathBytes:
		return w.visit(Entry{Path: dir, Unread: "nested too deeply"})
	case w.seen[h] > maxSameTree:
		return w.visit(Entry{Path: dir, Unread: fmt.Sprintf("a folder that is in the tree more than %d times", maxSameTree)})
	}
	tree, err := object.GetTree(w.store, h)
	if err != nil {
		if dir == "" {
			return fmt.Errorf("tree %s: %w", h, err)
		}
		return w.visit(Entry{Path: dir, Unread: missing(err), failed: true})
	}
	entries := slices.Clone(tree.Entries)
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		name := path.Join(dir, strings.ToValidUTF8(strings.ReplaceAll(e.Name, "/", "\uFFFD"), "\uFFFD"))
		if e.Mode == filemode.Dir {
			if skip := skipped(e.Name); skip != "" {
				err = w.visit(Entry{Path: name + "/", Unread: skip})
			} else {
				err = w.walk(ctx, name, e.Hash, depth+1)
			}
		} else {
			if w.files++; w.files > maxGitFiles {
				return errUnfolds
			}
			err = w.visit(w.tree.entry(name, e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *gitTree) entry(name string, e object.TreeEntry) Entry {
	entry := Entry{Path: name, Size: UnknownSize, ID: e.Hash.String()}
	switch e.Mode {
	case filemode.Symlink:
		entry.Unread = "a link, not followed"
	case filemode.Submodule:
		entry.Unread = "a submodule, commit " + e.Hash.String() + ": another repository"
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		entry.Open = func() (io.ReadCloser, error) { return t.open(e.Hash) }
	default:
		entry.Unread = "of a mode that is not known"
	}
	return entry
}

// blob is an object that is being read.
type blob struct {
	io.ReadCloser
	size int64
	done func()
}

// Size is the length of the object.
func (b *blob) Size() int64 { return b.size }

// Close ends the reading.
func (b *blob) Close() error {
	err := b.ReadCloser.Close()
	if b.done != nil {
		b.done()
		b.done = nil
	}
	return err
}

func (t *gitTree) open(h plumbing.Hash) (io.ReadCloser, error) {
	s, err := t.borrow()
	if err != nil {
		return nil, err
	}
	o, err := s.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		t.giveBack(s)
		return nil, errors.New(missing(err))
	}
	r, err := o.Reader()
	if err != nil {
		t.giveBack(s)
		return nil, err
	}
	return &blob{ReadCloser: r, size: o.Size(), done: func() { t.giveBack(s) }}, nil
}

// missing says why an object could not be read.
func missing(err error) string {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return "its object is missing: the clone is partial or damaged"
	}
	return "its object cannot be read: " + cleanText(err.Error(), 200)
}
