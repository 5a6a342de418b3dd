package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// long appends what has trees of many pages.
func long(t *testing.T, s store.Store) {
	t.Helper()
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for n := range 4 {
		id := fmt.Sprintf("long %d", n)
		b := store.Batch{Open: &evidence.Run{ID: id, StartedAt: at, Provenance: evidence.Provenance{
			Agent: "exhibit/1", Source: "long", Connector: "test", ConnectorVersion: "1.0.0", Identity: "somebody", Method: "api", Reliability: "direct_api",
		}}}
		for i := range 1000 {
			key := fmt.Sprintf("%d/%d", n, i)
			b.Records = append(b.Records, evidence.Record{
				Kind: "k", Major: 1, Key: key, Subject: evidence.Subject{Type: "t", ID: key}, CollectedAt: at,
				Payload: fmt.Appendf(nil, `{"digest":"%s"}`, evidence.Sum([]byte(key))),
			})
		}
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// stopping is a database whose verification meets something at its n-th statement.
type stopping struct {
	*database
	meet func(n int64) error
	n    atomic.Int64
}

func (d *stopping) Verify(ctx context.Context, t sqlstore.Tx, byRows func(sqlstore.Tx) store.Raw, fn func(store.Raw) error) error {
	return d.database.Verify(ctx, &stoppingTx{t, d}, byRows, fn)
}

type stoppingTx struct {
	sqlstore.Tx
	d *stopping
}

func (t *stoppingTx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if err := t.d.meet(t.d.n.Add(1)); err != nil {
		return nil, err
	}
	return t.Tx.Query(ctx, query, args...)
}

// Exec does what it should, and is told only afterwards that nobody waits for it.
func (t *stoppingTx) Exec(ctx context.Context, query string, args ...any) error {
	if err := t.Tx.Exec(ctx, query, args...); err != nil {
		return err
	}
	return errors.Join(t.d.meet(t.d.n.Add(1)), ctx.Err())
}

var errMet = errors.New("the disk has a bad sector")

// TestStopped stops verifications at any statement, by an error and by whoever
// waits for them: each ends with just that, and nothing of it stays.
func TestStopped(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(filepath.Join(t.TempDir(), "store.db"), Options{Create: true, LockTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s := sqlstore.New(d, key.Signer(), storetest.Clock())
	storetest.Fill(t, s)
	long(t, s)
	d.readers.SetMaxOpenConns(1) // each time the same
	verify := func(ctx context.Context, meet func(n int64) error) (int64, error) {
		at := &stopping{database: d, meet: meet}
		_, err := store.Verify(ctx, sqlstore.New(at, nil, nil), store.VerifyOptions{Verifier: verifier})
		return at.n.Load(), err
	}
	all, err := verify(t.Context(), func(int64) error { return nil })
	if err != nil || all < 100 {
		t.Fatalf("%d statements: %v", all, err)
	}
	before := runtime.NumGoroutine()
	r := rand.New(rand.NewPCG(3, 9))
	for i := range int64(60) {
		at := 1 + i // those of the beginning, then any
		if i >= 20 {
			at = 1 + r.Int64N(all)
		}
		if _, err := verify(t.Context(), func(n int64) error {
			if n == at {
				return errMet
			}
			return nil
		}); !errors.Is(err, errMet) {
			t.Errorf("an error at statement %d of %d: %v", at, all, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := verify(ctx, func(n int64) error {
			if n == at {
				cancel()
			}
			return nil
		}); at < all && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at statement %d of %d: %v", at, all, err)
		}
		cancel()
		nothingStays(t, d, before)
		if t.Failed() {
			t.Fatalf("stopped at statement %d of %d", at, all)
		}
	}
	if _, err := verify(t.Context(), func(int64) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// nothingStays expects no borrower, no goroutine and no small cache.
func nothingStays(t *testing.T, d *database, before int) {
	t.Helper()
	d.lender.mu.Lock()
	left := len(d.lender.to)
	d.lender.mu.Unlock()
	if left > 0 {
		t.Errorf("%d borrowers stay", left)
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			stacks = stacks[:runtime.Stack(stacks, true)]
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks)
		}
	}
	var cache int64
	if err := d.readers.QueryRowContext(t.Context(), "PRAGMA cache_size").Scan(&cache); err != nil || cache != -readerCache>>10 {
		t.Errorf("a cache of %d: %v", cache, err)
	}
}

// TestVerifyTogether verifies an open store several times at once, while somebody
// appends to it.
func TestVerifyTogether(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Signer: key.Signer(), Create: true, Now: storetest.Clock(), LockTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for range 4 {
				_, err := store.Verify(t.Context(), s, store.VerifyOptions{Verifier: verifier})
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	for i := range 8 {
		_, err := s.Append(t.Context(), store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryRegister, Body: []byte(`{"a":"` + strings.Repeat("7", 1+i*9000) + `"}`)}}})
		if err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := errors.Join(append(errs, s.Close())...); err != nil {
		t.Error(err)
	}
}
