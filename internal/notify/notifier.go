package notify

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// Options is what a Notifier works with.
type Options struct {
	DB           *opsdb.DB
	Channels     []Channel
	Routes       []Route
	Digest       *Digest // when changes of routes that say so are told; nil: at once
	Quiet        *Quiet  // nil: always
	LinkBase     string  // address of the dashboard, without path; empty: no links
	Organization string
	Node         string // of this process, unique in the fleet
	Logger       *slog.Logger

	// Address gives the mail address of a person of the register, or "".
	Address func(person string) string
	// Sent is told of each message that was handed to a channel, and how that
	// ended; nil: nobody is told.
	Sent func(channel string, err error)
	// Clock tells the time; nil: the database's where there are several nodes,
	// so that no node's clock decides who sends, else the machine's.
	Clock func() time.Time

	Deadline time.Duration // of sending one message; 0: 20 s
	GiveUp   time.Duration // after which a message becomes a dead letter; 0: 72 h
	Backoff  time.Duration // after the first failure, doubled with each; 0: 30 s
	Lease    time.Duration // after which another node may send what one has begun to send; 0: twice the deadline and 30 s
}

// Channel is a way to tell people.
type Channel struct {
	Name   string
	Kind   string // slack, mail, …; for people
	Place  string // where messages go, without secrets; for people
	Sender Sender

	// Personal: each owner gets a message of his own, if he has an address; the
	// rest goes to the channel's own recipients, if there are any.
	Personal bool
	Limit    int  // changes listed in a message; 0: 25
	Whole    bool // for machines: what is over the limit comes in further messages
	Awake    bool // it wakes people: it gets no message about the first look
}

// Sender sends a message over one channel. It is called by one goroutine at a
// time, and returns soon after ctx is done. The error says why it was not
// sent, without secrets; a *Refusal among its causes says what to do about it.
// A message that may have arrived counts as not sent: it is sent again with the
// same ID.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

// Refusal is what an endpoint answers that does not want a message.
type Refusal struct {
	Message    bool          // the fault is in the message: sending it again is no use
	RetryAfter time.Duration // 0: not said
	Err        error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

//go:embed migrations/*.sql
var migrations embed.FS

// Notifier observes and delivers. Its methods may be called concurrently.
type Notifier struct {
	o Options

	mu   sync.Mutex
	busy map[string]bool // channels whose sender has not returned yet, though its time is over
}

// New brings the tables up to date and returns a Notifier.
func New(ctx context.Context, o Options) (*Notifier, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Address == nil {
		o.Address = func(string) string { return "" }
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&o.Deadline, 20 * time.Second}, {&o.GiveUp, 72 * time.Hour}, {&o.Backoff, 30 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if o.Lease <= o.Deadline {
		o.Lease = 2*o.Deadline + 30*time.Second
	}
	o.Channels = slices.Clone(o.Channels)
	for i := range o.Channels {
		if o.Channels[i].Limit <= 0 {
			o.Channels[i].Limit = 25
		}
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := o.DB.Migrate(ctx, "notify", sub); err != nil {
		return nil, err
	}
	n := &Notifier{o: o, busy: map[string]bool{}}
	for i := range o.Channels {
		if err := n.exec(ctx, o.DB, "INSERT INTO notify_channel (name, touched, failures, not_before, error, error_at, sent_at) VALUES (?, 0, 0, 0, '', 0, 0) ON CONFLICT (name) DO NOTHING",
			o.Channels[i].Name); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Notifier) channel(name string) (*Channel, bool) {
	i := slices.IndexFunc(n.o.Channels, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return &n.o.Channels[i], true
}

// now is the time that decides what is ready and who may send.
func (n *Notifier) now(ctx context.Context) (time.Time, error) {
	switch {
	case n.o.Clock != nil:
		return n.o.Clock(), nil
	case n.o.DB.Dialect != opsdb.PostgreSQL:
		return time.Now(), nil
	}
	var t time.Time
	if err := n.o.DB.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&t); err != nil {
		return t, fmt.Errorf("notify: %w", err)
	}
	return t, nil
}

// ErrNoChannel: there is no channel with that name.
var ErrNoChannel = errors.New("no such channel")

// Test sends a test message over a channel, at once and outside the outbox.
func (n *Notifier) Test(ctx context.Context, channel, recipient string) error {
	c, ok := n.channel(channel)
	if !ok {
		return fmt.Errorf("notify: %q: %w", channel, ErrNoChannel)
	}
	at, err := n.now(ctx)
	if err != nil {
		return err
	}
	m := n.message(at)
	m.Kind, m.Recipient = KindTest, recipient
	return n.send(ctx, c, &m)
}

func (n *Notifier) message(at time.Time) Message {
	return Message{ID: newID("msg"), At: at.UTC().Truncate(time.Millisecond), Organization: n.o.Organization, LinkBase: n.o.LinkBase, Kind: KindChanges}
}
