//go:build peers && unix

package attest_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the witness's database

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/peertest"
)

// litewitnessName is the witness that .ci/peers installs.
const litewitnessName = "litewitness v0.9.0"

func command(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// agentWithKey runs an ssh-agent that holds a new key: its socket, and the key's
// fingerprint.
func agentWithKey(t *testing.T, dir string) (socket, fingerprint string) {
	t.Helper()
	short, err := os.MkdirTemp("", "a") // the path of a socket has about a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	socket = filepath.Join(short, "s")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), peertest.Which(t, "ssh-agent"), "-D", "-a", socket)
	cmd.SysProcAttr = peertest.DieWithParent()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	key := filepath.Join(dir, "key")
	command(t, dir, nil, peertest.Which(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key)
	for range 100 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	command(t, dir, []string{"SSH_AUTH_SOCK=" + socket}, peertest.Which(t, "ssh-add"), key)
	return socket, strings.Fields(command(t, dir, nil, "ssh-keygen", "-l", "-f", key+".pub"))[1]
}

// followLog has the witness whose database db is follow a log, from the empty tree on,
// as its operator does with witnessctl (which needs a module that not every proxy serves).
func followLog(t *testing.T, db, origin, key string) {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+db+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	_, err1 := d.ExecContext(t.Context(), "INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", origin,
		base64.StdEncoding.EncodeToString(empty[:]))
	_, err2 := d.ExecContext(t.Context(), "INSERT INTO key (origin, key) VALUES (?, ?)", origin, key)
	if err := errors.Join(err1, err2, d.Close()); err != nil {
		t.Fatal(err)
	}
}

var publishedKey = regexp.MustCompile(`witness\.example/peer\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`)

// A witness that others wrote follows a ledger of ours, and refuses one that was
// rewritten or got shorter.
func TestCosignAgainstLitewitness(t *testing.T) {
	key := newKey(t)
	b := newBook(t, key, 5)
	dir := t.TempDir()
	db := filepath.Join(dir, "witness.db")
	socket, fingerprint := agentWithKey(t, dir)
	url := peertest.Start(t, litewitnessName, "/", func(port string) []string {
		return []string{peertest.Path(t, "litewitness"), "-name", "witness.example/peer", "-db", db, "-ssh-agent", socket,
			"-key", fingerprint, "-listen", "127.0.0.1:" + port}
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	vkey, err := attest.ParseWitnessKey(publishedKey.FindString(html.UnescapeString(string(page))))
	if err != nil {
		t.Fatalf("%v in %s", err, page)
	}
	w := attest.Witness{URL: url, Key: vkey}
	if _, err := client().Cosign(t.Context(), w, b.log(), 0); !errors.Is(err, attest.ErrPeer) || !strings.Contains(err.Error(), "does not know the log") {
		t.Errorf("before its operator knew us: %v", err)
	}
	followLog(t, db, key.Origin(), key.Public())
	for _, known := range []int64{0, 5, 0, 3} { // the last two are out of date: it answers 409
		l := b.log()
		c, err := client().Cosign(t.Context(), w, l, known)
		if err != nil {
			t.Fatalf("known %d of %d: %v", known, l.Content.Size, err)
		}
		at := attest.Attestation{Kind: attest.KindCosignature, Note: l.Note, Cosignature: c}
		if o := at.Verify(attest.Trust{Log: b.pub, Witnesses: map[string]bool{vkey.String(): true}}); !o.Holds || o.Unchecked != "" {
			t.Errorf("%+v", o)
		}
		b.grow(7, "more")
	}
	if _, err := client().Cosign(t.Context(), w, newBook(t, key, 9).log(), 0); !errors.Is(err, ledger.ErrRollback) {
		t.Errorf("a ledger that got shorter: %v", err)
	}
	forked := newBook(t, key, 0)
	forked.grow(60, "rewritten")
	if _, err := client().Cosign(t.Context(), w, forked.log(), 0); !errors.Is(err, ledger.ErrFork) {
		t.Errorf("a ledger that was rewritten: %v", err)
	}
}
