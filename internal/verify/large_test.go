package verify_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

// drawn is a ledger whose payloads are drawn when they are asked for: of any
// size, and never in memory together.
type drawn struct {
	*exporttest.Ledger
	size int                     // of a payload, about
	seed map[evidence.Digest]int // of each
}

func payload(seed, size int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	raw := make([]byte, size/2)
	if _, err := rand.NewChaCha8(key).Read(raw); err != nil {
		panic(err)
	}
	return []byte(`{"bytes":"` + hex.EncodeToString(raw) + `"}`)
}

// Payload is part of export.Ledger.
func (d *drawn) Payload(_ context.Context, sum evidence.Digest) ([]byte, error) {
	return payload(d.seed[sum], d.size), nil
}

// Used is part of export.Ledger: nothing is shown in the workbook.
func (d *drawn) Used(context.Context) iter.Seq2[evidence.Evidence, error] {
	return func(func(evidence.Evidence, error) bool) {}
}

// InForce is part of export.Ledger: nor is anything of it.
func (d *drawn) InForce(ctx context.Context, _ ...string) iter.Seq2[evidence.Evidence, error] {
	return d.Used(ctx)
}

// draw makes a snapshot of n payloads of a size.
func draw(t *testing.T, n, size int) (*export.Snapshot, exporttest.Key) {
	t.Helper()
	key := exporttestKey(t)
	d := &drawn{Ledger: exporttest.NewLedger(), size: size, seed: map[evidence.Digest]int{}}
	at := exporttest.AsOf.Add(-time.Hour)
	run := evidence.Run{ID: "one", StartedAt: at, FinishedAt: at, Status: evidence.RunComplete, Provenance: evidence.Provenance{Source: "s", Connector: "c"},
		Kinds: map[string]evidence.KindRead{"jira.issue": {Coverage: "complete", IndependentCount: -1, Seen: int64(n), New: int64(n)}}}
	add := func(e evidence.Entry, err error) {
		if err := d.AppendEntry(e, err); err != nil {
			t.Fatal(err)
		}
	}
	add(evidence.RunOpened(run, at))
	for i := range n {
		p := payload(i, size)
		ev := evidence.Evidence{Run: "one", Kind: "jira.issue", Major: 1, Subject: evidence.Subject{Type: "record", ID: fmt.Sprint(i)}, Key: fmt.Sprint(i),
			Revision: 1, CollectedAt: at, PayloadSum: evidence.Sum(p), PayloadSize: len(p)}
		line, err := evidence.AppendEvidence(nil, at, &ev)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Append(line); err != nil {
			t.Fatal(err)
		}
		d.seed[ev.PayloadSum] = i
	}
	add(evidence.RunClosed(run, at))
	note, cp, err := d.Checkpoint(int64(len(d.Lines)), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return &export.Snapshot{Organisation: "Acme", AsOf: exporttest.AsOf, GeneratedBy: "a", ToolVersion: "0",
		Assessment: &assess.Assessment{AsOf: exporttest.AsOf, Checkpoint: assess.Checkpoint{Size: cp.Size, Root: cp.Root.String()},
			Controls: []assess.Control{}, Results: []*assess.Result{}},
		Runs: []evidence.Run{run}, Checkpoint: note, PublicKey: key.Public, Ledger: d}, key
}

// peak runs f and returns the most memory that was in use meanwhile, above what
// was before, with garbage collected as often as it is for a user.
func peak(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return most.Load() - min(before, most.Load())
}

// A bundle of much is written and verified in little memory: it grows with the
// number of payloads, not with their bytes.
func TestLargePayloads(t *testing.T) {
	const n, size = 2000, 100_000 // 200 MB
	snap, key := draw(t, n, size)
	path := filepath.Join(t.TempDir(), "large.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := time.Now()
	used := peak(func() {
		if _, err := bundle.Write(t.Context(), f, snap, key.Signer, bundle.Options{TempDir: t.TempDir()}); err != nil {
			t.Error(err)
		}
	})
	t.Logf("writing %d MB took %s and %d MB of memory", n*size/1_000_000, time.Since(began), used>>20)
	if used > 96<<20 {
		t.Errorf("writing used %d MB of memory", used>>20)
	}
	began = time.Now()
	used = peak(func() {
		r, err := verify.Path(t.Context(), path, verify.Options{Key: verifier(t, key.Public)})
		if err != nil || !r.OK() {
			t.Errorf("%v, %v", err, r.First)
		}
	})
	t.Logf("verifying took %s and %d MB of memory", time.Since(began), used>>20)
	if used > 48<<20 {
		t.Errorf("verifying used %d MB of memory", used>>20)
	}
}

// More files than a zip archive counts without ZIP64.
func TestManyFiles(t *testing.T) {
	const n = 66_000
	snap, key := draw(t, n, 40)
	path := filepath.Join(t.TempDir(), "many.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := time.Now()
	used := peak(func() {
		if _, err := bundle.Write(t.Context(), f, snap, key.Signer, bundle.Options{TempDir: t.TempDir()}); err != nil {
			t.Error(err)
		}
	})
	t.Logf("writing %d files took %s and %d MB of memory", n, time.Since(began), used>>20)
	end := make([]byte, 22)
	if info, err := f.Stat(); err != nil {
		t.Fatal(err)
	} else if _, err := f.ReadAt(end, info.Size()-22); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if !slices.Equal(end[8:12], []byte{0xff, 0xff, 0xff, 0xff}) {
		t.Errorf("no ZIP64 end record: %x", end)
	}
	began = time.Now()
	used = peak(func() {
		r, err := verify.Path(t.Context(), path, verify.Options{Key: verifier(t, key.Public)})
		if err != nil || !r.OK() {
			t.Errorf("%v, %v", err, r.First)
		}
	})
	t.Logf("verifying took %s and %d MB of memory", time.Since(began), used>>20)
}
