package corpus

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// treeOf is a repository as the scanner reads it: its files, or, where the
// labels have commits, the objects of git that these commits make.
func treeOf(t *testing.T, r *Repo) aiscan.Tree {
	t.Helper()
	if len(r.Labels.Commits) == 0 {
		return r.Tree()
	}
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	work, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Files {
		p := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := work.Add(f.Path); err != nil {
			t.Fatal(err)
		}
	}
	ann := &object.Signature{Name: "Ann", Email: "ann@example.com", When: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	for _, message := range r.Labels.Commits {
		ann.When = ann.When.Add(time.Hour)
		if _, err := work.Commit(message, &git.CommitOptions{Author: ann, Committer: ann, AllowEmptyCommits: true}); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := aiscan.Git(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := tree.(io.Closer); ok {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return tree
}
