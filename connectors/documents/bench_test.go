package documents

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const benchFiles = 10_000

func benchContent(i int) string {
	return fmt.Sprintf("---\nid: doc-%d\nowner: ann\n---\n# Document %d\n\n## Purpose\n\n%s\n", i, i, strings.Repeat("Words of a policy. ", 100))
}

// benchRepo makes a repository of 10,000 documents in 100 folders.
func benchRepo(b *testing.B) (*testRepo, map[string]any) {
	b.Helper()
	dir := b.TempDir()
	g, err := initRepository(dir)
	if err != nil {
		b.Fatal(err)
	}
	r := &testRepo{t: b, dir: dir, git: g}
	var folders []object.TreeEntry
	for f := range 100 {
		var files []object.TreeEntry
		for i := range benchFiles / 100 {
			files = append(files, r.blob(fmt.Sprintf("%03d.md", i), filemode.Regular, benchContent(f*100+i)))
		}
		e := r.blob(fmt.Sprintf("%03d", f), filemode.Dir, "")
		e.Hash = r.store(treeOf(files...))
		folders = append(folders, e)
	}
	root := r.blob("policies", filemode.Dir, "")
	root.Hash = r.store(treeOf(folders...))
	r.head(plumbing.ZeroHash, root)
	return r, map[string]any{"repository": dir, "documents": []any{map[string]any{"glob": "policies/**/*.md", "required_sections": []string{"Purpose"}}}}
}

// head commits a root folder of the given entries after parent.
func (r *testRepo) head(parent plumbing.Hash, entries ...object.TreeEntry) plumbing.Hash {
	sig := object.Signature{Name: "Carl", Email: "carl@example.com", When: at(1, 1, 9)}
	c := &object.Commit{Author: sig, Committer: sig, Message: "bench", TreeHash: r.store(treeOf(entries...))}
	if !parent.IsZero() {
		c.ParentHashes = []plumbing.Hash{parent}
	}
	h := r.store(c)
	if err := r.git.Storer.SetReference(plumbing.NewHashReference("refs/heads/main", h)); err != nil {
		r.t.Fatal(err)
	}
	return h
}

func BenchmarkRepository(b *testing.B) {
	r, s := benchRepo(b)
	first, _ := run(b, s, nil)
	if len(first.Records()) != benchFiles {
		b.Fatalf("%d records, gaps %v", len(first.Records()), first.Gaps())
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			run(b, s, nil)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			if rec, _ := run(b, s, first); rec.Attested()[group] != benchFiles || len(rec.Records()) != 0 {
				b.Fatalf("unchanged %v", rec.Attested())
			}
		}
	})
	ref, err := r.git.Head()
	if err != nil {
		b.Fatal(err)
	}
	c, err := r.git.CommitObject(ref.Hash())
	if err != nil {
		b.Fatal(err)
	}
	root, err := c.Tree()
	if err != nil {
		b.Fatal(err)
	}
	r.head(ref.Hash(), append(root.Entries, r.blob("readme.md", filemode.Regular, "elsewhere"))...)
	b.Run("commit elsewhere", func(b *testing.B) {
		for b.Loop() {
			if rec, _ := run(b, s, first); rec.Attested()[group] != benchFiles || len(rec.Records()) != 0 {
				b.Fatalf("unchanged %v", rec.Attested())
			}
		}
	})
}

func BenchmarkFolder(b *testing.B) {
	dir := b.TempDir()
	for i := range benchFiles {
		p := filepath.Join(dir, "policies", fmt.Sprintf("%03d", i/100), fmt.Sprintf("%03d.md", i%100))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(benchContent(i)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	s := map[string]any{"folder": dir, "documents": []any{map[string]any{"glob": "policies/**/*.md", "required_sections": []string{"Purpose"}}}}
	first, _ := run(b, s, nil)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			run(b, s, nil)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			if rec, _ := run(b, s, first); rec.Attested()[group] != benchFiles || len(rec.Records()) != 0 {
				b.Fatalf("unchanged %v", rec.Attested())
			}
		}
	})
}
