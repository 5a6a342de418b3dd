package attest_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func bare(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "--bare")
	return dir
}

func publish(t testing.TB, where string, l attest.Log, before ...attest.Attestation) (*attest.Publication, error) {
	t.Helper()
	return attest.PublishGit(t.Context(), attest.Repository{Where: where}, l, before, time.Now())
}

// A ledger that grows is published over and over; each checkpoint stays.
func TestPublishGit(t *testing.T) {
	repo := bare(t)
	b := newBook(t, newKey(t), 3)
	var all []attest.Attestation
	for i, grow := range []int{0, 2, 0, 40} {
		b.grow(grow, "more")
		l := b.log()
		p, err := publish(t, repo, l, all...)
		if err != nil {
			t.Fatal(err)
		}
		all = b.record(l, attest.Attestation{Kind: attest.KindPublication, Publication: p})
		if i > 0 && p.Previous != all[i-1].Checkpoint.Size {
			t.Errorf("%d: previous %d", i, p.Previous)
		}
		for _, path := range []string{b.key.Origin() + "/checkpoint", p.Path} {
			if got := git(t, repo, "show", p.Commit+":"+path); got != string(l.Note) {
				t.Errorf("%s: %q, want %q", path, got, l.Note)
			}
		}
		if p.To != attest.ToGit || p.Where != repo || p.Branch != "checkpoints" || p.Ahead != 0 {
			t.Errorf("%+v", p)
		}
	}
	for _, a := range all { // the history keeps each
		if got := git(t, repo, "show", "checkpoints:"+a.Publication.Path); got != string(a.Note) {
			t.Errorf("%s: %q", a.Publication.Path, got)
		}
	}
	// What is there already, and what is ahead of the content, is no new commit.
	head := git(t, repo, "rev-parse", "checkpoints")
	for range 2 {
		if p, err := publish(t, repo, b.log(), all...); err != nil || p.Ahead != 0 {
			t.Fatal(err)
		}
	}
	if p, err := publish(t, repo, b.at(4), all...); err != nil || p.Ahead != b.log().Content.Size {
		t.Errorf("ahead: %+v %v", p, err)
	}
	if n := strings.TrimSpace(git(t, repo, "rev-list", "--count", head[:40]+"..checkpoints")); n != "1" {
		t.Errorf("%s commits, want 1: the checkpoint that grew by a record", n)
	}
}

// What else is in the repository stays.
func TestPublishGitLeavesTheRestAlone(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "ours")
	git(t, dir, "branch", "checkpoints")
	b := newBook(t, newKey(t), 3)
	p, err := publish(t, "file://"+dir, b.log())
	if err != nil {
		t.Fatal(err)
	}
	if got := git(t, dir, "ls-tree", "-r", "--name-only", "checkpoints"); !strings.HasPrefix(got, "README\n") || strings.Count(got, "\n") != 3 {
		t.Errorf("files: %s", got)
	}
	if got := git(t, dir, "status", "--porcelain"); got != "" {
		t.Errorf("the work tree was touched: %s", got)
	}
	if got := git(t, dir, "show", "-s", "--format=%an|%cn|%s", p.Commit); !strings.HasPrefix(got, "Exhibit|Exhibit|Checkpoint of 3 entries of exhibit/") {
		t.Errorf("commit: %s", got)
	}
	// The branch that is checked out is refused by git, and nothing is forced.
	_, err = attest.PublishGit(t.Context(), attest.Repository{Where: dir, Branch: "main"}, b.log(), nil, time.Now())
	if !errors.Is(err, attest.ErrPeer) {
		t.Errorf("checked out: %v", err)
	}
}

