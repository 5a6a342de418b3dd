package agent

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// How a session notices that its connection is gone: at once if the server ends
// it, after these if nothing comes through. The server notices later, so that a
// node that is cut off stops before another can take its locks.
const (
	lockPing     = 2 * time.Second
	lockPatience = 5 * time.Second
)

// SessionLocks are advisory locks of PostgreSQL, all held by one connection
// that is opened when first needed. When it ends, the server gives the locks to
// others, and what was done under them is told to stop.
type SessionLocks struct {
	cfg    *pgx.ConnConfig
	within func(time.Duration) (context.Context, context.CancelFunc) // a context of the process
	logf   func(error)

	mu      sync.Mutex
	session *lockSession
	held    map[string]*heldLock
}

// heldLock is one lock while it is held.
type heldLock struct{ cancel context.CancelCauseFunc }

// NewSessionLocks makes locks in the database of cfg, until ctx is done. lost is
// told why a connection ended; it may be nil.
func NewSessionLocks(ctx context.Context, cfg *pgx.ConnConfig, lost func(error)) *SessionLocks {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] = "exhibit locks"
	// The server ends a session whose client is out of reach after about half a
	// minute. Through a socket of the machine these have no meaning, nor a need.
	cfg.RuntimeParams["tcp_keepalives_idle"] = "10"
	cfg.RuntimeParams["tcp_keepalives_interval"] = "5"
	cfg.RuntimeParams["tcp_keepalives_count"] = "4"
	if lost == nil {
		lost = func(error) {}
	}
	return &SessionLocks{
		cfg: cfg, logf: lost, held: map[string]*heldLock{},
		within: func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) },
	}
}

// Acquire implements Locker.
func (l *SessionLocks) Acquire(name string) (release func(), err error) {
	ctx, cancel := l.within(2 * lockPatience)
	_, release, err = l.Hold(context.WithoutCancel(ctx), name)
	cancel()
	return release, err
}

// Hold implements holder.
func (l *SessionLocks) Hold(ctx context.Context, name string) (context.Context, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ours := l.held[name]; ours { // a session may take its own lock again
		return nil, nil, fmt.Errorf("%s: %w", name, store.ErrLocked)
	}
	s, err := l.connected(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("lock %s: %w", name, err)
	}
	got, err := s.ask("SELECT pg_try_advisory_lock($1)", lockNumber(name))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("lock %s: %w", name, err)
	case !got:
		return nil, nil, fmt.Errorf("%s: %w", name, store.ErrLocked)
	}
	held, cancel := context.WithCancelCause(ctx)
	h := &heldLock{cancel}
	l.held[name] = h
	return held, sync.OnceFunc(func() { l.release(name, h, s) }), nil
}

// connected returns the session, opened if there is none. The caller holds mu.
func (l *SessionLocks) connected(ctx context.Context) (*lockSession, error) {
	if l.session != nil {
		return l.session, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.cfg)
	if err != nil {
		return nil, err
	}
	s := &lockSession{conn: conn, within: l.within, questions: make(chan question), ended: make(chan struct{})}
	l.session = s
	go func() { //nolint:contextcheck // it lives as long as the connection
		err := s.serve()
		l.lost(s, err)
	}()
	return s, nil
}

// lost tells everything that is done under locks of a session to stop.
func (l *SessionLocks) lost(s *lockSession, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != s {
		return
	}
	l.session = nil
	for name, h := range l.held {
		h.cancel(ErrLockLost)
		delete(l.held, name)
	}
	if err != nil {
		l.logf(err)
	}
}

func (l *SessionLocks) release(name string, h *heldLock, s *lockSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.cancel(context.Canceled)
	if l.held[name] != h {
		return // lost already
	}
	delete(l.held, name)
	_, _ = s.ask("SELECT pg_advisory_unlock($1)", lockNumber(name)) // else the session is over, and its locks with it
}

// Close ends the session and gives its locks back.
func (l *SessionLocks) Close() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s == nil {
		return
	}
	s.close()
	<-s.ended
}

// lockSession is a connection that one goroutine owns.
type lockSession struct {
	conn      *pgx.Conn
	within    func(time.Duration) (context.Context, context.CancelFunc)
	questions chan question
	ended     chan struct{}
}

// question is what the session asks the server. One without a statement ends it.
type question struct {
	statement string
	arg       int64
	answer    chan<- answer
}

type answer struct {
	yes bool
	err error
}

var errSessionEnded = errors.New("the connection that holds locks ended")

func (s *lockSession) ask(statement string, arg int64) (bool, error) {
	reply := make(chan answer, 1)
	select {
	case s.questions <- question{statement, arg, reply}:
	case <-s.ended:
		return false, errSessionEnded
	}
	select {
	case a := <-reply:
		return a.yes, a.err
	case <-s.ended:
		select {
		case a := <-reply:
			return a.yes, a.err
		default:
			return false, errSessionEnded
		}
	}
}

func (s *lockSession) close() {
	select {
	case s.questions <- question{}:
	case <-s.ended:
	}
}

// serve answers questions, and meanwhile listens for the end of the connection,
// until that comes.
func (s *lockSession) serve() error {
	defer close(s.ended)
	defer func() {
		ctx, cancel := s.within(time.Second)
		defer cancel()
		_ = s.conn.Close(ctx) // broken, or needed no more
	}()
	for {
		q, err := s.listen()
		if err != nil {
			return err
		}
		if q != nil && q.statement == "" {
			return nil
		}
		if q == nil {
			q = &question{statement: "SELECT $1 = 0", answer: make(chan answer, 1)}
		}
		a := s.put(*q)
		q.answer <- a
		if a.err != nil {
			return a.err
		}
	}
}

// listen waits for a question, for the end of the connection, or until it is
// time to see whether the server is there (nil, nil).
func (s *lockSession) listen() (*question, error) {
	ctx, cancel := s.within(lockPing)
	defer cancel()
	asked := make(chan *question, 1)
	go func() {
		select {
		case q := <-s.questions:
			asked <- &q
			cancel()
		case <-ctx.Done():
			asked <- nil
		}
	}()
	for {
		_, err := s.conn.WaitForNotification(ctx)
		if err == nil {
			continue
		}
		cancel()
		q := <-asked
		if s.conn.IsClosed() {
			if q != nil && q.answer != nil {
				q.answer <- answer{err: errSessionEnded}
			}
			return nil, err
		}
		return q, s.processEnds()
	}
}

// processEnds is the error of the process's context.
func (s *lockSession) processEnds() error {
	ctx, cancel := s.within(time.Minute)
	defer cancel()
	return ctx.Err()
}

func (s *lockSession) put(q question) (a answer) {
	ctx, cancel := s.within(lockPatience)
	defer cancel()
	a.err = s.conn.QueryRow(ctx, q.statement, pgx.QueryExecModeExec, q.arg).Scan(&a.yes)
	return a
}

// lockNumber is the number of a lock. Its first half keeps it apart from other
// uses of advisory locks in the database: "EXHB".
func lockNumber(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return 0x45584842<<32 | int64(h.Sum32())
}
