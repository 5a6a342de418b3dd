package attest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// DefaultBranch is the branch that checkpoints are committed to.
const DefaultBranch = "checkpoints"

// maxNote is the size above which a file is not taken for a checkpoint. One
// with many cosignatures is still far below.
const maxNote = 64 << 10

// Repository is a git repository that checkpoints are published to: a directory
// or an address that git understands. Git itself is what reaches it, with the
// credentials that the account has for it.
type Repository struct {
	Where  string
	Branch string // empty: DefaultBranch
	// Restart publishes although the place has lost what was published there
	// earlier. It is recorded.
	Restart bool
}

// PublishGit commits the checkpoint to <origin>/checkpoint and to
// <origin>/history/<size> and pushes. What stands there is read first, and the
// log must continue it. Nothing else in the repository is touched, no branch is
// ever forced, and what is there already is not committed again.
func PublishGit(ctx context.Context, r Repository, l Log, before []Attestation, now time.Time) (*Publication, error) {
	if r.Branch == "" {
		r.Branch = DefaultBranch
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	dir, err := originPath(l.Content.Origin)
	if err != nil {
		return nil, err
	}
	recorded, err := l.published(before, ToGit, r.name())
	if err != nil {
		return nil, err
	}
	g, err := openScratch(ctx, r)
	if err != nil {
		return nil, err
	}
	defer g.close()
	parent, err := g.fetch(ctx)
	if err != nil {
		return nil, err
	}
	there, err := g.checkpoint(ctx, parent, dir, l)
	if err != nil {
		return nil, err
	}
	if there.Size < recorded.Size && !r.Restart {
		return nil, fmt.Errorf("%s has a checkpoint of %d entries, %d were published there earlier: %w",
			r.name(), there.Size, recorded.Size, ErrLost)
	}
	p := &Publication{To: ToGit, Where: r.name(), Branch: r.Branch, Path: historyPath(dir, l.Content.Size),
		Commit: parent, Previous: there.Size, Restart: r.Restart && there.Size < recorded.Size}
	if there.Size > l.Content.Size {
		p.Ahead = there.Size
	}
	if there.Size >= l.Content.Size {
		return p, nil // what is there covers all that is here
	}
	if p.Commit, err = g.commit(ctx, parent, dir, l, now); err != nil {
		return nil, err
	}
	return p, g.push(ctx, p.Commit)
}

func historyPath(dir string, size int64) string {
	return dir + "/history/" + strconv.FormatInt(size, 10)
}

// ErrLost: the place of publication no longer has what was published there.
var ErrLost = errors.New("a published checkpoint is gone")

// pathElement is one part of an origin that may become the name of a folder.
var pathElement = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// originPath turns the origin of a log into a path within a repository. An
// origin is only a name, and may hold anything; one that is not plainly a path
// is refused rather than repaired, for two origins must never share a folder.
func originPath(origin string) (string, error) {
	parts := strings.Split(origin, "/")
	for _, p := range parts {
		if !pathElement.MatchString(p) || strings.HasSuffix(p, ".") || strings.HasSuffix(strings.ToLower(p), ".git") ||
			strings.HasSuffix(strings.ToLower(p), ".lock") || p == "history" || p == "checkpoint" {
			return "", fmt.Errorf("%w: the origin %.80q cannot be the name of a folder", ErrMalformed, origin)
		}
	}
	if len(parts) > 8 || len(origin) > 512 {
		return "", fmt.Errorf("%w: the origin %.80q is too long for the name of a folder", ErrMalformed, origin)
	}
	return origin, nil
}

var branchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$`)

// scpLike is git's short form of an SSH address: [user@]host:path.
var scpLike = regexp.MustCompile(`^([A-Za-z0-9._-]+@)?[A-Za-z0-9._-]+:[^:]`)

// check refuses addresses that would make git run something else than git and
// ssh, that are not encrypted, or that carry a password.
func (r Repository) check() error {
	if !branchName.MatchString(r.Branch) || strings.HasSuffix(r.Branch, ".lock") {
		return fmt.Errorf("%w: %.60q is not the name of a branch", ErrURL, r.Branch)
	}
	w := r.Where
	switch {
	case w == "" || strings.HasPrefix(w, "-") || strings.Contains(w, "::") || strings.ContainsAny(w, "\n\r\x00"):
		return fmt.Errorf("%w: %.60q is not the address of a repository", ErrURL, w)
	case strings.Contains(w, "://"):
		u, err := url.Parse(w)
		if err != nil {
			return fmt.Errorf("%w: not the address of a repository", ErrURL)
		}
		if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
			return fmt.Errorf("%w: an address with a password in it: it would end up in logs", ErrURL)
		}
		switch {
		case u.Scheme == "file", u.Scheme == "https" && u.Host != "", u.Scheme == "ssh" && u.Host != "" && !strings.HasPrefix(u.Host, "-"):
		case u.Scheme == "http" && loopback(u.Hostname()):
		default:
			return fmt.Errorf("%w: git over %.16q is not used; https, ssh or a directory", ErrURL, u.Scheme)
		}
	case r.isDirectory():
		info, err := os.Stat(w)
		if err != nil || !info.IsDir() {
			return fmt.Errorf("%w: there is no repository at %s", ErrURL, w)
		}
	}
	return nil
}

func (r Repository) isDirectory() bool {
	return !strings.Contains(r.Where, "://") && (filepath.IsAbs(r.Where) || !scpLike.MatchString(r.Where))
}

// protocol is the only one that git may use: neither a redirect nor a rewritten
// address leads to another.
func (r Repository) protocol() string {
	scheme, _, isURL := strings.Cut(r.Where, "://")
	switch {
	case r.isDirectory():
		return "file"
	case isURL:
		return scheme
	}
	return "ssh"
}

// target is what git is told: directories in full, for git runs elsewhere.
func (r Repository) target() (string, error) {
	if r.isDirectory() {
		return filepath.Abs(r.Where)
	}
	return r.Where, nil
}

// name is what the ledger records.
func (r Repository) name() string {
	if r.isDirectory() {
		if abs, err := filepath.Abs(r.Where); err == nil {
			return abs
		}
		return r.Where
	}
	if strings.Contains(r.Where, "://") {
		return plain(r.Where)
	}
	return r.Where
}

// checkpoint reads what was published there last, and holds the log against it;
// the empty checkpoint if there is none. What the history has for our own size
// must be what we have: somebody may have turned back the newest one alone.
func (g *scratch) checkpoint(ctx context.Context, parent, dir string, l Log) (ledger.Checkpoint, error) {
	var newest ledger.Checkpoint
	if parent == "" {
		return newest, nil
	}
	for i, path := range []string{dir + "/checkpoint", historyPath(dir, l.Content.Size)} {
		where := fmt.Sprintf("%s (%s)", g.repo.name(), path)
		msg, isThere, err := g.file(ctx, parent, path)
		if err != nil {
			return newest, fmt.Errorf("%s: %w", where, err)
		}
		if !isThere {
			continue
		}
		old, err := l.ContinuesNote(msg, where)
		if err != nil {
			return newest, err
		}
		if i == 0 {
			newest = old
		}
	}
	return newest, nil
}

// commit makes a commit that adds the two files, on top of parent.
func (g *scratch) commit(ctx context.Context, parent, dir string, l Log, now time.Time) (string, error) {
	blob, err := g.run(ctx, l.Note, "hash-object", "-w", "--stdin", "--no-filters")
	if err != nil {
		return "", err
	}
	if parent == "" {
		_, err = g.run(ctx, nil, "read-tree", "--empty")
	} else {
		_, err = g.run(ctx, nil, "read-tree", parent)
	}
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(blob))
	size := strconv.FormatInt(l.Content.Size, 10)
	for _, path := range []string{dir + "/checkpoint", historyPath(dir, l.Content.Size)} {
		if _, err := g.run(ctx, nil, "update-index", "--add", "--cacheinfo", "100644,"+id+","+path); err != nil {
			return "", fmt.Errorf("%s: something else is in the place of %s: %w", g.repo.name(), path, err)
		}
	}
	tree, err := g.run(ctx, nil, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", strings.TrimSpace(string(tree)), "-m", "Checkpoint of " + size + " entries of " + l.Content.Origin}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	g.date = now
	commit, err := g.run(ctx, nil, args...)
	return strings.TrimSpace(string(commit)), err
}
