package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Check is one thing that the agent depends on.
type Check struct {
	Name string
	// Run says how it stands, or why it does not. An error that wraps ErrDegraded
	// is told without making the agent unready.
	Run func(ctx context.Context) (detail string, err error)
}

// ErrDegraded is wrapped by what is not as it should be and keeps nothing from working.
var ErrDegraded = errors.New("degraded")

// States of a check and of a report.
const (
	StateOK       = "ok"
	StateDegraded = "degraded"
	StateFailing  = "failing"
)

// CheckResult is what a check found.
type CheckResult struct {
	Name   string  `json:"name"`
	State  string  `json:"state"`
	Detail string  `json:"detail"`
	Took   float64 `json:"took_seconds"`
}

// Report is what all checks found.
type Report struct {
	State   string        `json:"state"` // the worst of its checks
	At      time.Time     `json:"at"`
	Version string        `json:"version"`
	Checks  []CheckResult `json:"checks"`
}

// Ready reports whether requests may come.
func (r Report) Ready() bool { return r.State != StateFailing }

// Brief is the report without details, for who may not see how the agent is made.
func (r Report) Brief() Report {
	brief := make([]CheckResult, len(r.Checks))
	for i, c := range r.Checks {
		brief[i] = CheckResult{Name: c.Name, State: c.State, Took: c.Took}
	}
	r.Checks = brief
	return r
}

// Health asks checks.
type Health struct {
	Version string
	Checks  []Check
	Timeout time.Duration // of each check; zero: 5 s
	Keep    time.Duration // how long an answer is given again; zero: 1 s
	Clock   func() time.Time
	Mask    func(string) string // takes secrets out of details; nil: nothing is masked

	mu   sync.Mutex
	last Report

	busy sync.Map // of names of checks that have not come back yet
}

// Ask returns what the checks find. They are asked side by side; callers that
// come together, or soon after, get the same answer.
func (h *Health) Ask(ctx context.Context) Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	keep := h.Keep
	if keep == 0 {
		keep = time.Second
	}
	now := h.Clock().UTC()
	if age := now.Sub(h.last.At); !h.last.At.IsZero() && age >= 0 && age < keep {
		return h.last
	}
	// The answer is for those who ask next, too: who asked first may go away.
	ctx = context.WithoutCancel(ctx)
	r := Report{State: StateOK, At: now, Version: h.Version, Checks: make([]CheckResult, len(h.Checks))}
	var all sync.WaitGroup
	for i, c := range h.Checks {
		all.Go(func() { r.Checks[i] = h.ask(ctx, c) })
	}
	all.Wait()
	for _, c := range r.Checks {
		switch {
		case c.State == StateFailing:
			r.State = StateFailing
		case c.State == StateDegraded && r.State == StateOK:
			r.State = StateDegraded
		}
	}
	h.last = r
	return r
}

// ask runs one check. One that does not come back in time fails; it is not
// waited for, nor begun again before it has.
func (h *Health) ask(ctx context.Context, c Check) CheckResult {
	timeout := h.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type answer struct {
		detail string
		err    error
	}
	began, done := time.Now(), make(chan answer, 1)
	if since, busy := h.busy.LoadOrStore(c.Name, began); busy {
		since, _ := since.(time.Time)
		return CheckResult{Name: c.Name, State: StateFailing, Detail: fmt.Sprintf("no answer for %s", began.Sub(since).Round(time.Second))}
	}
	go func() {
		defer h.busy.Delete(c.Name)
		defer func() {
			if p := recover(); p != nil {
				done <- answer{err: fmt.Errorf("the check itself failed: %v", p)}
			}
		}()
		detail, err := c.Run(ctx)
		done <- answer{detail, err}
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		a.err = fmt.Errorf("no answer within %s", timeout)
	}
	out := CheckResult{Name: c.Name, State: StateOK, Detail: a.detail, Took: time.Since(began).Seconds()}
	if a.err != nil {
		out.State, out.Detail = StateFailing, a.err.Error()
		if errors.Is(a.err, ErrDegraded) {
			out.State = StateDegraded
		}
	}
	if h.Mask != nil {
		out.Detail = h.Mask(out.Detail)
	}
	return out
}

// StoreCheck reads the newest checkpoint and verifies it against the key. A
// store without an entry is as it should be.
func StoreCheck(newest func(ctx context.Context) ([]byte, error), empty error, key note.Verifier) Check {
	return Check{"store", func(ctx context.Context) (string, error) {
		msg, err := newest(ctx)
		switch {
		case empty != nil && errors.Is(err, empty):
			return "the ledger has no entry yet", nil
		case err != nil:
			return "", err
		}
		cp, err := ledger.OpenCheckpoint(msg, key)
		if err != nil {
			return "", fmt.Errorf("the newest checkpoint does not verify: %w", err)
		}
		return "checkpoint of size " + strconv.FormatInt(cp.Size, 10) + " verifies", nil
	}}
}

// PingCheck asks whether something can be reached.
func PingCheck(name string, ping func(ctx context.Context) error) Check {
	return Check{name, func(ctx context.Context) (string, error) {
		if err := ping(ctx); err != nil {
			return "", err
		}
		return "reachable", nil
	}}
}

// TickCheck asks when the agent last looked for sources that are due: no longer
// ago than most. Before the first time, since tells when it began.
func TickCheck(last func() time.Time, since time.Time, most time.Duration, now func() time.Time) Check {
	return Check{"schedule", func(context.Context) (string, error) {
		at, what := last(), "last look for sources that are due"
		if at.IsZero() {
			at, what = since, "no look for sources that are due since the start"
		}
		age := now().Sub(at).Round(time.Millisecond)
		if age > most {
			return "", fmt.Errorf("%s %s ago; at most %s is as it should be", what, age, most)
		}
		return fmt.Sprintf("%s %s ago", what, age), nil
	}}
}

// StateCheck tells of something that is known at any time: who leads, whether a
// lock is held, whether the configuration on disk was refused.
func StateCheck(name string, state func() (string, error)) Check {
	return Check{name, func(context.Context) (string, error) { return state() }}
}
