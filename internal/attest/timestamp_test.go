package attest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/attest/attesttest"
)

func newAuthority(t testing.TB) (*attesttest.Authority, *x509.CertPool) {
	t.Helper()
	a, err := attesttest.NewAuthority(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return a, rootsFrom(t, a.Roots)
}

func rootsFrom(t testing.TB, path string) *x509.CertPool {
	t.Helper()
	pool, err := attest.ParseRoots(mustRead(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// A checkpoint is stamped by openssl, recorded, read back, and verified here and
// by openssl.
func TestTimestamp(t *testing.T) {
	authority, roots := newAuthority(t)
	b := newBook(t, newKey(t), 3)
	l := b.log()
	ts, info, err := client().Stamp(t.Context(), attest.Authority{URL: serve(t, authority), Roots: roots}, l.Note)
	if err != nil {
		t.Fatal(err)
	}
	if !info.ChainChecked || len(info.Root) != 64 || info.WeakCertID || info.Policy != "1.3.6.1.4.1.99999.1" ||
		!strings.Contains(info.Authority, "Example Time Stamping") || !strings.Contains(info.Issuer, "Example Time Root") ||
		info.Accuracy != time.Second || time.Since(info.Time).Abs() > time.Minute {
		t.Errorf("info: %+v", info)
	}
	all := b.record(l, attest.Attestation{Kind: attest.KindTimestamp, Timestamp: ts})
	if len(all) != 1 || all[0].Checkpoint != l.Content || all[0].Seq != 3 || !bytes.Equal(all[0].Timestamp.Token, ts.Token) || !all[0].Timestamp.Time.Equal(info.Time) {
		t.Fatalf("read back: %+v", all)
	}
	if o := all[0].Verify(attest.Trust{Log: b.pub, Roots: roots}); !o.Holds || o.Unchecked != "" || !o.Time.Equal(info.Time) {
		t.Errorf("with roots: %+v", o)
	}
	if o := all[0].Verify(attest.Trust{Log: b.pub}); !o.Holds || !strings.Contains(o.Unchecked, "chain not checked") {
		t.Errorf("without roots: %+v", o)
	}
	_, others := newAuthority(t)
	if o := all[0].Verify(attest.Trust{Log: b.pub, Roots: others}); o.Holds || !errors.Is(o.Err, attest.ErrNotVerified) {
		t.Errorf("with the roots of another: %+v", o)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"checkpoint": all[0].Note, "token": all[0].Timestamp.Token} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := attesttest.OpenSSL(t.Context(), dir, "ts", "-verify", "-data", "checkpoint", "-in", "token", "-token_in", "-CAfile", authority.Roots)
	if err != nil || !strings.Contains(string(out), "Verification: OK") {
		t.Errorf("openssl: %s %v", out, err)
	}
}

// Only checkpoints of at most the size that is asked for come back.
func TestAttestationsOfASize(t *testing.T) {
	authority, _ := newAuthority(t)
	b := newBook(t, newKey(t), 2)
	url := serve(t, authority)
	for range 2 {
		l := b.log()
		ts, _, err := client().Stamp(t.Context(), attest.Authority{URL: url}, l.Note)
		if err != nil {
			t.Fatal(err)
		}
		b.record(l, attest.Attestation{Kind: attest.KindTimestamp, Timestamp: ts}) // at 2, and at 5
		b.grow(2, "more")
	}
	for size, want := range map[int64]int{1: 0, 2: 1, 4: 1, 5: 2, 100: 2} {
		all, err := attest.Attestations(t.Context(), b.st, size)
		if err != nil || len(all) != want {
			t.Errorf("size %d: %d attestations, want %d (%v)", size, len(all), want, err)
		}
	}
}

// What an authority may answer, and what comes of it.
func TestTimestampRefused(t *testing.T) {
	authority, roots := newAuthority(t)
	l := newBook(t, newKey(t), 3).log()
	var first []byte // an answer to the first request, for replay
	replay := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if first == nil {
			var err error
			if first, err = authority.Reply(r.Context(), body); err != nil {
				t.Error(err)
			}
		}
		_, _ = w.Write(first)
	})
	replayURL := serve(t, replay)
	if _, _, err := client().Stamp(t.Context(), attest.Authority{URL: replayURL}, l.Note); err != nil {
		t.Fatal(err)
	}
	redirect := http.RedirectHandler(serve(t, authority), http.StatusTemporaryRedirect)
	refusal := []byte{0x30, 0x0a, 0x30, 0x08, 0x02, 0x01, 0x02, 0x30, 0x03, 0x0c, 0x01, 0x1b} // rejection, with an escape character as its reason
	for name, tc := range map[string]struct {
		url, want string
		note      []byte
		is        error
	}{
		"another nonce":      {replayURL, "answers another request (nonce)", l.Note, attest.ErrNotVerified},
		"another note":       {replayURL, "other bytes than this checkpoint", []byte("other"), attest.ErrNotVerified},
		"garbage":            {serve(t, answer(200, []byte("<html>maintenance</html>"))), "answer", l.Note, attest.ErrMalformed},
		"nothing":            {serve(t, answer(200, nil)), "answer", l.Note, attest.ErrMalformed},
		"too much":           {serve(t, answer(200, make([]byte, 10<<20))), "more than 262144 bytes", l.Note, attest.ErrPeer},
		"refused":            {serve(t, answer(200, refusal)), "refused with status 2", l.Note, attest.ErrPeer},
		"not there":          {serve(t, answer(404, []byte("no"))), "status 404", l.Note, attest.ErrPeer},
		"a redirect":         {serve(t, redirect), "307, a redirect, is not followed", l.Note, attest.ErrPeer},
		"without encryption": {"http://tsa.example.org/", "not encrypted", l.Note, attest.ErrURL},
		"a password":         {"https://u:topsecret@tsa.example.org/", "password", l.Note, attest.ErrURL},
		"not a URL":          {"tsa.example.org", "not an https URL", l.Note, attest.ErrURL},
		"a file":             {"file:///etc/passwd", "https", l.Note, attest.ErrURL},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := client().Stamp(t.Context(), attest.Authority{URL: tc.url, Roots: roots}, tc.note)
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if err != nil && (strings.Contains(err.Error(), "topsecret") || strings.ContainsRune(err.Error(), 0x1b)) {
				t.Errorf("printed: %q", err)
			}
		})
	}
}

