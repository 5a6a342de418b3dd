package agent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// testOptions are those of a node that reads one source once.
func testOptions(t *testing.T, db *opsdb.DB) Options {
	return Options{
		DB: db, Locks: Locks{Dir: t.TempDir()}, Schedules: []Scheduled{{Source: "github", Spec: "@yearly"}},
		Concurrency: 2, Tick: 10 * time.Millisecond, Heartbeat: 50 * time.Millisecond, StopTimeout: 10 * time.Second, Logger: nothing,
		Read: func(context.Context, Order) (evidence.Run, error) {
			return evidence.Run{ID: "r1", Status: evidence.RunComplete}, nil
		},
		After: func(context.Context, evidence.Run) error { return nil },
	}
}

func TestRunReadsAndStops(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		order := []string{}
		say := func(s string) { mu.Lock(); defer mu.Unlock(); order = append(order, s) }
		o := testOptions(t, open())
		read := o.Read
		o.Read = func(ctx context.Context, order Order) (evidence.Run, error) {
			say("read " + order.Source)
			return read(ctx, order)
		}
		o.After = func(context.Context, evidence.Run) error {
			say("after")
			stop()
			return nil
		}
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"read github", "after"}, order); diff != "" {
			t.Error(diff)
		}
		s, err := OpenSchedule(t.Context(), open(), nothing)
		if err != nil {
			t.Fatal(err)
		}
		if st := statusOf(t, s, "github"); st.Last == nil || st.Last.Run != "r1" || st.Last.Status != "complete" || st.Running != nil || st.Waiting != nil {
			t.Errorf("status %+v", st)
		}
		if nodes, err := s.Nodes(t.Context()); err != nil || len(nodes) != 0 {
			t.Errorf("nodes on the list after the stop: %v, %v", nodes, err)
		}
	})
}

// TestStopGivesRunsTime holds that a run which is under way when the daemon is
// told to stop ends by itself.
func TestStopGivesRunsTime(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx, stop := context.WithCancel(t.Context())
		ended := false
		o := testOptions(t, open())
		o.Read = func(ctx context.Context, _ Order) (evidence.Run, error) {
			stop()
			select {
			case <-time.After(300 * time.Millisecond):
				ended = true
			case <-ctx.Done():
			}
			return evidence.Run{ID: "r", Status: evidence.RunComplete}, nil
		}
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		if !ended {
			t.Error("the run was cut off although there was time")
		}
	})
}

// TestCutOffRunIsMadeAgain holds that a run which does not end in time is cut
// off, and made again by the next start; and that After follows, also if it
// failed at first.
func TestCutOffRunIsMadeAgain(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx, stop := context.WithCancel(t.Context())
		o := testOptions(t, open())
		o.StopTimeout = 50 * time.Millisecond
		o.Read = func(ctx context.Context, _ Order) (evidence.Run, error) {
			stop()
			<-ctx.Done()
			return evidence.Run{ID: "cut", Status: evidence.RunFailed, Error: "stopped"}, nil
		}
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		db := open()
		s, err := OpenSchedule(t.Context(), db, nothing)
		if err != nil {
			t.Fatal(err)
		}
		if st := statusOf(t, s, "github"); st.Last == nil || st.Last.Status != StatusLost || st.Last.Run != "cut" || st.Waiting == nil {
			t.Fatalf("status %+v, last %+v", st, st.Last)
		}
		ctx, stop = context.WithCancel(t.Context())
		reads, afters := 0, 0
		o = testOptions(t, db)
		o.Read = func(context.Context, Order) (evidence.Run, error) {
			reads++
			return evidence.Run{ID: "whole", Status: evidence.RunComplete}, nil
		}
		o.After = func(_ context.Context, run evidence.Run) error {
			afters++
			if afters == 1 {
				mustExec(t, db, `UPDATE river_job SET max_attempts = 25`)
				return errors.New("the assessment failed")
			}
			stop()
			return nil
		}
		go func() { // the wait until the next attempt is made short
			for ctx.Err() == nil {
				_, _ = db.ExecContext(ctx, `UPDATE river_job SET state = 'available', scheduled_at = created_at WHERE state IN ('retryable', 'scheduled')`)
				time.Sleep(50 * time.Millisecond)
			}
		}()
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		if reads != 1 || afters != 2 {
			t.Errorf("read %d times, followed %d times, want 1 and 2", reads, afters)
		}
	})
}

// TestAskedWhileRunning: a run that is asked for while one is under way begins
// after it was asked for, in whatever moment of the other one that was.
func TestAskedWhileRunning(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx, stop := context.WithCancel(t.Context())
		s, err := OpenSchedule(t.Context(), open(), nothing)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(by string, wantWaiting bool) {
			t.Helper()
			if waiting, err := s.RunNow(t.Context(), "github", by); err != nil || waiting != wantWaiting {
				t.Errorf("%s asked: waiting %v, %v; want %v", by, waiting, err, wantWaiting)
			}
		}
		o := testOptions(t, open())
		var reads []string
		o.Read = func(_ context.Context, order Order) (evidence.Run, error) {
			reads = append(reads, order.AskedBy)
			if order.AskedBy == "" {
				ask("ann", false)
				ask("bob", true)
				if st := statusOf(t, s, "github"); st.Running == nil || st.Waiting == nil || st.Waiting.AskedBy != "ann" {
					t.Errorf("under way: %+v", st)
				}
			}
			return evidence.Run{ID: "by " + order.AskedBy, Status: evidence.RunComplete}, nil
		}
		o.After = func(_ context.Context, run evidence.Run) error {
			switch run.ID {
			case "by ann": // its run has ended, the job has not
				ask("eve", false)
			case "by eve":
				stop()
			}
			return nil
		}
		if err := Run(ctx, o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"", "ann", "eve"}, reads); diff != "" {
			t.Error(diff)
		}
		if st := statusOf(t, s, "github"); st.Waiting != nil {
			t.Errorf("after the last: %+v", st.Waiting)
		}
	})
}
