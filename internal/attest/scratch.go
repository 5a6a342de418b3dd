package attest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// gitTimeout bounds one command of git; those that reach another machine are
// the long ones.
const gitTimeout = 2 * time.Minute

// ErrNoGit: git is not installed.
var ErrNoGit = errors.New("git is not installed here")

// scratch is an empty bare repository of our own, in which a commit is made from
// what was fetched and from which it is pushed. No work tree is ever checked
// out, and no hook runs on this side; what the other repository accepts is for
// its own hooks to say.
type scratch struct {
	repo   Repository
	target string
	dir    string
	date   time.Time
}

func openScratch(ctx context.Context, r Repository) (*scratch, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("%w: install the package git: %w", ErrNoGit, err)
	}
	target, err := r.target()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "exhibit-git-*")
	if err != nil {
		return nil, err
	}
	g := &scratch{repo: r, target: target, dir: dir}
	if _, err := g.run(ctx, nil, "init", "--quiet", "--bare", "--template=", dir); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *scratch) close() { os.RemoveAll(g.dir) }

var objectID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// fetch gets the newest commit of the branch; empty if there is no such branch.
func (g *scratch) fetch(ctx context.Context) (string, error) {
	ref := "refs/heads/" + g.repo.Branch
	out, err := g.run(ctx, nil, "ls-remote", "--", g.target, ref)
	if err != nil {
		return "", err
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return "", nil
	}
	if _, err := g.run(ctx, nil, "fetch", "--quiet", "--no-tags", "--depth=1", "--", g.target, "+"+ref+":refs/exhibit/there"); err != nil {
		return "", err
	}
	out, err = g.run(ctx, nil, "rev-parse", "--verify", "refs/exhibit/there^{commit}")
	id := strings.TrimSpace(string(out))
	if err == nil && !objectID.MatchString(id) {
		return "", fmt.Errorf("git names a commit %.80q", id)
	}
	return id, err
}

// file reads a small regular file of a commit; there says whether it is there.
func (g *scratch) file(ctx context.Context, commit, path string) (content []byte, there bool, err error) {
	out, err := g.run(ctx, nil, "ls-tree", "--full-tree", "-l", "-z", commit, "--", path)
	if err != nil || len(out) == 0 {
		return nil, false, err
	}
	// mode type object size<TAB>path<NUL>
	fields := strings.Fields(string(out))
	if len(fields) < 5 || fields[1] != "blob" || fields[0] != "100644" && fields[0] != "100755" || !objectID.MatchString(fields[2]) {
		return nil, true, fmt.Errorf("%w: no regular file", ledger.ErrCheckpoint)
	}
	if size, err := strconv.Atoi(fields[3]); err != nil || size > maxNote {
		return nil, true, fmt.Errorf("%w: %s bytes", ledger.ErrCheckpoint, fields[3])
	}
	content, err = g.run(ctx, nil, "cat-file", "blob", fields[2])
	return content, true, err
}

// push puts the commit on the branch, if nothing came in between.
func (g *scratch) push(ctx context.Context, commit string) error {
	_, err := g.run(ctx, nil, "push", "--quiet", "--no-verify", "--", g.target, commit+":refs/heads/"+g.repo.Branch)
	return err
}

// inherited are the variables that git gets of ours: what it needs to find the
// account's credentials and the network, nothing that points it at other
// repositories.
var inherited = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS",
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	"GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
	"SystemRoot", "USERPROFILE", "APPDATA", "TEMP", "TMP"}

func (g *scratch) environment() []string {
	env := []string{
		"GIT_DIR=" + g.dir, "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=" + g.repo.protocol(), "LC_ALL=C",
		"GIT_AUTHOR_NAME=Exhibit", "GIT_AUTHOR_EMAIL=exhibit@localhost", "GIT_COMMITTER_NAME=Exhibit", "GIT_COMMITTER_EMAIL=exhibit@localhost",
	}
	if !g.date.IsZero() {
		date := g.date.UTC().Format(time.RFC3339)
		env = append(env, "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	}
	ssh := false
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
			ssh = ssh || name == "GIT_SSH" || name == "GIT_SSH_COMMAND"
		}
	}
	if !ssh {
		env = append(env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes") // never waits for a password
	}
	return env
}

// run runs git and returns what it prints, 1 MiB at most.
func (g *scratch) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	what := args[0]
	args = append([]string{"-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "commit.gpgSign=false", "-c", "push.gpgSign=false",
		"-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"}, args...)
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = g.dir, g.environment(), 5*time.Second
	cmd.Stdin = bytes.NewReader(stdin)
	out, errs := &bounded{max: 1 << 20}, &bounded{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: git %s: %w", ErrPeer, what, ctx.Err())
		}
		return nil, fmt.Errorf("%w: git %s: %s", ErrPeer, what, excerpt(errs.kept))
	}
	return out.kept, nil
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept []byte
	max  int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(max(b.max-len(b.kept), 0), len(p))]...)
	return len(p), nil
}
