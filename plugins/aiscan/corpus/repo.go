package corpus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

//go:embed testdata/repos/*.txtar testdata/labels/*.txt
var data embed.FS

// Repo is one labelled repository.
type Repo struct {
	Name   string
	Files  []File   // by path
	Keys   []string // strings in it that look like credentials
	Labels *Labels
}

// File is one file of a repository.
type File struct {
	Path string
	Data []byte
}

// HeldOut reports whether the repository is kept from those who write the
// scanner: about one in five, by the first byte of the digest of its name.
func (r *Repo) HeldOut() bool {
	sum := sha256.Sum256([]byte(r.Name))
	return r.Labels.Set == "first" && sum[0] < 52
}

// Load reads all repositories, by name.
func Load() ([]*Repo, error) {
	entries, err := data.ReadDir("testdata/repos")
	if err != nil {
		return nil, err
	}
	repos := make([]*Repo, 0, len(entries))
	for _, e := range entries {
		r, err := load(strings.TrimSuffix(e.Name(), ".txtar"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		repos = append(repos, r)
	}
	return repos, nil
}

func load(name string) (*Repo, error) {
	archive, err := data.ReadFile("testdata/repos/" + name + ".txtar")
	if err != nil {
		return nil, err
	}
	text, err := data.ReadFile("testdata/labels/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	r := &Repo{Name: name}
	if r.Labels, err = parseLabels(string(text)); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	for _, f := range txtar.Parse(archive).Files {
		if err := r.add(f.Name, f.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	slices.SortFunc(r.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return r, r.number()
}

func (r *Repo) add(name string, content []byte) error {
	if kept, ok := strings.CutSuffix(name, ".gen"); ok {
		kind := strings.TrimSpace(strings.TrimPrefix(string(content), "gen:"))
		b, err := made(kind)
		if err != nil {
			return err
		}
		r.Files = append(r.Files, File{kept, b})
		return nil
	}
	text, keys, err := withKeys(string(content))
	if err != nil {
		return err
	}
	r.Keys = append(r.Keys, keys...)
	r.Files = append(r.Files, File{name, []byte(text)})
	return nil
}

// number finds the lines that the labels name.
func (r *Repo) number() error {
	for _, uses := range [][]Use{r.Labels.Use, r.Labels.Aside} {
		for i := range uses {
			for j := range uses[i].Lines {
				if err := r.find(&uses[i].Lines[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *Repo) find(l *Line) error {
	if slices.Contains(l.Classes, fact.Trailer) {
		return nil
	}
	text, _, err := withKeys(l.Text)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Path == l.Path })
	if i < 0 {
		return fmt.Errorf("labels: no file %q", l.Path)
	}
	if l.Text == "*" {
		return nil
	}
	before, _, found := bytes.Cut(r.Files[i].Data, []byte(text))
	if !found {
		return fmt.Errorf("labels: %s has no %q", l.Path, l.Text)
	}
	l.Number = bytes.Count(before, []byte("\n")) + 1
	return nil
}

// Tree is the repository as the scanner reads it.
func (r *Repo) Tree() aiscan.Tree { return tree{r} }

type tree struct{ r *Repo }

func (t tree) Streamed() bool { return false }

func (t tree) Walk(ctx context.Context, visit func(aiscan.Entry) error) error {
	for _, f := range t.r.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Data)), nil }
		if err := visit(aiscan.Entry{Path: path.Clean(f.Path), Size: int64(len(f.Data)), Open: open}); err != nil {
			return err
		}
	}
	return nil
}
