package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// What the test binary does when it is its own child.
const (
	urlVar = "EXHIBIT_TEST_APPEND_URL"
	keyVar = "EXHIBIT_TEST_KEY"
	runVar = "EXHIBIT_TEST_RUN"
)

func appendInChild(ctx context.Context) int {
	key, err := ledger.LoadKey(os.Getenv(keyVar))
	if err == nil {
		var s store.Store
		if s, err = postgres.Open(ctx, os.Getenv(urlVar), postgres.Options{Signer: key.Signer(), Create: true}); err == nil {
			err = storetest.AppendForever(ctx, s, os.Getenv(runVar), os.Stdout)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 2
}

func TestAttack(t *testing.T) { storetest.Attack(t, open) }

// TestKill kills a writer at random moments.
func TestKill(t *testing.T) {
	url := server.Database(t)
	path := filepath.Join(t.TempDir(), "key")
	key, err := ledger.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	storetest.Crash(t, 5, func(run string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), urlVar+"="+url, keyVar+"="+path, runVar+"="+run)
		return cmd
	}, func() (store.Store, *ledger.Key) { return openURL(t, url, key, 0), key })
}

func openURL(t *testing.T, url string, key *ledger.Key, timeout time.Duration) store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{Signer: key.Signer(), Create: true, LockTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLocked(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	first, second := openURL(t, url, key, 0), openURL(t, url, key, 100*time.Millisecond)
	defer first.Close()
	defer second.Close()
	storetest.Locked(t, first, second)
}

func TestConcurrent(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	var stores []store.Store
	for range 3 {
		s := openURL(t, url, key, 0)
		defer s.Close()
		stores = append(stores, s)
	}
	storetest.Concurrent(t, key, stores...)
}

func TestOpen(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []postgres.Options{{}, {ReadOnly: true}, {ReadOnly: true, Create: true}} {
		if _, err := postgres.Open(t.Context(), url, o); !errors.Is(err, store.ErrNoStore) {
			t.Errorf("empty database, %+v: %v, want ErrNoStore", o, err)
		}
	}
	s := openURL(t, url, key, 0)
	storetest.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ro, err := postgres.Open(t.Context(), url, postgres.Options{ReadOnly: true, Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.VerifyStore(t, ro, key)
	if _, err := ro.Append(t.Context(), store.Batch{}); err == nil {
		t.Error("a store opened for reading was written")
	}
	if err := ro.Close(); err != nil {
		t.Error(err)
	}
	const secret = "hunter2-very-secret"
	for _, bad := range []string{
		"postgres://me:" + secret + "@127.0.0.1:1/x?connect_timeout=1", "postgres://me:" + secret + "@[bad/x",
		"postgres://me:" + secret + "@127.0.0.1:port/x", "host=127.0.0.1 port=1 user=me connect_timeout=1 password='" + secret,
	} {
		_, err := postgres.Open(t.Context(), bad, postgres.Options{})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Open: %v, want an error without the password", err)
		}
	}
}

// TestNewer opens a schema that a newer program made.
func TestNewer(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := openURL(t, url, key, 0).Close(); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), "INSERT INTO exhibit.schema_version VALUES (99)"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), url, postgres.Options{Signer: key.Signer(), Create: true}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("Open: %v, want ErrNewer", err)
	}
}
