package api

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// How many requests are answered at a time, and how long one waits for its turn.
const (
	perPrincipal = 32
	turnWait     = 5 * time.Second
)

// turns bounds how many requests of one principal are answered at a time, and
// how many costly ones of all.
type turns struct {
	mu      sync.Mutex
	holders map[string]*holder
	heavy   chan struct{}
}

type holder struct {
	slots chan struct{}
	users int // that hold or wait for a slot
}

func newTurns() *turns {
	return &turns{holders: map[string]*holder{}, heavy: make(chan struct{}, 2*max(2, runtime.NumCPU()))}
}

// errBusy asks for patience.
func errBusy(what string) error {
	p := &Problem{Status: http.StatusTooManyRequests, Detail: what, Hint: "ask again in a moment, and fewer at a time"}
	p.retryAfter(turnWait)
	return p
}

// take waits for the turn of whoever asks.
func (t *turns) take(r *http.Request) (release func(), err error) {
	who, _ := access.From(r.Context())
	name := who.Asker()
	t.mu.Lock()
	h := t.holders[name]
	if h == nil {
		h = &holder{slots: make(chan struct{}, perPrincipal)}
		t.holders[name] = h
	}
	h.users++
	t.mu.Unlock()
	left := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(t.holders, name)
		}
	}
	if err := wait(r.Context(), h.slots, "too many requests of this token are under way"); err != nil {
		left()
		return nil, err
	}
	return func() { <-h.slots; left() }, nil
}

// costly waits for the turn of a request that reads more than a page.
func (t *turns) costly(ctx context.Context) (release func(), err error) {
	if err := wait(ctx, t.heavy, "too many requests that read much are under way"); err != nil {
		return nil, err
	}
	return func() { <-t.heavy }, nil
}

func wait(ctx context.Context, slots chan struct{}, what string) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(turnWait)
	defer timer.Stop()
	select {
	case slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy(what)
	case <-ctx.Done():
		return ctx.Err()
	}
}
