package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Locked holds the write transaction of one store open and writes to another
// on the same data, which gives up after its timeout (100 ms) with ErrLocked;
// reading goes on, and so does writing afterwards.
func Locked(t *testing.T, holder, other store.Store) {
	if _, err := holder.Append(t.Context(), store.Batch{Open: open("r", "a"), Records: []evidence.Record{record("k", "x", "", "x")}}); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c := closing("r", evidence.RunComplete, map[string]evidence.KindRead{"k": whole})
	c.Seen = func(string, string, string) bool {
		once.Do(func() { close(held) })
		<-release
		return true
	}
	done := make(chan error, 1)
	go func() {
		_, err := holder.Append(t.Context(), store.Batch{Close: c})
		done <- err
	}()
	<-held
	start := time.Now()
	entry := store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, Body: []byte(`{}`)}}}
	if _, err := other.Append(t.Context(), entry); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Append beside a writer: %v, want ErrLocked", err)
	}
	if took := time.Since(start); took < 80*time.Millisecond || took > 5*time.Second {
		t.Errorf("gave up after %s, want about 100 ms", took)
	}
	if got := collect(t, other.Evidence(t.Context(), store.EvidenceQuery{})); len(got) != 1 {
		t.Errorf("a reader beside the writer saw %d records, want 1", len(got))
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := other.Append(t.Context(), entry); err != nil {
		t.Errorf("Append after the writer: %v", err)
	}
}

// Concurrent appends from several stores on the same data at once: one log
// comes out, with every batch whole and every key once, whoever wrote it.
func Concurrent(t *testing.T, key *ledger.Key, stores ...store.Store) {
	const batches = 25
	if _, err := stores[0].Append(t.Context(), store.Batch{Open: open("r", "a")}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	spans := map[int64]int64{}
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for b := range batches {
				var recs []evidence.Record
				for n := range 10 {
					recs = append(recs, record("k", fmt.Sprintf("%d/%d/%d", i, b, n), fmt.Sprint("g", b), "x"))
					// What all write too: one of them is first, the others find it unchanged.
					recs = append(recs, record("shared", fmt.Sprintf("%d/%d", b, n), "", "y"))
				}
				r, err := s.Append(t.Context(), store.Batch{Run: "r", Records: recs})
				if err != nil {
					t.Errorf("store %d, batch %d: %v", i, b, err)
					return
				}
				mu.Lock()
				spans[r.First] = r.Next
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	at := int64(1)
	for range spans {
		at = spans[at]
	}
	want := int64(1 + batches*10*len(stores) + batches*10)
	if at != want {
		t.Errorf("receipts do not join up: they end at %d, want %d", at, want)
	}
	if got := VerifyStore(t, stores[len(stores)-1], key); got.Entries != want {
		t.Errorf("%d entries, want %d", got.Entries, want)
	}
}
