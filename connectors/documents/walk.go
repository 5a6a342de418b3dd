package documents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// walker follows the first parents of a branch.
type walker struct {
	repo      *repository
	cfg       *config
	out       *listing
	missing   map[string]string // blobs of current paths whose commit was not met yet
	sawCommit bool              // the commit asked for was met on the way
	steps     []walked          // newest first

	// Folders opened for this commit and for the one before: what is a parent
	// now is a child in the next step.
	opened, openedBefore map[plumbing.Hash]map[string]object.TreeEntry
}

// oldRun is how many commits one after the other have to be older than what is
// asked for, so that those below are, too: the date of one is its committer's.
const oldRun = 100

// walked is a commit that the walk went by.
type walked struct {
	when    time.Time
	arrival *arrival
}

// walk lists the revisions of wanted paths along the first parents, newest
// commit first. Commits older than cfg.since are looked at only until the commit
// behind each current file is known. seen is a commit to look out for.
func (r *repository) walk(ctx context.Context, c *config, seen plumbing.Hash) (*walker, error) {
	commit, err := object.GetCommit(r.objects, r.head)
	if err != nil {
		return nil, fmt.Errorf("documents: commit %s: %w", r.head, err)
	}
	w := &walker{repo: r, cfg: c, out: &listing{current: map[string]file{}}, missing: map[string]string{}}
	defer w.settle()
	for n, old := 0, 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if n == c.MaxCommits {
			w.cut(fmt.Sprintf("max_commits (%d) was reached; older history was not read", c.MaxCommits))
			return w, nil
		}
		w.sawCommit = w.sawCommit || commit.Hash == seen
		parent, err := w.parent(commit)
		if err != nil {
			return nil, err
		}
		if old++; !commit.Committer.When.Before(c.since) {
			old = 0
		}
		if err := w.step(commit, parent, n == 0); err != nil {
			return nil, err
		}
		if parent == nil || (old >= oldRun && len(w.missing) == 0) {
			return w, nil
		}
		commit = parent
	}
}

// settle tells, once the commits below are known, which of them are dated
// before one that they follow, and drops contents that went out of force before
// what is asked for. What follows a commit came after it, whatever its date.
func (w *walker) settle() {
	var latest time.Time
	old, now := map[*arrival]bool{}, time.Now()
	for _, s := range slices.Backward(w.steps) {
		s.arrival.beforeParent = s.arrival.beforeParent || s.when.Before(latest)
		if s.when.After(latest) && !s.when.After(now) {
			latest = s.when
		}
		old[s.arrival] = latest.Before(w.cfg.since) && s.when.Before(w.cfg.since)
	}
	w.steps = nil
	w.out.revisions = slices.DeleteFunc(w.out.revisions, func(r revision) bool { return old[r.arrived] && !r.inForce })
}

// cut notes that the history ends before its beginning.
func (w *walker) cut(why string) {
	w.out.unseen = append(w.out.unseen, unseen{scope: "history of " + w.repo.branch, reason: connector.Truncated, heals: true, detail: why})
}

// parent returns the first parent, or nil at the root and at the edge of a
// shallow clone.
func (w *walker) parent(c *object.Commit) (*object.Commit, error) {
	if len(c.ParentHashes) == 0 {
		return nil, nil
	}
	p, err := object.GetCommit(w.repo.objects, c.ParentHashes[0])
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		w.cut(fmt.Sprintf("the clone is shallow: commit %s before %s is not there; run git fetch --unshallow", c.ParentHashes[0], c.Hash))
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("documents: commit %s: %w", c.ParentHashes[0], err)
	}
	return p, nil
}

// step records what the commit changed against its parent.
func (w *walker) step(c, parent *object.Commit, head bool) error {
	w.openedBefore, w.opened = w.opened, map[plumbing.Hash]map[string]object.TreeEntry{}
	a := &arrival{commit: c.Hash.String(), at: c.Committer.When, by: signature(c.Committer)}
	var before plumbing.Hash
	if parent != nil {
		before = parent.TreeHash
		a.beforeParent = c.Committer.When.Before(parent.Committer.When)
	}
	if head {
		if err := w.tree(plumbing.ZeroHash, c.TreeHash, "", 0, w.noteCurrent); err != nil {
			return err
		}
	}
	w.steps = append(w.steps, walked{c.Committer.When, a})
	first := len(w.out.revisions)
	err := w.tree(before, c.TreeHash, "", 0, func(path string, e object.TreeEntry) {
		if !w.cfg.wantsPath(path) {
			return
		}
		blob, isMissing := w.missing[path]
		isCurrent := isMissing && blob == e.Hash.String()
		if isCurrent {
			delete(w.missing, path)
		}
		w.out.revisions = append(w.out.revisions, revision{path: path, file: fileOf(e), arrived: a, inForce: isCurrent})
	})
	if len(w.out.revisions) > first {
		a.signed, a.signer = w.cfg.keys.check(c)
	}
	slices.SortFunc(w.out.revisions[first:], func(a, b revision) int { return cmp.Compare(a.path, b.path) })
	return err
}

// noteCurrent notes an entry of the head: a wanted file, or something that
// hides what may lie below it.
func (w *walker) noteCurrent(p string, e object.TreeEntry) {
	if w.cfg.wantsPath(p) {
		w.out.current[p] = fileOf(e)
		w.missing[p] = e.Hash.String()
		return
	}
	if e.Mode == filemode.Submodule || w.leadsToFolder(p, e) {
		w.out.unseen = append(w.out.unseen, unseen{scope: p, below: p, reason: connector.Unsupported, detail: regular(e.Mode).Error()})
	}
}

// leadsToFolder reports whether a symbolic link may stand for a folder.
func (w *walker) leadsToFolder(p string, e object.TreeEntry) bool {
	target, err := w.repo.object(e.Hash, 4096)
	if err != nil || path.IsAbs(string(target)) {
		return true
	}
	commit, err := object.GetCommit(w.repo.objects, w.repo.head)
	if err != nil {
		return true
	}
	root, err := object.GetTree(w.repo.objects, commit.TreeHash)
	if err != nil {
		return true
	}
	at, err := root.FindEntry(path.Join(path.Dir(p), string(target)))
	return err != nil || regular(at.Mode) != nil
}

// fileOf describes an entry of a tree.
func fileOf(e object.TreeEntry) file { return file{blob: e.Hash.String(), problem: regular(e.Mode)} }

// regular returns an error that says why an entry is not an ordinary file.
func regular(m filemode.FileMode) error {
	switch m {
	case filemode.Regular, filemode.Deprecated, filemode.Executable:
		return nil
	case filemode.Symlink:
		return errLink
	case filemode.Submodule:
		return errors.New("a submodule; give its repository a source of its own")
	}
	return fmt.Errorf("not an ordinary file (mode %s)", m)
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
		hides := e.Mode == filemode.Submodule || e.Mode == filemode.Symlink
		if w.cfg.wantsPath(path) || (hides && w.cfg.wantsDir(path)) {
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
