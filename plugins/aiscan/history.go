package aiscan

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/infra"
)

// History is what a tree can know of how it came to be. A tree that has it is
// asked after it was read.
type History interface {
	// Messages calls use with the messages of commits, the newest first, along
	// first parents.
	Messages(ctx context.Context, limit int, use func(Message) error) error
	// Introduced returns when each path took the content it has, as far as the
	// last commits tell.
	Introduced(ctx context.Context, paths map[string]bool, limit int) (map[string]time.Time, error)
}

// Message is what was said with a commit.
type Message struct {
	Commit string
	Text   string
	Time   time.Time
}

// Limits of what is looked at of a history.
const (
	maxMessages   = 2000
	maxIntroduced = 5000 // commits
	maxDated      = 2000 // paths
)

// trailers looks for assistants in what was said with the last commits. Only
// that and when is kept, not who wrote them.
func (s *scan) trailers(ctx context.Context, h History) error {
	var p part
	key := s.historyKey(h, "trailers")
	if s.recall(key, &p.hits) {
		s.total.add(p)
		return nil
	}
	err := h.Messages(ctx, maxMessages, func(m Message) error {
		c := &content{}
		s.rules.match(c, infra.Trailers(m.Text))
		for i := range c.Hits {
			// The line may name a person: what is kept is what it was known by.
			c.Hits[i].Fact = fact.Fact{Class: fact.Trailer, Name: "commit message: " + s.rules.set.Get(c.Hits[i].ID).Vendor, Standing: c.Hits[i].Fact.Standing}
		}
		p.take(Entry{Path: commitPath + m.Commit, Time: m.Time}, c)
		return nil
	})
	if err == nil {
		s.keep(key, p.hits)
	}
	s.total.add(p)
	return err
}

// commitPath is what stands in a path's place before the hash of a commit.
const commitPath = "commit:"

