package aiscan

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	git "github.com/go-git/go-git/v5"

	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// Revisions are named as people name them to git.
func TestRevisions(t *testing.T) {
	dir := write(t, "a.py", "x = 1\n")
	repo := committed(t, dir, "first", "second", "third")
	head, err := repo.Head()
	if err != nil {
		t.Fatal(err)
	}
	third, err := repo.CommitObject(head.Hash())
	if err != nil {
		t.Fatal(err)
	}
	second, err := third.Parent(0)
	if err != nil {
		t.Fatal(err)
	}
	for revision, want := range map[string]string{
		"": third.Hash.String(), "@": third.Hash.String(), "HEAD~0": third.Hash.String(), "HEAD^0": third.Hash.String(), third.Hash.String()[:7]: third.Hash.String(),
		"HEAD~1": second.Hash.String(), "HEAD~": second.Hash.String(), "@^": second.Hash.String(), "master^1": second.Hash.String(), strings.ToUpper(second.Hash.String()[:12]): second.Hash.String(),
		"HEAD~2": second.ParentHashes[0].String(), "HEAD^^": second.ParentHashes[0].String(), "HEAD~1^1": second.ParentHashes[0].String(),
	} {
		tree, err := Git(dir, revision)
		if err != nil {
			t.Errorf("%q: %v", revision, err)
			continue
		}
		if got := tree.(*gitTree).Commit(); got != want {
			t.Errorf("%q is %s, want %s", revision, got, want)
		}
		if err := tree.(*gitTree).Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, revision := range []string{"HEAD~3", "HEAD^2", "HEAD~99999999999999999999", "HEAD^{tree}", "@{u}", "HEAD~x", "~1", "^", third.Hash.String()[:3], third.TreeHash.String(), third.TreeHash.String()[:8], "--help", "../../etc/passwd"} {
		if _, err := Git(dir, revision); !errors.Is(err, errRevision) {
			t.Errorf("%q: %v", revision, err)
		}
	}
}

func TestNoCommitYet(t *testing.T) {
	dir := t.TempDir()
	if _, err := git.PlainInit(dir, false); err != nil {
		t.Fatal(err)
	}
	if _, err := Git(dir, "HEAD"); !errors.Is(err, ErrNoCommit) {
		t.Errorf("HEAD: %v", err)
	}
	if _, err := Git(dir, "main"); !errors.Is(err, errRevision) {
		t.Errorf("main: %v", err)
	}
	if gitdir.Bare(dir) || !gitdir.Bare(filepath.Join(dir, ".git")) {
		t.Error("a work tree, or what git keeps of it, is taken for the other")
	}
	if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(dir, "mirror.git")); err != nil {
		t.Fatal(err)
	}
	if rep, _ := report(t, folderOf(t, dir), Options{}); !strings.Contains(why(rep, "mirror.git/"), "git keeps") {
		t.Errorf("what git keeps, below a folder: %+v", rep.Unread)
	}
	if err := os.Rename(filepath.Join(dir, "mirror.git"), filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".git", "objects")); err != nil {
		t.Fatal(err)
	}
	if gitdir.Bare(filepath.Join(dir, ".git")) {
		t.Error("a folder without objects is taken for a repository")
	}
}
