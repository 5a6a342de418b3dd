package storetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// AppendForever is what the child of Crash does: it appends batches of one to
// thirty records in a run of the given name, and after each prints to out the
// keys that Append acknowledged and the ledger's size. It returns the error
// that stops it.
func AppendForever(ctx context.Context, s store.Store, run string, out io.Writer) error {
	if _, err := s.Append(ctx, store.Batch{Open: open(run, "a")}); err != nil {
		return err
	}
	for n := 0; ; {
		var recs []evidence.Record
		var keys []string
		for range 1 + rand.IntN(30) {
			n++
			key := fmt.Sprintf("%s/%d", run, n)
			rec := record("k", key, fmt.Sprintf("%s g%d", run, n%5), strings.Repeat(fmt.Sprintf("%x ", rand.Uint64()), 1+rand.IntN(40)))
			recs, keys = append(recs, rec), append(keys, key)
		}
		r, err := s.Append(ctx, store.Batch{Run: run, Records: recs, State: []store.StateChange{
			{Cursor: true, Key: run, Value: json.RawMessage(fmt.Sprintf(`"%d"`, n))},
		}})
		if err != nil {
			return err
		}
		// One write, so that a kill leaves whole lines or none.
		if _, err := fmt.Fprintf(out, "%d %s\n", r.Next, strings.Join(keys, " ")); err != nil {
			return err
		}
	}
}

// Crash starts a child that runs AppendForever, kills it at a random moment,
// and looks at the store: all that was acknowledged is there, once, with the
// cursor that belongs to it, and the store verifies. It does so several times
// on one store. child gives the command; look opens the store.
func Crash(t *testing.T, rounds int, child func(run string) *exec.Cmd, look func() (store.Store, *ledger.Key)) {
	acknowledged := map[string]bool{}
	cursor := map[string]string{}
	for round := range rounds {
		run := fmt.Sprintf("round-%d", round)
		size := killed(t, child(run), time.Duration(20+rand.IntN(400))*time.Millisecond, func(key string) {
			acknowledged[key] = true
			cursor[run] = key[strings.LastIndexByte(key, '/')+1:]
		})
		s, key := look()
		CheckAcknowledged(t, s, acknowledged)
		if got := VerifyStore(t, s, key).Entries; got < size {
			t.Errorf("round %d: %d entries, %d were acknowledged", round, got, size)
		}
		st, err := s.State(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for run, n := range cursor {
			var have, want int
			if _, err := fmt.Sscan(st.Cursors[run]+" "+n, &have, &want); err != nil || have < want {
				t.Errorf("round %d: cursor of %s is %q, %s was acknowledged (%v)", round, run, st.Cursors[run], n, err)
			}
		}
		// The next writer goes on where this one was torn away.
		if _, err := s.Append(t.Context(), store.Batch{Open: open("after "+run, "a"), Records: []evidence.Record{record("k", "after "+run, "", "x")}}); err != nil {
			t.Errorf("round %d: append after the crash: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("no child ever acknowledged anything: the test shows nothing")
	}
}

// CheckAcknowledged fails the test unless each key is there exactly once.
func CheckAcknowledged(t *testing.T, s store.Store, keys map[string]bool) {
	t.Helper()
	found := map[string]int{}
	for _, ev := range collect(t, s.Evidence(t.Context(), store.EvidenceQuery{Payloads: true})) {
		found[ev.Key]++
		if len(ev.Payload) != ev.PayloadSize {
			t.Errorf("%s: payload of %d bytes, want %d", ev.Key, len(ev.Payload), ev.PayloadSize)
		}
	}
	for key := range keys {
		if found[key] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", key, found[key])
		}
	}
}

// Killed runs a child of AppendForever, kills it after a while, and reports the
// keys it acknowledged and the last size. It may be called from any goroutine.
func Killed(t *testing.T, cmd *exec.Cmd, after time.Duration, each func(key string)) (size int64) {
	return killed(t, cmd, after, each)
}

// killed runs a child, kills it after a while, and reports the keys it
// acknowledged and the last size.
func killed(t *testing.T, cmd *exec.Cmd, after time.Duration, each func(key string)) (size int64) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var timer *time.Timer
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if timer == nil { // it has begun: from now on, any moment
			timer = time.AfterFunc(after, func() {
				if err := cmd.Process.Kill(); err != nil {
					t.Errorf("kill: %v", err)
				}
			})
		}
		f := strings.Fields(lines.Text())
		if _, err := fmt.Sscan(f[0], &size); err != nil {
			t.Fatalf("child said %q", lines.Text())
		}
		for _, key := range f[1:] {
			each(key)
		}
	}
	err = cmd.Wait()
	if timer == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("child ended by itself: %v: %s", err, complaint.String())
	}
	return size
}
