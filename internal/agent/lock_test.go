package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// lockers gives two that share their locks, of each kind.
func lockers(t *testing.T, url string) map[string][2]Locker {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	session := func() *SessionLocks {
		l := NewSessionLocks(t.Context(), cfg, nil)
		t.Cleanup(l.Close)
		return l
	}
	return map[string][2]Locker{"files": {Locks{Dir: dir}, Locks{Dir: dir}}, "sessions": {session(), session()}}
}

// TestLocks is the contract of a Locker.
func TestLocks(t *testing.T) {
	for name, l := range lockers(t, server.Database(t)) {
		t.Run(name, func(t *testing.T) {
			release, err := l[0].Acquire("github")
			if err != nil {
				t.Fatal(err)
			}
			for i, other := range l {
				if _, err := other.Acquire("github"); !errors.Is(err, store.ErrLocked) {
					t.Errorf("taken by the first, asked by %d: %v", i, err)
				}
			}
			if again, err := l[1].Acquire("jira"); err != nil {
				t.Errorf("another name: %v", err)
			} else {
				again()
			}
			release()
			release() // twice does no harm
			release, err = l[1].Acquire("github")
			if err != nil {
				t.Fatalf("given back and not free: %v", err)
			}
			release()
		})
	}
}

// TestLocksExclude lets many ask for one lock at the same time.
func TestLocksExclude(t *testing.T) {
	for name, l := range lockers(t, server.Database(t)) {
		t.Run(name, func(t *testing.T) {
			var inside, got atomic.Int32
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					for range 20 {
						release, err := l[i%2].Acquire("github")
						if errors.Is(err, store.ErrLocked) {
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						if n := inside.Add(1); n != 1 {
							t.Errorf("%d hold the lock", n)
						}
						got.Add(1)
						time.Sleep(time.Millisecond)
						inside.Add(-1)
						release()
					}
				})
			}
			wg.Wait()
			if got.Load() == 0 {
				t.Error("nobody got the lock")
			}
		})
	}
}

// TestLostLock holds that who works under a lock is told at once when the server
// ends, can take locks again when it is back, and that what is left of the lost
// lock does no harm to the new one.
func TestLostLock(t *testing.T) {
	l := lockers(t, server.Database(t))["sessions"]
	held, release, err := Hold(t.Context(), l[0], "github")
	if err != nil {
		t.Fatal(err)
	}
	server.Crash(t, syscall.SIGQUIT, 0)
	select {
	case <-held.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the loss of the lock was not told")
	}
	if !errors.Is(context.Cause(held), ErrLockLost) {
		t.Errorf("the context ended for %v", context.Cause(held))
	}
	again, err := l[0].Acquire("github")
	if err != nil {
		t.Fatalf("after the loss: %v", err)
	}
	release()
	if _, err := l[1].Acquire("github"); !errors.Is(err, store.ErrLocked) {
		t.Errorf("the lost lock took the new one along: %v", err)
	}
	again()
}

// TestCutOffHolderStopsFirst cuts the network between a holder and the server,
// without a word to either: the holder stops by itself.
func TestCutOffHolderStopsFirst(t *testing.T) {
	url := server.Database(t)
	p := newProxy(t, server.Dir())
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Host = p.dir
	cfg.Fallbacks = nil
	l := NewSessionLocks(t.Context(), cfg, nil)
	defer l.Close()
	held, _, err := Hold(t.Context(), l, "github")
	if err != nil {
		t.Fatal(err)
	}
	p.cut()
	select {
	case <-held.Done():
	case <-time.After(lockPing + lockPatience + 2*time.Second):
		t.Fatal("who is cut off goes on")
	}
	if _, err := l.Acquire("github"); err == nil {
		t.Error("a lock was given without a server")
	}
	p.mend()
	var release func()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		// The server still waits for the old connection: through this proxy nothing tells it that it ended.
		if release, err = l.Acquire("jira"); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after the network was mended: %v", err)
		}
	}
	release()
}

func ExampleHold() {
	ctx, release, err := Hold(context.Background(), Locks{Dir: "exhibit.db.locks"}, "github")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer release()
	_ = ctx // what is read with it ends when the lock is lost
}
