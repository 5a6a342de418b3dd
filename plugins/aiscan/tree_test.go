package aiscan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// report is the JSON of a scan, without what the cache alone changes.
func report(t *testing.T, tree Tree, o Options) (Report, string) {
	t.Helper()
	o.Signatures, o.Root = signatures(t), "acme/app"
	rep, err := Scan(context.Background(), tree, o)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := tree.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	same := rep
	same.Reused = 0
	b, err := json.Marshal(same)
	if err != nil {
		t.Fatal(err)
	}
	return rep, string(b)
}

func folderOf(t *testing.T, dir string) Tree {
	t.Helper()
	tree, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// many is files that say something, in several folders.
func many() (files []string) {
	for i := range 150 {
		files = append(files, fmt.Sprintf("pkg%d/a%d.py", i%7, i), fmt.Sprintf("import openai\nclient = openai.OpenAI()\nx = client.create(model=\"gpt-4o\")  # %d\n", i))
	}
	return append(files, "requirements.txt", "anthropic==0.40\n", "prompts/a.md", "You are kind.\n", ".env", "GROQ_API_KEY=\n", "broken/package.json", "{\"dependencies\": {\"openai\": \"^4\",", "data.bin", "\x00\x01")
}

func TestSameReport(t *testing.T) {
	dir := write(t, many()...)
	age(t)
	_, want := report(t, folderOf(t, dir), Options{Workers: 1})
	if _, got := report(t, folderOf(t, dir), Options{Workers: 8}); got != want {
		t.Error("eight workers say something else than one")
	}
	store := t.TempDir()
	for run := range 3 {
		cache, err := FileCache(store, 0)
		if err != nil {
			t.Fatal(err)
		}
		rep, got := report(t, folderOf(t, dir), Options{Cache: cache})
		if got != want {
			t.Errorf("run %d with a cache says something else", run)
		}
		if run > 0 && rep.Reused != rep.Files {
			t.Errorf("run %d: %d of %d files were known", run, rep.Reused, rep.Files)
		}
		if err := cache.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// A changed file is read again, and only that one.
	if err := os.WriteFile(filepath.Join(dir, "pkg0/a0.py"), []byte("import cohere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache, err := FileCache(store, 0)
	if err != nil {
		t.Fatal(err)
	}
	rep, _ := report(t, folderOf(t, dir), Options{Cache: cache})
	if rep.Reused != rep.Files-1 || !strings.Contains(brief(rep), "cohere") {
		t.Errorf("after a change %d of %d files were known:\n%s", rep.Reused, rep.Files, brief(rep))
	}
}

// age waits until the times of the files tell their contents apart.
func age(t *testing.T) {
	t.Helper()
	time.Sleep(settled + 100*time.Millisecond)
}

func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)/2] },
		func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		func([]byte) []byte { return []byte("something else") },
		func([]byte) []byte { return nil },
		func(b []byte) []byte { b[len(cacheMagic)+18] = 0xff; return b },
	} {
		c, err := FileCache(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			c.Put(fmt.Sprint("key", i), []byte(fmt.Sprint("value", i)))
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, cacheFile)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err = FileCache(dir, 0); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if v, ok := c.Get(fmt.Sprint("key", i)); ok && string(v) != fmt.Sprint("value", i) {
				t.Fatalf("key%d: %q", i, v)
			}
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	c, err := FileCache(dir, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		c.Put(fmt.Sprint("key", i), make([]byte, 1000))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, cacheFile))
	if err != nil || info.Size() > 10_000 || info.Size() < 5_000 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// committed makes a repository of files, with one commit for each message.
func committed(t *testing.T, dir string, messages ...string) *git.Repository {
	t.Helper()
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	work, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := work.AddGlob("."); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, m := range messages {
		who := &object.Signature{Name: "Ann", Email: "ann@example.com", When: when.Add(time.Duration(i) * time.Hour)}
		if _, err := work.Commit(m, &git.CommitOptions{Author: who, Committer: who, AllowEmptyCommits: true}); err != nil {
			t.Fatal(err)
		}
	}
	return repo
}

