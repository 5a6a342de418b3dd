package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	if where, hook, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		if err := child(context.Background(), where, hook); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { server = s }))
}

// both runs a test on each database; open gives a further connection to one.
func both(t *testing.T, f func(t *testing.T, open func() *opsdb.DB)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.locks", opsdb.FileName)
	t.Run("sqlite", func(t *testing.T) {
		f(t, func() *opsdb.DB { return opened(t)(opsdb.OpenFile(t.Context(), path)) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := server.Database(t)
		f(t, func() *opsdb.DB { return opened(t)(opsdb.OpenURL(t.Context(), url)) })
	})
}

func opened(t *testing.T) func(*opsdb.DB, error) *opsdb.DB {
	return func(db *opsdb.DB, err error) *opsdb.DB {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
}

func sqlite(t *testing.T) *opsdb.DB {
	t.Helper()
	return opened(t)(opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), "x.locks", opsdb.FileName)))
}

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func fixed(s string) notify.Secret {
	return func(context.Context) (string, error) { return s, nil }
}

// receiver is a real HTTP server that takes webhooks, verifies them and keeps
// their bodies by id.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies map[string]notify.WebhookBody
	order  []string // ids, with repetitions
	before func(n int, w http.ResponseWriter, r *http.Request) (done bool)
	after  func(n int, w http.ResponseWriter) // instead of the answer
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{bodies: map[string]notify.WebhookBody{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	key, err := notify.SigningKey(secret)
	if err != nil {
		panic(err)
	}
	if err := notify.Verify(key, req.Header, body, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	n := len(r.order)
	before, after := r.before, r.after
	r.mu.Unlock()
	if before != nil && before(n, w, req) {
		return
	}
	var b notify.WebhookBody
	if err := json.Unmarshal(body, &b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.order = append(r.order, req.Header.Get(notify.HeaderID))
	r.bodies[b.Data.ID] = b
	r.mu.Unlock()
	if after != nil {
		after(n, w)
	}
}

// changes are all that was received, once for each message.
func (r *receiver) changes() []notify.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []notify.Change
	seen := map[string]bool{}
	for _, id := range r.order {
		if !seen[id] {
			seen[id] = true
			out = append(out, r.bodies[id].Data.Changes...)
		}
	}
	return out
}

func (r *receiver) channel(name string) notify.Channel {
	return notify.Channel{Name: name, Kind: "webhook", Whole: true, Limit: 200, Sender: &notify.Webhook{URL: fixed(r.URL), Key: fixed(secret)}}
}

// clock is a clock that is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) // a Monday

func at(c *clock) func() time.Time { return c.now }

func notifier(t *testing.T, o notify.Options) *notify.Notifier {
	t.Helper()
	if o.Organization == "" {
		o.Organization = "acme"
	}
	if o.Node == "" {
		o.Node = "node-1"
	}
	n, err := notify.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func observe(t *testing.T, n *notify.Notifier, at time.Time, size int64, items ...notify.Item) notify.Outcome {
	t.Helper()
	out, err := n.Observe(t.Context(), notify.Observation{At: at, Checkpoint: notify.Checkpoint{Size: size}, Items: items})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func deliver(t *testing.T, n *notify.Notifier) {
	t.Helper()
	if err := n.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func finding(n int, state string) notify.Item {
	due := noon.Add(60 * 24 * time.Hour)
	return notify.Item{ID: fmt.Sprintf("F-%012d", n), Topic: notify.TopicFinding, State: state, Status: "failing", Severity: "major",
		Title: fmt.Sprintf("Approvals of release %d", n), Owner: "maria.keller", Control: "A.6.2.4", DueAt: &due, Link: fmt.Sprintf("/findings/F-%012d", n)}
}

func findings(from, to int, state string) []notify.Item {
	var out []notify.Item
	for n := from; n < to; n++ {
		out = append(out, finding(n, state))
	}
	return out
}

func everything(to ...string) []notify.Route { return []notify.Route{{To: to}} }

func TestWhatOpensIsToldOnce(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		r, c := receive(t), &clock{t: noon}
		n := notifier(t, notify.Options{DB: open(), Clock: at(c), Channels: []notify.Channel{r.channel("hook")}, Routes: everything("hook")})
		if out := observe(t, n, noon, 1, findings(0, 3, notify.StateOpen)...); !out.First || len(out.Changes) != 3 {
			t.Fatalf("first look: %+v", out)
		}
		deliver(t, n)
		if len(r.order) != 1 || r.bodies[r.order[0]].Type != "exhibit.first" {
			t.Fatalf("the first look makes one message, got %d", len(r.order))
		}
		observe(t, n, noon, 1, findings(0, 3, notify.StateOpen)...)
		deliver(t, n)
		if len(r.order) != 1 {
			t.Fatal("nothing changed, and something was told")
		}
		observe(t, n, noon, 2, append(findings(0, 4, notify.StateOpen), finding(9, notify.StateResolved))...)
		deliver(t, n)
		deliver(t, n)
		got := r.changes()[3:]
		if len(r.order) != 2 || len(got) != 1 || got[0].Item.ID != finding(3, "").ID || got[0].Type != notify.Opened {
			t.Fatalf("want the fourth finding alone: %+v", got)
		}
		items := findings(0, 4, notify.StateOpen)
		items[1].State, items[2].Owner, items[3].Status = notify.StateResolved, "b", "stale"
		observe(t, n, noon, 3, items...)
		deliver(t, n)
		var types []notify.ChangeType
		for _, g := range r.changes()[4:] {
			types = append(types, g.Type)
		}
		slices.Sort(types)
		if !slices.Equal(types, []notify.ChangeType{notify.Assigned, notify.Resolved, notify.Changed}) {
			t.Fatalf("changes: %v", types)
		}
		if out := observe(t, n, noon, 2); !out.Old {
			t.Fatal("an observation of an older ledger was taken")
		}
	})
}