// No hook runs on our side, whatever the account's settings say; those of the
// repository decide what it accepts. Settings cannot lead to another protocol.
func TestPublishGitHooksAndSettings(t *testing.T) {
	home, repo := t.TempDir(), bare(t)
	marker := filepath.Join(home, "ran")
	hooks := filepath.Join(home, "hooks")
	if err := os.Mkdir(hooks, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(hooks, "pre-push"), "#!/bin/sh\ntouch "+marker+"\n", 0o700)
	settings := "[core]\n\thooksPath = " + hooks + "\n[commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n"
	write(filepath.Join(home, ".gitconfig"), settings, 0o600)
	t.Setenv("HOME", home)
	t.Setenv("GIT_DIR", home) // as within a hook of another repository
	b := newBook(t, newKey(t), 1)
	if _, err := publish(t, repo, b.log()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a hook of the account was run")
	}
	write(filepath.Join(home, ".gitconfig"), "[url \"ext::touch "+marker+" \"]\n\tinsteadOf = "+repo+"\n", 0o600)
	b.grow(1, "more")
	if _, err := publish(t, repo, b.log()); !errors.Is(err, attest.ErrPeer) {
		t.Errorf("led to another protocol: %v", err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a setting ran a program")
	}
	write(filepath.Join(home, ".gitconfig"), "", 0o600)
	write(filepath.Join(repo, "hooks", "pre-receive"), "#!/bin/sh\necho checkpoints are kept by hand\nexit 1\n", 0o700)
	if _, err := publish(t, repo, b.log()); !errors.Is(err, attest.ErrPeer) {
		t.Errorf("refused by the repository: %v", err)
	}
}

// A repository knows more than a ledger that was rolled back or rewritten.
func TestPublishGitRefusesTamperedLedger(t *testing.T) {
	key, repo := newKey(t), bare(t)
	if _, err := publish(t, repo, newBook(t, key, 9).log()); err != nil {
		t.Fatal(err)
	}
	head := git(t, repo, "rev-parse", "checkpoints")
	_, err := publish(t, repo, newBook(t, key, 5).log())
	if !errors.Is(err, ledger.ErrRollback) || !strings.Contains(err.Error(), "checkpoint of 9 entries, this ledger has 5") {
		t.Errorf("rolled back: %v", err)
	}
	for _, n := range []int{9, 12} {
		forked := newBook(t, key, 0)
		forked.grow(n, "rewritten")
		_, err := publish(t, repo, forked.log())
		if !errors.Is(err, ledger.ErrFork) || !strings.Contains(err.Error(), fmt.Sprintf("checkpoint of 9 entries, this ledger has %d", n)) {
			t.Errorf("rewritten: %v", err)
		}
	}
	if now := git(t, repo, "rev-parse", "checkpoints"); now != head {
		t.Error("something was published all the same")
	}
}

// commit puts a file on the branch checkpoints of a repository.
func commitFile(t testing.TB, repo, path, content string, symlink bool) {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "clone", "-q", repo, "x")
	dir = filepath.Join(dir, "x")
	if exec.CommandContext(t.Context(), "git", "-C", dir, "checkout", "-q", "checkpoints").Run() != nil {
		git(t, dir, "checkout", "-q", "-b", "checkpoints")
	}
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func() error { return os.WriteFile(full, []byte(content), 0o600) }
	if symlink {
		write = func() error { return os.Symlink(content, full) }
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "theirs")
	git(t, dir, "push", "-q", "origin", "checkpoints")
}