func TestGit(t *testing.T) {
	dir := write(t, append(many(), "big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")...)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.py")); err != nil {
		t.Fatal(err)
	}
	repo := committed(t, dir, "first", "second\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n")
	if err := os.RemoveAll(filepath.Join(dir, "pkg0")); err != nil { // the objects are what is read
		t.Fatal(err)
	}
	tree, err := Git(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	rep, text := report(t, tree, Options{})
	head, err := repo.Head()
	if err != nil {
		t.Fatal(err)
	}
	if rep.Commit != head.Hash().String() || rep.Files < 150 {
		t.Errorf("commit %s, %d files", rep.Commit, rep.Files)
	}
	for _, want := range []string{`"openai"`, `"path":"pkg0/a0.py"`, `link.py","reason":"a link`, "Git LFS", `"introduced":"2026-03-01T09:00:00Z"`, "claude-code", `broken/package.json","reason":"read in part`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text[:min(len(text), 6000)])
		}
	}
	if strings.Contains(text, "Ann") || strings.Contains(text, "ann@") {
		t.Error("a person is named")
	}
	for _, revision := range []string{"master", head.Hash().String(), "refs/heads/master"} {
		tree, err := Git(dir, revision)
		if err != nil {
			t.Fatal(err)
		}
		if _, again := report(t, tree, Options{Workers: 3}); again != text {
			t.Errorf("%s: another report", revision)
		}
	}
	if _, err := Git(dir, "nowhere"); !errors.Is(err, errRevision) {
		t.Errorf("a revision that is not there: %v", err)
	}
	if _, err := Git(t.TempDir(), ""); !errors.Is(err, gitdir.ErrNoRepository) {
		t.Errorf("no repository: %v", err)
	}
	store := t.TempDir()
	for range 2 {
		cache, err := FileCache(store, 0)
		if err != nil {
			t.Fatal(err)
		}
		if tree, err = Git(dir, ""); err != nil {
			t.Fatal(err)
		}
		if _, again := report(t, tree, Options{Cache: cache}); again != text {
			t.Error("the cache changes the report of a commit")
		}
		if err := cache.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWorkTree(t *testing.T) {
	dir := write(t, "a.py", "import openai\n", ".gitignore", "ignored/\n*.log.py\n", "ignored/a.py", "import cohere\n", "x.log.py", "import cohere\n", "new.py", "import groq\n", "node_modules/x/index.js", "require('cohere-ai')\n")
	committed(t, dir, "first")
	if err := os.WriteFile(filepath.Join(dir, "later.py"), []byte("import anthropic\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rep, text := report(t, folderOf(t, dir), Options{})
	got := brief(rep)
	if !strings.Contains(got, "openai") || !strings.Contains(got, "anthropic") || !strings.Contains(got, "groq") || strings.Contains(got, "cohere") {
		t.Errorf("%s", got)
	}
	if !strings.Contains(text, `"path":"node_modules/"`) {
		t.Errorf("what is left out is not named: %+v", rep.Unread)
	}
}

// packed makes what a host of repositories sends.
func packed(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	put := func(h *tar.Header, text string) {
		h.Size = int64(len(text))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	commit := strings.Repeat("ab", 20)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": commit}}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		put(&tar.Header{Typeflag: tar.TypeReg, Name: "acme-app-abab/" + files[i], Mode: 0o644}, files[i+1])
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "acme-app-abab/link", Linkname: "/etc/passwd"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	files := append(many(), "big/large.py", "import mistralai\n"+strings.Repeat("x = 1\n", 1<<20)+"import cohere\n", strings.Repeat("long/", 60)+"a.py", "import groq\n")
	b := packed(t, files...)
	rep, text := report(t, Archive(bytes.NewReader(b)), Options{})
	if rep.Commit != strings.Repeat("ab", 20) {
		t.Errorf("commit %q", rep.Commit)
	}
	for _, want := range []string{`"path":"pkg0/a0.py"`, "mistral", "cohere", "groq", `{"path":"link","reason":"a link`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	_, inFolder := report(t, folderOf(t, write(t, files...)), Options{})
	if sightings(t, inFolder) != sightings(t, text) {
		t.Error("the archive of a folder gives other sightings than the folder")
	}
	// Torn: what was read is in the report, and the error says so.
	torn, err := Scan(context.Background(), Archive(bytes.NewReader(b[:len(b)/2])), Options{Signatures: signatures(t)})
	if !errors.Is(err, ErrArchive) || torn.Files == 0 || len(torn.Sightings) == 0 {
		t.Errorf("torn: %v, %d files", err, torn.Files)
	}
	if _, err := Scan(context.Background(), Archive(strings.NewReader("no archive")), Options{Signatures: signatures(t)}); !errors.Is(err, ErrArchive) {
		t.Errorf("no archive: %v", err)
	}
}

func sightings(t *testing.T, text string) string {
	t.Helper()
	var r Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r.Sightings)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