// dates puts the time at which its content came on every signal.
func (s *scan) dates(ctx context.Context, h History, rep *Report) error {
	paths := map[string]bool{}
	for _, sight := range rep.Sightings {
		for _, sig := range sight.Signals {
			if sig.Introduced == "" && len(paths) < maxDated {
				paths[sig.Path] = true
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	var when map[string]time.Time
	kept := map[string]time.Time{} // by the hash of a path, which may hold anything
	sum := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		fmt.Fprintf(sum, "%q", path)
	}
	key := s.historyKey(h, fmt.Sprintf("dates %x", sum.Sum(nil)))
	var err error
	if !s.recall(key, &kept) {
		when, err = h.Introduced(ctx, paths, maxIntroduced)
		for path, t := range when {
			kept[pathHash(path)] = t
		}
		if err == nil {
			s.keep(key, kept)
		}
	}
	for i := range rep.Sightings {
		for j := range rep.Sightings[i].Signals {
			sig := &rep.Sightings[i].Signals[j]
			if t, ok := kept[pathHash(sig.Path)]; ok && sig.Introduced == "" {
				sig.Introduced = t.UTC().Format(time.RFC3339)
			}
		}
	}
	return err
}

func pathHash(path string) string { return digest([]byte(path))[:16] }

// historyKey names in a cache what was found in the history of a commit.
func (s *scan) historyKey(h History, what string) string {
	c, ok := h.(interface{ Commit() string })
	if !ok || s.options.Cache == nil || c.Commit() == "" {
		return ""
	}
	return s.rules.prefix + "\x00history\x00" + c.Commit() + "\x00" + what
}

func (s *scan) recall(key string, into any) bool {
	if key == "" {
		return false
	}
	b, ok := s.options.Cache.Get(key)
	return ok && json.Unmarshal(b, into) == nil
}

func (s *scan) keep(key string, what any) {
	if key == "" {
		return
	}
	if b, err := json.Marshal(what); err == nil {
		s.options.Cache.Put(key, b)
	}
}

var _ History = (*gitTree)(nil)

// Messages implements History.
func (t *gitTree) Messages(ctx context.Context, limit int, use func(Message) error) error {
	s, err := t.borrow()
	if err != nil {
		return err
	}
	defer t.giveBack(s)
	c := t.commit
	for range limit {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := use(Message{c.Hash.String(), c.Message, c.Committer.When}); err != nil {
			return err
		}
		if c, err = parent(s, c); err != nil {
			return err
		}
		if c == nil {
			return nil
		}
	}
	return nil
}

// parent is the first parent, nil where the history begins or is cut off.
func parent(s *filesystem.Storage, c *object.Commit) (*object.Commit, error) {
	if len(c.ParentHashes) == 0 {
		return nil, nil
	}
	p, err := object.GetCommit(s, c.ParentHashes[0])
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, io.EOF) {
		return nil, nil
	}
	return p, err
}

// Introduced implements History. Folders that two commits have in common are
// not looked into.
func (t *gitTree) Introduced(ctx context.Context, paths map[string]bool, limit int) (map[string]time.Time, error) {
	s, err := t.borrow()
	if err != nil {
		return nil, err
	}
	defer t.giveBack(s)
	open, when := newLookup(paths), map[string]time.Time{}
	c := t.commit
	for n := 0; n < limit && len(open.names)+len(open.folders) > 0; n++ {
		if err := ctx.Err(); err != nil {
			return when, err
		}
		p, err := parent(s, c)
		if err != nil {
			return when, err
		}
		if p == nil {
			if len(c.ParentHashes) == 0 { // the first commit brought the rest
				open.all("", func(path string) { when[path] = c.Committer.When })
			}
			return when, nil
		}
		if err := changed(s, open, "", c.TreeHash, p.TreeHash, func(path string) { when[path] = c.Committer.When }); err != nil {
			return when, err
		}
		c = p
	}
	return when, nil
}

// lookup is paths, folder by folder.
type lookup struct {
	names   map[string]bool
	folders map[string]*lookup
}

func newLookup(paths map[string]bool) *lookup {
	root := &lookup{map[string]bool{}, map[string]*lookup{}}
	for p := range paths {
		at, from := root, 0
		for i := range len(p) {
			if p[i] != '/' {
				continue
			}
			name := p[from:i]
			if at.folders[name] == nil {
				at.folders[name] = &lookup{map[string]bool{}, map[string]*lookup{}}
			}
			at, from = at.folders[name], i+1
		}
		at.names[p[from:]] = true
	}
	return root
}

func (l *lookup) all(dir string, use func(string)) {
	for name := range l.names {
		use(dir + name)
	}
	for name, f := range l.folders {
		f.all(dir+name+"/", use)
	}
}

// changed calls use with the paths whose content differs between two trees, and
// takes them off the list.
func changed(s *filesystem.Storage, l *lookup, dir string, now, before plumbing.Hash, use func(string)) error {
	if now == before {
		return nil
	}
	a, err := entries(s, now)
	if err != nil {
		return err
	}
	b, err := entries(s, before)
	if err != nil {
		return err
	}
	for name := range l.names {
		if a[name] != b[name] {
			use(dir + name)
			delete(l.names, name)
		}
	}
	for name, f := range l.folders {
		if err := changed(s, f, dir+name+"/", a[name], b[name], use); err != nil {
			return err
		}
		if len(f.names)+len(f.folders) == 0 {
			delete(l.folders, name)
		}
	}
	return nil
}

func entries(s *filesystem.Storage, h plumbing.Hash) (map[string]plumbing.Hash, error) {
	if h.IsZero() {
		return nil, nil
	}
	t, err := object.GetTree(s, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, nil // a file then, or not in this clone
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string]plumbing.Hash, len(t.Entries))
	for _, e := range t.Entries {
		all[e.Name] = e.Hash
	}
	return all, nil
}
