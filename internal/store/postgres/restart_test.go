package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// rounds is how often something is killed: a few times, or as often as the
// environment says.
func rounds(t *testing.T, few int) int {
	t.Helper()
	if v := os.Getenv("EXHIBIT_FAULT_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			t.Fatalf("EXHIBIT_FAULT_ROUNDS=%q: want a number", v)
		}
		return n
	}
	return few
}

// TestServerKilled kills the server, all of its processes, while a store that
// stays open appends: each append is durable or reports an error, the store
// reconnects by itself, and the ledger verifies.
func TestServerKilled(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := openURL(t, url, key, 0)
	defer s.Close()
	open := evidence.Run{ID: "run", StartedAt: time.Now(), Provenance: evidence.Provenance{Source: "a"}}
	if _, err := s.Append(t.Context(), store.Batch{Open: &open}); err != nil {
		t.Fatal(err)
	}
	acknowledged, failed := map[string]bool{}, 0
	n := 0
	for round := range rounds(t, 3) {
		crashed := make(chan struct{})
		go func() {
			defer close(crashed)
			time.Sleep(time.Duration(20+rand.IntN(300)) * time.Millisecond)
			server.Crash(t, syscall.SIGKILL, time.Duration(rand.IntN(200))*time.Millisecond)
		}()
		for down := false; !down; n++ {
			recs := []evidence.Record{}
			var keys []string
			for i := range 1 + rand.IntN(40) {
				key := fmt.Sprintf("%d/%d", n, i)
				keys = append(keys, key)
				recs = append(recs, evidence.Record{Kind: "k", Key: key, Subject: evidence.Subject{Type: "t", ID: key}, CollectedAt: time.Now(),
					Payload: json.RawMessage(fmt.Sprintf(`{"n":"%x"}`, rand.Uint64()))})
			}
			if _, err := s.Append(t.Context(), store.Batch{Run: "run", Records: recs}); err != nil {
				down = true
				failed++
				continue
			}
			for _, key := range keys {
				acknowledged[key] = true
			}
		}
		<-crashed
		// No new Open: the store finds the server again.
		var err error
		for range 50 {
			if _, err = s.Append(t.Context(), store.Batch{Run: "run", State: []store.StateChange{{Cursor: true, Key: "round", Value: json.RawMessage(strconv.Quote(fmt.Sprint(round)))}}}); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("round %d: the store did not find the server again: %v", round, err)
		}
	}
	if failed == 0 || len(acknowledged) == 0 {
		t.Fatalf("%d appends failed and %d records were acknowledged: the test shows nothing", failed, len(acknowledged))
	}
	storetest.CheckAcknowledged(t, s, acknowledged)
	got := storetest.VerifyStore(t, s, key)
	t.Logf("%d kills: %d appends failed, %d records acknowledged, %d in the ledger of %d entries, none lost", failed, failed, len(acknowledged), got.Evidence, got.Entries)
}

// TestCommitFails: an append whose last step fails is not acknowledged. Kills
// at times of chance come there only rarely.
func TestCommitFails(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := openURL(t, url, key, 0)
	defer s.Close()
	storetest.Fill(t, s)
	before := storetest.Dump(t, s)
	statement(t, url, `CREATE FUNCTION exhibit.fails() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''torn''; END'`)
	statement(t, url, `CREATE CONSTRAINT TRIGGER fails AFTER INSERT OR UPDATE ON exhibit.checkpoint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exhibit.fails()`)
	run := evidence.Run{ID: "torn", StartedAt: time.Now(), Provenance: evidence.Provenance{Source: "a"}}
	if _, err := s.Append(t.Context(), store.Batch{Open: &run}); err == nil {
		t.Error("an append was acknowledged that the server did not commit")
	}
	statement(t, url, "DROP FUNCTION exhibit.fails() CASCADE") // verification would find it, and the trigger
	if after := storetest.Dump(t, s); after.Root != before.Root {
		t.Error("an append that failed left something in the ledger")
	}
	if _, err := s.Append(t.Context(), store.Batch{Open: &run}); err != nil {
		t.Errorf("after the fault: %v", err)
	}
	storetest.VerifyStore(t, s, key)
}

// TestFleet lets four processes append to one ledger, of which some are killed.
func TestFleet(t *testing.T) {
	url := server.Database(t)
	path := filepath.Join(t.TempDir(), "key")
	key, err := ledger.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := openURL(t, url, key, 0).Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var wg sync.WaitGroup
	for node := range 4 {
		wg.Go(func() {
			for round := range rounds(t, 2) {
				run := fmt.Sprintf("node-%d-%d", node, round)
				cmd := exec.CommandContext(t.Context(), self)
				cmd.Env = append(os.Environ(), urlVar+"="+url, keyVar+"="+path, runVar+"="+run)
				storetest.Killed(t, cmd, time.Duration(100+rand.IntN(500))*time.Millisecond, func(key string) {
					mu.Lock()
					defer mu.Unlock()
					acknowledged[key] = true
				})
			}
		})
	}
	wg.Wait()
	s := openURL(t, url, key, 0)
	defer s.Close()
	storetest.CheckAcknowledged(t, s, acknowledged)
	got := storetest.VerifyStore(t, s, key)
	nodes := map[string]int{}
	for k := range acknowledged {
		nodes[k[:6]]++
	}
	if len(nodes) != 4 {
		t.Errorf("only %v acknowledged anything", nodes)
	}
	t.Logf("four processes, %v records acknowledged, one ledger of %d entries", nodes, got.Entries)
}

// TestWait has many writers queue for a ledger that one of them holds for a
// while: all wait for their turn, none fails.
func TestWait(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 8)
	for i := range cap(errs) {
		s := openURL(t, url, key, 0)
		defer s.Close()
		go func() {
			run := evidence.Run{ID: fmt.Sprint(i), StartedAt: time.Now(), Provenance: evidence.Provenance{Source: "a"}}
			_, err := s.Append(context.WithoutCancel(t.Context()), store.Batch{Open: &run, Close: &store.RunClose{
				Run:  evidence.Run{ID: run.ID, FinishedAt: time.Now(), Status: evidence.RunComplete, Kinds: map[string]evidence.KindRead{"k": {Coverage: "complete", Enumerated: true}}},
				Seen: func(string, string, string) bool { return true }}})
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestOlder opens a schema that an older program made.
func TestOlder(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := openURL(t, url, key, 0)
	storetest.Fill(t, s)
	before := storetest.Dump(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	statement(t, url, "DROP TABLE exhibit.zones, exhibit.evidence_counts; DELETE FROM exhibit.schema_version WHERE version > 1")
	for _, o := range []postgres.Options{{ReadOnly: true}, {Signer: key.Signer(), Create: true}} {
		if _, err := postgres.Open(t.Context(), url, o); !errors.Is(err, store.ErrOlder) {
			t.Errorf("%+v: %v, want ErrOlder", o, err)
		}
	}
	old, err := postgres.Open(t.Context(), url, postgres.Options{ReadOnly: true, Older: true})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	storetest.Backup(t, old, verifier)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	up, err := postgres.Open(t.Context(), url, postgres.Options{Signer: key.Signer(), Upgrade: true})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	storetest.VerifyStore(t, up, key)
	if storetest.Dump(t, up).Root != before.Root {
		t.Error("the upgrade changed the ledger")
	}
}

func statement(t *testing.T, url, text string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