// An authority that is slow, and one whose answer never ends, are given up.
func TestTimestampSlow(t *testing.T) {
	l := newBook(t, newKey(t), 1).log()
	drip := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0x30})
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	var waits []time.Duration
	begun := time.Now()
	_, _, err := attest.Impatient(time.Now, 200*time.Millisecond, &waits).Stamp(t.Context(), attest.Authority{URL: serve(t, drip)}, l.Note)
	if !errors.Is(err, attest.ErrPeer) || time.Since(begun) > 10*time.Second || len(waits) != 0 {
		t.Errorf("%v after %v, waits %v", err, time.Since(begun), waits)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client().Stamp(ctx, attest.Authority{URL: serve(t, drip)}, l.Note); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A time that is far from ours is not recorded, whoever is wrong.
func TestTimestampClock(t *testing.T) {
	authority, roots := newAuthority(t)
	l := newBook(t, newKey(t), 1).log()
	url := serve(t, authority)
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		c := attest.NewClient(func() time.Time { return time.Now().Add(off) }, nil)
		_, _, err := c.Stamp(t.Context(), attest.Authority{URL: url, Roots: roots}, l.Note)
		if !errors.Is(err, attest.ErrNotVerified) || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%v off: %v", off, err)
		}
	}
}

// No bit of a token can be changed without notice.
func TestTokenFlips(t *testing.T) {
	authority, roots := newAuthority(t)
	l := newBook(t, newKey(t), 1).log()
	ts, info, err := client().Stamp(t.Context(), attest.Authority{URL: serve(t, authority), Roots: roots}, l.Note)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(mustRead(t, authority.Roots))
	spare := bytes.Index(ts.Token, block.Bytes) // the root that the token brings along proves nothing, and is not used
	if spare < 0 {
		t.Fatal("the token does not bring the root along")
	}
	held := 0
	for i := range ts.Token {
		if i >= spare && i < spare+len(block.Bytes) {
			continue
		}
		bad := bytes.Clone(ts.Token)
		bad[i] ^= 1 << (i % 8)
		got, err := attest.VerifyTimestamp(bad, l.Note, roots)
		if err != nil {
			continue
		}
		held++
		if !got.Time.Equal(info.Time) || got.Serial != info.Serial || got.Authority != info.Authority || got.Root != info.Root {
			t.Errorf("byte %d: %+v, want %+v", i, got, info)
		}
	}
	// What is not signed (version numbers, the list of digest algorithms) says nothing that is used.
	if held > 16 {
		t.Errorf("%d of %d changes were not noticed", held, len(ts.Token))
	}
	for _, bad := range [][]byte{append(bytes.Clone(ts.Token), 0), ts.Token[:len(ts.Token)-1], nil} {
		if _, err := attest.VerifyTimestamp(bad, l.Note, roots); !errors.Is(err, attest.ErrMalformed) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseRoots(t *testing.T) {
	a, _ := newAuthority(t)
	cert, key := mustRead(t, a.Roots), mustRead(t, filepath.Join(a.Dir, "root.key"))
	for name, b := range map[string][]byte{"nothing": nil, "text": []byte("x"), "a key": key, "a key behind": append(bytes.Clone(cert), key...),
		"broken": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")} {
		if _, err := attest.ParseRoots(b); err == nil || strings.Contains(err.Error(), "PRIVATE KEY-----") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
