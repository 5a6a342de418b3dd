package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Locker gives the lock of a name to one holder at a time, or store.ErrLocked
// at once. agent.Locks is one.
type Locker interface {
	Acquire(name string) (release func(), err error)
}

// Recorder puts on record what people made. agent.Collector is one.
type Recorder interface {
	RecordPeople(ctx context.Context, identity, method string, records []evidence.Record) (evidence.Run, error)
	RenewPeople(ctx context.Context) error
	CollectRegister(ctx context.Context, path string) (evidence.Run, error)
}

// Options is what a Service works with. Without a Key, Recorder and Locks it
// only reads.
type Options struct {
	Config   *configfile.Config
	Catalog  *catalog.Catalog
	Store    store.Store
	Key      *ledger.Key
	Recorder Recorder
	Locks    Locker
	Logger   *slog.Logger
	Clock    func() time.Time
	Version  string // of the program
	User     string // whom exports name as who made them where nobody else is known
	// TraceWait is how long one waits for the traces of a new view, rather than to be
	// shown those of the view before; zero: 100 ms.
	TraceWait time.Duration
	// Reconcile puts on record which AI was seen, after a decision on a case.
	Reconcile func(ctx context.Context) error
}

// Service answers and acts. It is safe for concurrent use.
type Service struct {
	Options
	register atomic.Pointer[registerRead]
	store    store.Store

	ledgerLives sync.Mutex
	lives       evaluate.Lives // as far as they were read

	assessing sync.Mutex    // one evaluation at a time: the state is shared
	making    chan struct{} // holds a token while a view is made for whoever comes: two at a time take twice the memory
	compiling sync.Mutex
	evaluator *Evaluator // nil until something is evaluated; see rules

	view    atomic.Pointer[View] // the newest that was made
	viewing atomic.Bool          // one was made, or is being made
	before  atomic.Pointer[func(context.Context, *View) error]
	grown   grown         // since view
	acted   chan struct{} // holds a token after an act that no view shows yet
	places  places        // of evidence that was found

	past   past // views of earlier instants
	traces traces
	first  first
}

// New makes a Service. Rules are compiled when they are first needed.
func New(o Options) *Service {
	s := &Service{Options: o, store: o.Store, making: make(chan struct{}, 1), acted: make(chan struct{}, 1)}
	return s
}

// rules returns the evaluator. What its engine says may be asked at any time, its
// state only by who holds assessing.
func (s *Service) rules() (*Evaluator, error) {
	s.compiling.Lock()
	defer s.compiling.Unlock()
	if s.evaluator == nil {
		e, err := NewEvaluator(s.Config(), s.store)
		if err != nil {
			return nil, err
		}
		e.Before = func(entries int64) { limitMemory(entries); s.first.of.Store(entries) }
		e.Reached = func(entries int64) { s.first.read.Store(entries) }
		s.evaluator = e
	}
	return s.evaluator, nil
}

// Assess evaluates at an instant.
func (s *Service) Assess(ctx context.Context, at time.Time) (*assess.Assessment, error) {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	defer s.assessed()
	return e.At(ctx, at)
}

// assessed ends the limit of memory in a process that makes views, and more of
// them: a command that only assesses prints what came of it and is done.
func (s *Service) assessed() {
	if s.viewing.Load() {
		unlimitMemory()
	}
}

// Slugs are the names of the expectations in force.
func (s *Service) Slugs() ([]string, error) {
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	return slugsOf(e), nil
}

// Config is the configuration in force.
func (s *Service) Config() *configfile.Config { return s.Options.Config }

// Register reads the register of the configuration, unless it is as it was.
// Nobody changes what is returned.
func (s *Service) Register() (*register.Register, error) {
	path := s.Config().Register
	if path == "" {
		return nil, mistake("name one under register: in exhibit.yaml", "no register is configured")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	now := fileState{path, info.Size(), info.ModTime()}
	if known := s.register.Load(); known != nil && known.at == now && s.clock().Sub(now.modified) > time.Minute {
		return known.register, nil
	}
	slugs, err := s.Slugs()
	if err != nil {
		return nil, err
	}
	reg, err := register.Load(path, register.Known{Now: s.clock(), Controls: s.Catalog.ControlIDs(), Expectations: slugs})
	if err != nil {
		return nil, err
	}
	s.register.Store(&registerRead{now, reg})
	return reg, nil
}

// fileState tells one state of a file from another, where a minute has passed
// since it was written.
type fileState struct {
	path     string
	size     int64
	modified time.Time
}

type registerRead struct {
	at       fileState
	register *register.Register
}

func (s *Service) clock() time.Time { return s.Clock() }

// lockWait is how long one waits for somebody else to be done.
const lockWait = 10 * time.Second

// wait takes a lock as soon as it is free.
func (s *Service) wait(ctx context.Context, name string) (release func(), err error) {
	if s.Locks == nil {
		return nil, ErrReadOnly
	}
	for end := time.Now().Add(lockWait); ; {
		release, err = s.Locks.Acquire(name)
		if err == nil {
			return release, nil
		}
		if !errors.Is(err, store.ErrLocked) || time.Now().After(end) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ErrReadOnly: nothing can be put on record. Try again once the agent has started.
var ErrReadOnly = errors.New("the store was opened for reading only")

// What cannot be done.
var (
	errNoStatement = errors.New("no approved statement of applicability is on record")
)

// takeDesk waits until nobody else puts something on record.
func (s *Service) takeDesk(ctx context.Context) (leave func(), err error) {
	leave, err = s.wait(ctx, people.Source)
	if errors.Is(err, store.ErrLocked) {
		return nil, fmt.Errorf("somebody else puts something on record: %w", err)
	}
	return leave, err
}

var _ Recorder = (*agent.Collector)(nil)
