package assess_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// TestClockGoesOn: what is remembered never outlives what it says: as time goes
// by, a State that was asked before says what one says that is asked for the
// first time.
func TestClockGoesOn(t *testing.T) {
	eng := compiled(t, assess.Options{})
	l := newLedger(3_000)
	asked := eng.NewState()
	l.load(t, eng, asked)
	at := l.end
	for _, later := range []time.Duration{0, time.Nanosecond * 1000, time.Hour, 23 * time.Hour, 24 * time.Hour, 6 * 24 * time.Hour,
		25 * 24 * time.Hour, 60 * 24 * time.Hour, time.Minute, 300 * 24 * time.Hour, 36 * time.Hour} {
		at = at.Add(later)
		fresh := eng.NewState()
		l.load(t, eng, fresh)
		want, err := fresh.At(at, assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := asked.At(at, assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Results, got.Results); diff != "" {
			t.Fatalf("at %s (-fresh +asked before):\n%s", at, diff)
		}
	}
}

// TestRecordsAndClockGoOn: the same while records come in.
func TestRecordsAndClockGoOn(t *testing.T) {
	eng := compiled(t, assess.Options{})
	l := newLedger(3_000)
	asked, fresh := eng.NewState(), eng.NewState()
	asked.ApplyRun(l.run(eng))
	fresh.ApplyRun(l.run(eng))
	n := 0
	for e := range l.all() {
		n++
		if err := asked.Apply(e); err != nil {
			t.Fatal(err)
		}
		if err := fresh.Apply(e); err != nil {
			t.Fatal(err)
		}
		if n == 200 || n == 1500 || n == 2990 {
			if _, err := asked.At(l.end.Add(time.Duration(n)*time.Minute), assess.Checkpoint{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := l.end.Add(50 * time.Hour)
	want, err := fresh.At(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := asked.At(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Results, got.Results); diff != "" {
		t.Fatalf("(-fresh +asked before):\n%s", diff)
	}
}
