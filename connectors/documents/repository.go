package documents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxDepth bounds how deep folders may nest.
const maxDepth = 128

// commitInfo is what a revision keeps of the commit that brought it.
type commitInfo struct {
	hash plumbing.Hash
	at   time.Time // committer's time, with the committer's own offset
	by   string    // committer's name and address, as the commit states them
	// beforeParent: dated before its parent, so one of the two dates is wrong.
	beforeParent bool
}

// revision is one content that a path had on the branch.
type revision struct {
	path   string
	blob   plumbing.Hash
	mode   filemode.FileMode
	commit *commitInfo
}

// history is what a walk found. Revisions run from the newest to the oldest.
type history struct {
	head      plumbing.Hash
	current   map[string]object.TreeEntry // by wanted path, at the head
	revisions []revision
	truncated string // why the walk ended early; empty if it reached the root
	sawCommit bool   // the commit asked for was met on the way
}

// repository reads objects of one git repository.
type repository struct {
	objects storer.EncodedObjectStorer
	close   func() error
	branch  string
	head    plumbing.Hash
}

// errNoBranch means that the configured branch is not there.
var errNoBranch = errors.New("no such branch")

// openRepository opens the clone and finds the branch's newest commit. The
// caller closes it.
func openRepository(c *config) (*repository, error) {
	g, err := git.PlainOpen(c.Repository)
	if err != nil {
		return nil, fmt.Errorf("documents: open %s: %w", c.Repository, err)
	}
	name := plumbing.NewBranchReferenceName(c.Branch)
	if c.Branch == "" {
		head, err := g.Reference(plumbing.HEAD, false)
		if err != nil {
			return nil, fmt.Errorf("documents: %s: HEAD: %w", c.Repository, err)
		}
		if head.Type() != plumbing.SymbolicReference {
			return nil, fmt.Errorf("documents: %s: HEAD names no branch; set branch: in the settings", c.Repository)
		}
		name = head.Target()
	}
	ref, err := g.Reference(name, true)
	if err != nil {
		return nil, fmt.Errorf("documents: %s: branch %s: %w", c.Repository, name.Short(), errors.Join(errNoBranch, err))
	}
	r := &repository{objects: g.Storer, branch: name.Short(), head: ref.Hash(), close: func() error { return nil }}
	if s, ok := g.Storer.(*filesystem.Storage); ok { // keep the packs open: by default each object opens its own
		kept := filesystem.NewStorageWithOptions(s.Filesystem(), cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true})
		r.objects, r.close = kept, kept.Close
	}
	return r, nil
}

// walker follows the first parents of a branch.
type walker struct {
	repo    *repository
	cfg     *config
	hist    *history
	missing map[string]plumbing.Hash // current paths whose commit was not met yet

	// Folders opened for this commit and for the one before: what is a parent
	// now is a child in the next step.
	opened, openedBefore map[plumbing.Hash]map[string]object.TreeEntry
}

// walk lists the revisions of wanted paths along the first parents, newest
// commit first. Commits older than cfg.since are looked at only until the commit
// behind each current file is known. seen is a commit to look out for.
func (r *repository) walk(ctx context.Context, c *config, seen plumbing.Hash) (*history, error) {
	commit, err := object.GetCommit(r.objects, r.head)
	if err != nil {
		return nil, fmt.Errorf("documents: commit %s: %w", r.head, err)
	}
	w := &walker{repo: r, cfg: c, hist: &history{head: r.head, current: map[string]object.TreeEntry{}}, missing: map[string]plumbing.Hash{}}
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if n == c.MaxCommits {
			w.hist.truncated = fmt.Sprintf("max_commits (%d) was reached; older history was not read", c.MaxCommits)
			return w.hist, nil
		}
		w.hist.sawCommit = w.hist.sawCommit || commit.Hash == seen
		parent, err := w.parent(commit)
		if err != nil {
			return nil, err
		}
		old := commit.Committer.When.Before(c.since)
		if err := w.step(commit, parent, n == 0, old); err != nil {
			return nil, err
		}
		if parent == nil || (old && len(w.missing) == 0) {
			return w.hist, nil
		}
		commit = parent
	}
}

// parent returns the first parent, or nil at the root and at the edge of a
// shallow clone.
func (w *walker) parent(c *object.Commit) (*object.Commit, error) {
	if len(c.ParentHashes) == 0 {
		return nil, nil
	}
	p, err := object.GetCommit(w.repo.objects, c.ParentHashes[0])
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		w.hist.truncated = fmt.Sprintf("the clone is shallow: commit %s before %s is not there; run git fetch --unshallow", c.ParentHashes[0], c.Hash)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("documents: commit %s: %w", c.ParentHashes[0], err)
	}
	return p, nil
}

