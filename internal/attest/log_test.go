package attest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// book is a ledger that grows, for tests: entries of the type waiver are content.
type book struct {
	t   testing.TB
	st  store.Store
	key *ledger.Key
	pub note.Verifier
}

func newKey(t testing.TB) *ledger.Key {
	t.Helper()
	k, err := ledger.LoadOrCreateKey(filepath.Join(t.TempDir(), "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newBook(t testing.TB, key *ledger.Key, entries int) *book {
	t.Helper()
	pub, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) } // the same entries make the same ledger
	b := &book{t: t, st: memory.New(key.Signer(), clock), key: key, pub: pub}
	b.grow(entries, "entry")
	return b
}

func (b *book) grow(n int, text string) {
	b.t.Helper()
	for i := range n {
		body := json.RawMessage(fmt.Sprintf(`{"n":%d,"text":%q}`, i, text))
		if _, err := b.st.Append(b.t.Context(), store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryWaiver, Body: body}}}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// log is the ledger with all of it as content.
func (b *book) log() attest.Log {
	b.t.Helper()
	msg, err := b.st.Checkpoint(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	cp, err := ledger.UnverifiedCheckpoint(msg)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.logOf(cp)
}

func (b *book) logOf(content ledger.Checkpoint) attest.Log {
	b.t.Helper()
	msg, err := b.st.Checkpoint(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := attest.NewLog(content, msg, b.st, b.key.Signer(), b.pub)
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// at is the ledger as if its content ended at a size.
func (b *book) at(size int64) attest.Log {
	b.t.Helper()
	root, err := tlog.TreeHash(size, b.st)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.logOf(ledger.Checkpoint{Size: size, Root: root})
}

// record appends an attestation and reads all of them back.
func (b *book) record(l attest.Log, a attest.Attestation) []attest.Attestation {
	b.t.Helper()
	a.Note = l.Note
	body, err := a.Body()
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.st.Append(b.t.Context(), store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryAttestation, Body: body}}}); err != nil {
		b.t.Fatal(err)
	}
	all, err := attest.Attestations(b.t.Context(), b.st, 1<<40)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// serve runs a handler and returns its address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// answer is a handler that always answers the same.
func answer(status int, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

func client() *attest.Client { return attest.NewClient(time.Now, nil) }