// Whoever can write to the repository may put anything there.
func TestPublishGitHostileRepository(t *testing.T) {
	b, other := newBook(t, newKey(t), 5), newBook(t, newKey(t), 5)
	signedByOther, err := note.Sign(&note.Note{Text: b.log().Content.Text()}, other.key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content string
		symlink bool
		is      error
	}{
		"garbage":                   {"garbage", false, ledger.ErrSignature},
		"nothing":                   {"", false, ledger.ErrSignature},
		"another ledger's":          {string(other.log().Note), false, ledger.ErrSignature},
		"ours, signed by another":   {string(signedByOther), false, ledger.ErrSignature},
		"ours, with another number": {strings.Replace(string(b.log().Note), "\n5\n", "\n4\n", 1), false, ledger.ErrSignature},
		"a megabyte":                {strings.Repeat("x", 1<<20), false, ledger.ErrCheckpoint},
		"a symbolic link":           {"/etc/passwd", true, ledger.ErrCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			repo := bare(t)
			commitFile(t, repo, b.key.Origin()+"/checkpoint", tc.content, tc.symlink)
			if _, err := publish(t, repo, b.log()); !errors.Is(err, tc.is) {
				t.Errorf("got %v, want %v", err, tc.is)
			}
		})
	}
	for name, path := range map[string]string{
		"a folder in its place":   b.key.Origin() + "/checkpoint/x",
		"a file where folders go": strings.Split(b.key.Origin(), "/")[0],
	} {
		t.Run(name, func(t *testing.T) {
			repo := bare(t)
			commitFile(t, repo, path, "x", false)
			if _, err := publish(t, repo, b.log()); err == nil {
				t.Error("published")
			}
		})
	}
}

// Somebody turns back the newest checkpoint and leaves a rewritten one in the history.
func TestPublishGitForkInHistory(t *testing.T) {
	key, repo := newKey(t), bare(t)
	first, err := publish(t, repo, newBook(t, key, 3).log())
	if err != nil {
		t.Fatal(err)
	}
	forked := newBook(t, key, 3)
	forked.grow(5, "rewritten")
	if _, err := publish(t, repo, forked.log()); err != nil {
		t.Fatal(err)
	}
	path := key.Origin() + "/checkpoint"
	commitFile(t, repo, path, git(t, repo, "show", first.Commit+":"+path), false)
	b := newBook(t, key, 8)
	if _, err := publish(t, repo, b.log()); !errors.Is(err, ledger.ErrFork) || !strings.Contains(err.Error(), "history/8) has a checkpoint of 8 entries, this ledger has 8") {
		t.Errorf("got %v", err)
	}
}

// The name of a ledger is whatever the key says.
func TestPublishGitHostileOrigin(t *testing.T) {
	repo := bare(t)
	for _, origin := range []string{"../../../../tmp/pwned", "a/.git/hooks", ".git", "/etc/x"} {
		secret, _, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := ledger.LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := publish(t, repo, newBook(t, key, 1).log()); !errors.Is(err, attest.ErrMalformed) || !strings.Contains(err.Error(), "cannot be the name of a folder") {
			t.Errorf("%s: %v", origin, err)
		}
	}
	if refs := git(t, repo, "for-each-ref"); refs != "" {
		t.Errorf("something was published: %s", refs)
	}
}

// A place that lost what was published there is noticed from the ledger.
func TestPublishGitLost(t *testing.T) {
	b, repo := newBook(t, newKey(t), 5), bare(t)
	l := b.log()
	p, err := publish(t, repo, l)
	if err != nil {
		t.Fatal(err)
	}
	all := b.record(l, attest.Attestation{Kind: attest.KindPublication, Publication: p})
	b.grow(1, "more")
	l = b.log()
	next, err := publish(t, repo, l, all...)
	if err != nil {
		t.Fatal(err)
	}
	all = b.record(l, attest.Attestation{Kind: attest.KindPublication, Publication: next})
	git(t, repo, "update-ref", "refs/heads/checkpoints", p.Commit) // an older one is put back
	if _, err := publish(t, repo, b.log(), all...); !errors.Is(err, attest.ErrLost) || !strings.Contains(err.Error(), "5 entries, 7 were published") {
		t.Errorf("put back: %v", err)
	}
	git(t, repo, "update-ref", "-d", "refs/heads/checkpoints")
	if _, err := publish(t, repo, b.log(), all...); !errors.Is(err, attest.ErrLost) || !strings.Contains(err.Error(), "0 entries, 7 were published") {
		t.Errorf("lost: %v", err)
	}
	again, err := attest.PublishGit(t.Context(), attest.Repository{Where: repo, Restart: true}, b.log(), all, time.Now())
	if err != nil || !again.Restart {
		t.Errorf("restarted: %+v %v", again, err)
	}
}

