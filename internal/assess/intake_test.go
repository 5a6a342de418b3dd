package assess_test

import (
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// changes yields a ledger's evidence, with a key found gone now and then, and
// some of them back later.
func (l ledger) changes(gone bool) iter.Seq2[assess.Change, error] {
	return func(yield func(assess.Change, error) bool) {
		n := 0
		for e := range l.all() {
			if !yield(assess.Change{Evidence: e}, nil) {
				return
			}
			if n++; !gone || n%50 > 0 {
				continue
			}
			g := &evidence.Gone{Run: "run", Kind: e.Kind, Keys: []string{e.Key, "never seen"}, At: l.end.AddDate(0, 0, -1)}
			if !yield(assess.Change{Gone: g}, nil) {
				return
			}
			if n%100 == 0 {
				e.Seq, e.Revision, e.CollectedAt = int64(l.size+n), 2, l.end.Add(-1)
				if !yield(assess.Change{Evidence: e}, nil) {
					return
				}
			}
		}
	}
}

// TestApplyAllIsTheSame: what several cores take in is what one takes in, one
// change after the other.
func TestApplyAllIsTheSame(t *testing.T) {
	eng := compiled(t, assess.Options{})
	l := newLedger(12_000)
	alone, all := eng.NewState(), eng.NewState()
	alone.ApplyRun(l.run(eng))
	for c, err := range l.changes(true) {
		if err == nil && c.Gone != nil {
			err = alone.ApplyGone(*c.Gone)
		} else if err == nil {
			err = alone.Apply(c.Evidence)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	all.ApplyRun(l.run(eng))
	if err := all.ApplyAll(l.changes(true)); err != nil {
		t.Fatal(err)
	}
	if alone.Rows() != all.Rows() {
		t.Errorf("%d rows by several, want %d", all.Rows(), alone.Rows())
	}
	if err := differ(textOf(assessed(t, alone, l.end)), textOf(assessed(t, all, l.end))); err != nil {
		t.Error(err)
	}
}

// TestApplyAllStops: an error, of a record or of what yields them, is given,
// and nobody is left working.
func TestApplyAllStops(t *testing.T) {
	eng := compiled(t, assess.Options{})
	l := newLedger(6_000)
	failed := errors.New("cannot be read")
	before := runtime.NumGoroutine()
	for what, want := range map[string]string{"payload": "ledger position 5000", "source": "cannot be read", "run": "no-such-run"} {
		s := eng.NewState()
		s.ApplyRun(l.run(eng))
		err := s.ApplyAll(func(yield func(assess.Change, error) bool) {
			for c := range l.changes(false) {
				var err error
				if c.Evidence.Seq == 5000 {
					switch what {
					case "payload":
						c.Evidence.Kind, c.Evidence.Payload = "github.pull_request", []byte("[1]")
					case "source":
						err = failed
					case "run":
						c.Gone = &evidence.Gone{Run: "no-such-run", Kind: "github.push"}
					}
				}
				if !yield(c, err) {
					return
				}
			}
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want one with %q", what, err, want)
		}
	}
	now := runtime.NumGoroutine()
	for end := time.Now().Add(10 * time.Second); now > before && time.Now().Before(end); now = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond) // one that has said that it is done may not have ended yet
	}
	if now > before {
		t.Errorf("%d goroutines, %d before", now, before)
	}
}
