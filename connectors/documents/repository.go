package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// cursorHead is the commit that the last run read.
const cursorHead = "head"

// repository reads objects of one git repository.
type repository struct {
	objects storer.EncodedObjectStorer
	files   *filesystem.Storage
	called  string
	branch  string
	head    plumbing.Hash
}

// errNoBranch means that the configured branch is not there.
var errNoBranch = errors.New("no such branch")

// openRepository opens the clone and finds the branch's newest commit. The
// caller closes it.
func openRepository(c *config) (*repository, error) {
	if _, err := os.Stat(c.Repository); err != nil {
		return nil, fmt.Errorf("documents: open %s: %w", c.Repository, err)
	}
	files, err := gitdir.Open(c.Repository, cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true}) // by default each object opens its pack
	if err != nil {
		return nil, fmt.Errorf("documents: open %s: %w", c.Repository, err)
	}
	r := &repository{objects: files, files: files, called: c.Name}
	if err := r.find(c); err != nil {
		_ = files.Close() // only read
		return nil, err
	}
	return r, nil
}

// find finds the branch.
func (r *repository) find(c *config) error {
	name := plumbing.NewBranchReferenceName(c.Branch)
	if c.Branch == "" {
		head, err := r.files.Reference(plumbing.HEAD)
		if err != nil {
			return fmt.Errorf("documents: %s: HEAD: %w", c.Repository, err)
		}
		if head.Type() != plumbing.SymbolicReference {
			return fmt.Errorf("documents: %s: HEAD names no branch; set branch: in the settings", c.Repository)
		}
		name = head.Target()
	}
	ref, err := storer.ResolveReference(r.files, name)
	if err != nil {
		return fmt.Errorf("documents: %s: branch %s: %w", c.Repository, name.Short(), errors.Join(errNoBranch, err))
	}
	r.branch, r.head = name.Short(), ref.Hash()
	return nil
}

func (r *repository) name() string { return r.branch }

func (r *repository) close() error { return r.files.Close() }

func (r *repository) state() string { return concealed(r.branch) + "@" + r.head.String() }

func (r *repository) describe() string {
	return fmt.Sprintf("git %s, branch %s at %s, first parents", r.called, concealed(r.branch), r.head)
}

// longName is from where on a branch's name could hold a credential.
const longName = 30

// concealed blacks out a credential in the name of a branch, which goes on
// record with every collection.
func concealed(branch string) string {
	if len(branch) < longName {
		return branch
	}
	signs, err := aisign.Load()
	if err != nil {
		return "of a long name"
	}
	return signs.Concealed(branch)
}

func (r *repository) keeper() string { return r.called }

func (r *repository) place(p string, a *arrival) string {
	return fmt.Sprintf("git:%s@%s:%s", r.called, a.commit, p)
}

func (r *repository) cursors() map[string]string {
	return map[string]string{cursorHead: r.head.String()}
}

// list walks the history of the branch.
func (r *repository) list(ctx context.Context, c *config, cursors map[string]string) (*listing, error) {
	last := plumbing.NewHash(cursors[cursorHead])
	w, err := r.walk(ctx, c, last)
	if err != nil {
		return nil, err
	}
	if last.IsZero() || w.sawCommit {
		return w.out, nil
	}
	ok, err := r.contains(last)
	if err != nil {
		return nil, err
	}
	if !ok {
		w.out.unseen = append(w.out.unseen, unseen{scope: "history of " + r.branch, reason: connector.Hidden, heals: true, detail: fmt.Sprintf(
			"commit %s, which the last run read, is no longer part of the branch: its history was rewritten", last)})
	}
	return w.out, nil
}

// read returns a file's content; that of a Git LFS pointer is taken from where
// git-lfs keeps it.
func (r *repository) read(_, blob string, limit int64) ([]byte, error) {
	b, err := r.object(plumbing.NewHash(blob), limit)
	if err != nil {
		return nil, err
	}
	if p, ok := parsePointer(b); ok {
		return r.largeFile(p, limit)
	}
	return b, nil
}

func (r *repository) object(h plumbing.Hash, limit int64) ([]byte, error) {
	size, err := r.objects.EncodedObjectSize(h)
	if err != nil {
		return nil, objectError(h, err)
	}
	if size > limit {
		return nil, tooLarge(size, limit)
	}
	o, err := r.objects.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, objectError(h, err)
	}
	rd, err := o.Reader()
	if err != nil {
		return nil, objectError(h, err)
	}
	defer rd.Close()
	b, err := io.ReadAll(io.LimitReader(rd, limit+1))
	if err != nil {
		return nil, objectError(h, err)
	}
	if int64(len(b)) > limit {
		return nil, tooLarge(int64(len(b)), limit)
	}
	return b, nil
}

func objectError(h plumbing.Hash, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%w: object %s is not in the clone", errNotThere, h)
	}
	return fmt.Errorf("object %s: %w", h, err)
}