func TestPublishGitAddresses(t *testing.T) {
	l := newBook(t, newKey(t), 1).log()
	for where, want := range map[string]string{
		"":                                  "not the address",
		"--upload-pack=touch /tmp/pwned":    "not the address",
		"ext::sh -c 'touch /tmp/pwned'":     "not the address",
		"fd::17":                            "not the address",
		"git://example.org/x.git":           "is not used",
		"http://example.org/x.git":          "is not used",
		"ftp://example.org/x.git":           "is not used",
		"ssh://-oProxyCommand=touch/x":      "is not used",
		"https:///x.git":                    "is not used",
		"https://u:topsecret@example.org/x": "password",
		"https://topsecret@example.org/x":   "password",
		"ssh://u:topsecret@example.org/x":   "password",
		"x\ny":                              "not the address",
		"/no/such/folder":                   "no repository",
		"no-such-folder":                    "no repository",
	} {
		_, err := publish(t, where, l)
		if !errors.Is(err, attest.ErrURL) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: %v", where, err)
		}
	}
	for _, branch := range []string{"-x", "a..b", "a b", "refs/../x", "x.lock", "a/", "/a", "a:b", "+a", "a\nb"} {
		_, err := attest.PublishGit(t.Context(), attest.Repository{Where: bare(t), Branch: branch}, l, nil, time.Now())
		if !errors.Is(err, attest.ErrURL) {
			t.Errorf("branch %q: %v", branch, err)
		}
	}
	if _, err := publish(t, t.TempDir(), l); !errors.Is(err, attest.ErrPeer) {
		t.Errorf("a folder that is no repository: %v", err)
	}
}