// step records what the commit changed against its parent.
func (w *walker) step(c, parent *object.Commit, head, old bool) error {
	w.openedBefore, w.opened = w.opened, map[plumbing.Hash]map[string]object.TreeEntry{}
	info := &commitInfo{hash: c.Hash, at: c.Committer.When, by: signature(c.Committer)}
	var before plumbing.Hash
	if parent != nil {
		before = parent.TreeHash
		info.beforeParent = c.Committer.When.Before(parent.Committer.When)
	}
	if head {
		if err := w.tree(plumbing.ZeroHash, c.TreeHash, "", 0, w.noteCurrent); err != nil {
			return err
		}
	}
	first := len(w.hist.revisions)
	err := w.tree(before, c.TreeHash, "", 0, func(path string, e object.TreeEntry) {
		blob, isMissing := w.missing[path]
		isCurrent := isMissing && blob == e.Hash
		if isCurrent {
			delete(w.missing, path)
		}
		if !old || isCurrent {
			w.hist.revisions = append(w.hist.revisions, revision{path: path, blob: e.Hash, mode: e.Mode, commit: info})
		}
	})
	slices.SortFunc(w.hist.revisions[first:], func(a, b revision) int { return cmp.Compare(a.path, b.path) })
	return err
}

func (w *walker) noteCurrent(path string, e object.TreeEntry) {
	w.hist.current[path] = e
	w.missing[path] = e.Hash
}

// tree calls visit for every wanted file in the tree after that is not the same
// in the tree before. Folders that are the same, or hold nothing wanted, are not
// opened.
func (w *walker) tree(before, after plumbing.Hash, prefix string, depth int, visit func(string, object.TreeEntry)) error {
	if depth > maxDepth {
		return fmt.Errorf("documents: %s: folders nest deeper than %d", printable(prefix), maxDepth)
	}
	was, err := w.entries(before)
	if err != nil {
		return err
	}
	is, err := w.entries(after)
	if err != nil {
		return err
	}
	for name, e := range is {
		prior, had := was[name]
		if had && prior.Hash == e.Hash && prior.Mode == e.Mode {
			continue
		}
		path := prefix + name
		if e.Mode == filemode.Dir {
			if !w.cfg.wantsDir(path) {
				continue
			}
			var sub plumbing.Hash
			if had && prior.Mode == filemode.Dir {
				sub = prior.Hash
			}
			if err := w.tree(sub, e.Hash, path+"/", depth+1, visit); err != nil {
				return err
			}
			continue
		}
		if w.cfg.wantsPath(path) || (e.Mode == filemode.Submodule && w.cfg.wantsDir(path)) {
			visit(path, e)
		}
	}
	return nil
}

func (w *walker) entries(h plumbing.Hash) (map[string]object.TreeEntry, error) {
	if h.IsZero() {
		return nil, nil
	}
	for _, opened := range []map[plumbing.Hash]map[string]object.TreeEntry{w.opened, w.openedBefore} {
		if m, ok := opened[h]; ok {
			w.opened[h] = m
			return m, nil
		}
	}
	t, err := object.GetTree(w.repo.objects, h)
	if err != nil {
		return nil, fmt.Errorf("documents: folder %s: %w", h, err)
	}
	m := make(map[string]object.TreeEntry, len(t.Entries))
	for _, e := range t.Entries {
		m[e.Name] = e
	}
	w.opened[h] = m
	return m, nil
}

// contains reports whether commit is an ancestor of the head by any parent.
func (r *repository) contains(commit plumbing.Hash) (bool, error) {
	old, err := object.GetCommit(r.objects, commit)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("documents: commit %s: %w", commit, err)
	}
	head, err := object.GetCommit(r.objects, r.head)
	if err != nil {
		return false, fmt.Errorf("documents: commit %s: %w", r.head, err)
	}
	ok, err := old.IsAncestor(head)
	if errors.Is(err, plumbing.ErrObjectNotFound) { // a shallow clone: cannot tell
		return true, nil
	}
	return ok, err
}

func signature(s object.Signature) string {
	if s.Email == "" {
		return printable(s.Name)
	}
	return printable(s.Name + " <" + s.Email + ">")
}
