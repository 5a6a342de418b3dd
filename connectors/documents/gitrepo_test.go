package documents

import (
	"os"
	"path/filepath"
	"sort"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// testRepo is a repository that a test commits to.
type testRepo struct {
	t    testing.TB
	dir  string
	git  *git.Repository
	tree *git.Worktree
}

func newTestRepo(t *testing.T) *testRepo {
	t.Helper()
	dir := t.TempDir()
	g, err := initRepository(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := g.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	return &testRepo{t: t, dir: dir, git: g, tree: w}
}

func initRepository(dir string) (*git.Repository, error) {
	return git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")},
	})
}

// at is a time on a day in 2026.
func at(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)
}

// commit writes files (nil content removes one) and commits them, dated when
// by the committer and a year earlier by the author.
func (r *testRepo) commit(when time.Time, files map[string]string, remove ...string) plumbing.Hash {
	r.t.Helper()
	for name, content := range files {
		p := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			r.t.Fatal(err)
		}
		if _, err := r.tree.Add(name); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, name := range remove {
		if _, err := r.tree.Remove(name); err != nil {
			r.t.Fatal(err)
		}
	}
	h, err := r.tree.Commit("change", &git.CommitOptions{
		AllowEmptyCommits: true,
		Author:            &object.Signature{Name: "Ann Author", Email: "ann@example.com", When: when.AddDate(-1, 0, 0)},
		Committer:         &object.Signature{Name: "Carl Committer", Email: "carl@example.com", When: when},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// commitTree commits a tree made by hand, for entries that no checkout holds.
func (r *testRepo) commitTree(when time.Time, entries ...object.TreeEntry) {
	r.t.Helper()
	s := r.git.Storer.(*filesystem.Storage)
	tree := r.store(treeOf(entries...))
	head, err := r.git.Head()
	if err != nil {
		r.t.Fatal(err)
	}
	sig := object.Signature{Name: "Carl Committer", Email: "carl@example.com", When: when}
	h := r.store(&object.Commit{Author: sig, Committer: sig, Message: "by hand", TreeHash: tree, ParentHashes: []plumbing.Hash{head.Hash()}})
	if err := s.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName("main"), h)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *testRepo) store(o interface {
	Encode(plumbing.EncodedObject) error
}) plumbing.Hash {
	r.t.Helper()
	e := r.git.Storer.NewEncodedObject()
	if err := o.Encode(e); err != nil {
		r.t.Fatal(err)
	}
	h, err := r.git.Storer.SetEncodedObject(e)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// blob stores content and returns an entry for it.
func (r *testRepo) blob(name string, mode filemode.FileMode, content string) object.TreeEntry {
	r.t.Helper()
	e := r.git.Storer.NewEncodedObject()
	e.SetType(plumbing.BlobObject)
	w, err := e.Writer()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		r.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		r.t.Fatal(err)
	}
	h, err := r.git.Storer.SetEncodedObject(e)
	if err != nil {
		r.t.Fatal(err)
	}
	return object.TreeEntry{Name: name, Mode: mode, Hash: h}
}

// treeOf makes a tree of entries as they are.
func treeOf(entries ...object.TreeEntry) *object.Tree {
	sort.Sort(object.TreeEntrySorter(entries))
	return &object.Tree{Entries: entries}
}