func TestOriginPath(t *testing.T) {
	for _, good := range []string{"exhibit/0011223344556677", "example.org/log", "a", "a/b/c-d_e.f"} {
		if got, err := attest.OriginPath(good); err != nil || got != good {
			t.Errorf("%q: %q %v", good, got, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "../x", "a/../b", "/etc/x", "a//b", "a/", ".git/config", "a/.git", "a/x.git", "a/X.GIT", "x.lock", "a\\b", "a:b",
		"C:/x", "a\x00b", "a\nb", "a b", "é", "-x", "a/-x", "a.", "history", "a/checkpoint", "a*", "~/x", "%2e%2e/x", strings.Repeat("a", 200), strings.Repeat("a/", 9) + "a"} {
		if got, err := attest.OriginPath(bad); !errors.Is(err, attest.ErrMalformed) {
			t.Errorf("%q: %q %v", bad, got, err)
		}
	}
}

// received is a webhook that keeps what it gets.
type received struct {
	bodies  [][]byte
	headers []http.Header
	status  []int // to answer with, then 200
	answer  string
}

func (h *received) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	h.bodies, h.headers = append(h.bodies, b), append(h.headers, r.Header)
	status := 200
	if len(h.status) > 0 {
		status, h.status = h.status[0], h.status[1:]
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, h.answer)
}

func TestPublishWebhook(t *testing.T) {
	b := newBook(t, newKey(t), 5)
	l := b.log()
	hook := &received{status: []int{503, 429}, answer: `{"receipt":"r-1"}`}
	h := attest.Webhook{URL: serve(t, hook) + "/topsecret/path?token=topsecret", Secret: []byte("k")}
	var waits []time.Duration
	p, err := attest.Impatient(func() time.Time { return time.Unix(1700000000, 0) }, time.Minute, &waits).PublishWebhook(t.Context(), h, l, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(hook.bodies) != 3 || len(waits) != 2 || waits[0] != time.Second || waits[1] != 2*time.Second {
		t.Errorf("%d requests, waits %v", len(hook.bodies), waits)
	}
	var got struct {
		Checkpoint, Origin, Root string
		Size                     int64
	}
	if err := json.Unmarshal(hook.bodies[2], &got); err != nil || got.Checkpoint != string(l.Note) || got.Origin != l.Content.Origin || got.Size != 5 || got.Root != l.Content.Root.String() {
		t.Errorf("%+v %v", got, err)
	}
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte("1700000000." + string(hook.bodies[2])))
	if want := "t=1700000000,v1=" + hex.EncodeToString(mac.Sum(nil)); hook.headers[2].Get("Exhibit-Signature") != want {
		t.Errorf("signature %q, want %q", hook.headers[2].Get("Exhibit-Signature"), want)
	}
	if p.Status != 200 || !p.Signed || p.Answer != `{"receipt":"r-1"}` || len(p.Digest) != 64 || strings.Contains(fmt.Sprint(p), "topsecret") {
		t.Errorf("%+v", p)
	}
	all := b.record(l, attest.Attestation{Kind: attest.KindPublication, Publication: p})
	b.grow(2, "more")
	if p, err = client().PublishWebhook(t.Context(), h, b.log(), all); err != nil || p.Previous != 5 {
		t.Errorf("again: %+v %v", p, err)
	}
	other := attest.Webhook{URL: strings.Replace(h.URL, "topsecret/path", "other", 1)}
	if p, err = client().PublishWebhook(t.Context(), other, b.log(), all); err != nil || p.Previous != 0 || p.Signed {
		t.Errorf("another place of the same host: %+v %v", p, err)
	}
}

func TestPublishWebhookRefused(t *testing.T) {
	key := newKey(t)
	b := newBook(t, key, 9)
	hook := &received{}
	h := attest.Webhook{URL: serve(t, hook)}
	p, err := client().PublishWebhook(t.Context(), h, b.log(), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := b.record(b.at(9), attest.Attestation{Kind: attest.KindPublication, Publication: p})
	forked := newBook(t, key, 0)
	forked.grow(12, "rewritten")
	for want, l := range map[error]attest.Log{ledger.ErrRollback: newBook(t, key, 5).log(), ledger.ErrFork: forked.log()} {
		if _, err := client().PublishWebhook(t.Context(), h, l, all); !errors.Is(err, want) || !strings.Contains(err.Error(), "checkpoint of 9 entries") {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if len(hook.bodies) != 1 {
		t.Errorf("%d requests: something was sent all the same", len(hook.bodies))
	}
	var waits []time.Duration
	for name, tc := range map[string]struct {
		h    http.Handler
		want string
		n    int
	}{
		"always busy": {answer(503, []byte("later\x1b")), "status 503", 3},
		"refused":     {answer(400, []byte("no")), "status 400 Bad Request: no", 0},
		"redirected":  {http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound), "is not followed", 0},
		"too much":    {answer(200, make([]byte, 1<<20)), "too large", 0},
	} {
		waits = nil
		_, err := attest.Impatient(time.Now, time.Minute, &waits).PublishWebhook(t.Context(), attest.Webhook{URL: serve(t, tc.h)}, b.log(), nil)
		if !errors.Is(err, attest.ErrPeer) || !strings.Contains(err.Error(), tc.want) || len(waits) != tc.n || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: %v, waited %v", name, err, waits)
		}
	}
	// Nobody there: tried again, and the secret part of the address is not repeated.
	waits = nil
	_, err = attest.Impatient(time.Now, time.Second, &waits).PublishWebhook(t.Context(), attest.Webhook{URL: "http://127.0.0.1:1/topsecret"}, b.log(), nil)
	var u *url.Error
	if !errors.Is(err, attest.ErrPeer) || strings.Contains(err.Error(), "topsecret") || errors.As(err, &u) || len(waits) != 3 {
		t.Errorf("nobody there: %v, waited %v", err, waits)
	}
}
