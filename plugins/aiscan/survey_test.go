package aiscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a scan could see of a change gives a folder another identity, and what
// it could not does not.
func TestIdentity(t *testing.T) {
	dir := write(t, "a.py", "import openai\n", "b/c.py", "x = 1\n", "b/d/e.py", "y = 1\n", "node_modules/x.js", "z\n", "empty/.keep", "")
	at := func(now time.Time) string {
		t.Helper()
		return folderOf(t, dir).(*folder).state(t.Context(), 2, now)
	}
	identity := func() string { t.Helper(); return at(time.Now().Add(time.Hour)) } // long after the change
	file := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	was := identity()
	if was == "" || identity() != was {
		t.Fatalf("a folder that nothing changes: %q", was)
	}
	must(os.WriteFile(file("node_modules/x.js"), []byte("not walked into\n"), 0o644))
	if identity() != was {
		t.Error("what is not walked into makes another folder of it")
	}
	must(os.WriteFile(file("b/c.py"), []byte("x = 2\n"), 0o644))
	if at(time.Now()) != "" {
		t.Error("a file that has just changed is said to be known")
	}
	old, err := os.Stat(file("a.py"))
	must(err)
	for _, c := range []struct {
		name   string
		change func() error
	}{
		{"a text of the same length, its time put back", func() error {
			if err := os.WriteFile(file("a.py"), []byte("import cohere\n"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(file("a.py"), old.ModTime(), old.ModTime())
		}},
		{"a file of another name", func() error { return os.Rename(file("b/d/e.py"), file("b/d/f.py")) }},
		{"a folder of another name", func() error { return os.Rename(file("b"), file("B")) }},
		{"a new file and a new link", func() error {
			return errors.Join(os.WriteFile(file("empty/n.py"), nil, 0o644), os.Symlink("a.py", file("link.py")))
		}},
		{"a file less", func() error { return os.Remove(file("empty/.keep")) }},
	} {
		was := identity()
		time.Sleep(20 * time.Millisecond) // longer than the ticks of the file system
		must(c.change())
		if now := identity(); now == was || now == "" {
			t.Errorf("%s: %q", c.name, now)
		}
	}
}

// What could not be read because of an error is tried again, and a report that
// lacks it is not kept.
func TestErrorIsNotKept(t *testing.T) {
	dir := write(t, "a.py", "import openai\n")
	age(t)
	cache, err := FileCache(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	scan := func(tree Tree) string {
		_, text := report(t, tree, Options{Cache: cache})
		return text
	}
	if text := scan(failing{folderOf(t, dir).(*folder)}); !strings.Contains(text, "the disk is away") {
		t.Fatalf("the error is not named: %s", text)
	}
	if text := scan(folderOf(t, dir)); !strings.Contains(text, `"openai"`) || strings.Contains(text, "the disk is away") {
		t.Errorf("a report without the file was kept: %s", text)
	}
}

// failing is a folder whose files cannot be opened for now.
type failing struct{ *folder }

func (f failing) Walk(ctx context.Context, visit func(Entry) error) error {
	return f.folder.Walk(ctx, func(e Entry) error {
		e.Open = func() (io.ReadCloser, error) { return nil, errors.New("the disk is away") }
		return visit(e)
	})
}

// The reports of trees have a bound of their own; what is damaged or of another
// key is no report.
func TestTreeCache(t *testing.T) {
	dir := t.TempDir()
	open := func() *DiskCache {
		c, err := FileCache(dir, 40_000)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	for i := range 30 {
		c.PutTree(fmt.Sprint("key", i), make([]byte, 1000))
	}
	c.PutTree("large", make([]byte, 20_000))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, treeFile+"*"))
	if err != nil || len(files) < 5 || len(files) > 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	c, found := open(), 0
	for i := range 30 {
		if v, ok := c.Tree(fmt.Sprint("key", i)); ok && len(v) == 1000 {
			found++
		}
	}
	if found != len(files) {
		t.Errorf("%d of %d are found", found, len(files))
	}
	c.PutTree("one", []byte("a report"))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	name := c.treeName(hashed("one"))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 1
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, ok := open().Tree("one"); ok {
			t.Fatalf("byte %d of another value: %q", i, v)
		}
	}
	if err := os.WriteFile(c.treeName(hashed("two")), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if v, ok := open().Tree("two"); ok {
		t.Errorf("the file of another tree: %q", v)
	}
}
