package ticket

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// Options is what a Syncer works with.
type Options struct {
	DB       *opsdb.DB
	Trackers []Tracker
	For      Filter
	Reopen   bool // also what a person closed by hand
	PerHour  int  // tickets opened in an hour, in each tracker; 0: 60
	Updates  int  // tickets changed in one look; 0: 200
	Node     string
	Logger   *slog.Logger
	Clock    func() time.Time // nil: the database's where there are several nodes, else the machine's

	Settle  time.Duration // after which a tracker shows what it did; 0: 5 min
	Lease   time.Duration // of a look at a tracker; 0: 10 min
	Request time.Duration // deadline of one request; 0: 30 s
	Quiet   time.Duration // between two comments on changes of one ticket; 0: 1 h
}

//go:embed migrations/*.sql
var migrations embed.FS

// Syncer keeps tickets as findings are. Its methods may be called concurrently.
type Syncer struct {
	o Options

	one   sync.Mutex // a look at the trackers
	mu    sync.Mutex
	whole map[string]bool // trackers whose tickets were all looked at since the start
}

// New brings the tables up to date and returns a Syncer.
func New(ctx context.Context, o Options) (*Syncer, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.PerHour, o.Updates = cmp.Or(o.PerHour, 60), cmp.Or(o.Updates, 200)
	o.Settle, o.Lease = cmp.Or(o.Settle, 5*time.Minute), cmp.Or(o.Lease, 10*time.Minute)
	o.Request, o.Quiet = cmp.Or(o.Request, 30*time.Second), cmp.Or(o.Quiet, time.Hour)
	o.Node += "/" + uuid.NewString() // two commands on one machine are two nodes
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := o.DB.Migrate(ctx, "ticket", sub); err != nil {
		return nil, err
	}
	return &Syncer{o: o, whole: map[string]bool{}}, nil
}

// Act is something done, or to be done, to a ticket.
type Act struct {
	Tracker string `json:"tracker"`
	Finding string `json:"finding"`
	Key     string `json:"key,omitempty"`
	What    string `json:"what"` // open, take_over, update, close, reopen, comment, leave
	Because string `json:"because,omitempty"`
}

// Result is what came of a look at a tracker.
type Result struct {
	Tracker string `json:"tracker"`
	Acts    []Act  `json:"acts"`
	Waiting int    `json:"waiting"` // findings whose ticket waits: for the next hour, or for an answer that was lost
	Skipped string `json:"skipped,omitempty"`
	// Unfinished: the time of one look was over, it goes on with the next.
	Unfinished bool          `json:"unfinished,omitempty"`
	Doubles    []string      `json:"doubles,omitempty"` // keys of tickets that bear the mark of a finding that has another
	Err        error         `json:"-"`
	Took       time.Duration `json:"-"`
}

// Sync makes the tickets of all trackers as the findings are. Trackers are
// worked on side by side. The error is that of the database; what trackers
// answer is in the results.
func (s *Syncer) Sync(ctx context.Context, findings []Finding) ([]Result, error) {
	return s.all(ctx, findings, false)
}

// Plan tells what Sync would do. It reads the trackers and changes nothing.
func (s *Syncer) Plan(ctx context.Context, findings []Finding) ([]Result, error) {
	return s.all(ctx, findings, true)
}

func (s *Syncer) all(ctx context.Context, findings []Finding, dry bool) ([]Result, error) {
	s.one.Lock()
	defer s.one.Unlock()
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, mostUrgent)
	out := make([]Result, len(s.o.Trackers))
	errs := make([]error, len(out))
	var wg sync.WaitGroup
	for i, t := range s.o.Trackers {
		wg.Go(func() { out[i], errs[i] = s.tracker(ctx, t, findings, dry) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

func mostUrgent(a, b Finding) int {
	rank := func(f *Finding) int {
		severities := []string{"major", "minor", "observation"}
		if n := slices.Index(severities, f.Severity); n >= 0 {
			return n
		}
		return len(severities)
	}
	due := func(f *Finding) int64 {
		if f.DueAt == nil {
			return 1<<63 - 1
		}
		return f.DueAt.Unix()
	}
	return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(due(&a), due(&b)), strings.Compare(a.ID, b.ID))
}

// tracker makes the tickets of one tracker.
func (s *Syncer) tracker(ctx context.Context, t Tracker, findings []Finding, dry bool) (Result, error) {
	w := &work{s: s, t: t, dry: dry, res: Result{Tracker: t.Name()}}
	now, err := s.now(ctx)
	if err != nil {
		return w.res, err
	}
	w.now = now
	var st standing
	if !dry {
		var mine bool
		if st, mine, err = s.lease(ctx, t.Name(), now); err != nil {
			return w.res, fmt.Errorf("tickets: %s: %w", t.Name(), err)
		}
		if !mine {
			w.res.Skipped = "another node is at it"
			return w.res, nil
		}
		if st.notBefore > now.UnixMilli() && st.notBefore < now.Add(25*time.Hour).UnixMilli() {
			w.res.Skipped = "left alone until " + time.UnixMilli(st.notBefore).UTC().Format(time.RFC3339)
			return w.res, s.giveBack(ctx, t.Name())
		}
	}
	began := time.Now()
	end, cancel := context.WithTimeout(ctx, s.o.Lease-s.o.Request)
	w.res.Err = w.run(end, &st, findings)
	if errors.Is(w.res.Err, context.DeadlineExceeded) && end.Err() != nil && ctx.Err() == nil {
		w.res.Err, w.res.Unfinished = nil, true
	}
	cancel()
	w.res.Took = time.Since(began)
	if dry {
		return w.res, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.finish(after, t.Name(), &w.res, st, now); err != nil {
		return w.res, fmt.Errorf("tickets: %s: %w", t.Name(), err)
	}
	if w.res.Err != nil {
		s.o.Logger.Warn("tickets", "tracker", t.Name(), "error", w.res.Err)
	}
	return w.res, nil
}

func (s *Syncer) giveBack(ctx context.Context, tracker string) error {
	_, err := s.o.DB.ExecContext(ctx, s.o.DB.Rebind("UPDATE ticket_tracker SET lease_by = '', lease_until = 0 WHERE name = ? AND lease_by = ?"), tracker, s.o.Node)
	return err
}

func (s *Syncer) now(ctx context.Context) (time.Time, error) {
	switch {
	case s.o.Clock != nil:
		return s.o.Clock(), nil
	case s.o.DB.Dialect != opsdb.PostgreSQL:
		return time.Now(), nil
	}
	var t time.Time
	if err := s.o.DB.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&t); err != nil {
		return t, fmt.Errorf("tickets: %w", err)
	}
	return t, nil
}

func factsText(f *Finding) string {
	b, err := json.Marshal(watch(f))
	if err != nil {
		return ""
	}
	return string(b)
}
