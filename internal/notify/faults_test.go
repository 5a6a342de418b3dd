package notify_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

func TestTenThousandFindingsAtOnce(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		hook, people := receive(t), receive(t)
		chat := people.channel("chat")
		chat.Whole, chat.Limit = false, 50
		n := notifier(t, notify.Options{DB: open(), Channels: []notify.Channel{hook.channel("hook"), chat}, Routes: everything("hook", "chat")})
		observe(t, n, noon, 1)
		began := time.Now()
		observe(t, n, noon, 2, findings(0, 10_000, notify.StateOpen)...)
		observed := time.Since(began)
		began = time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		people.before = func(n int, _ http.ResponseWriter, _ *http.Request) bool {
			if n > 100 { // this ends no time soon
				cancel()
			}
			return false
		}
		if err := n.Deliver(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		t.Logf("observed in %s, delivered in %s", observed.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if len(people.order) != 1 {
			t.Fatalf("people got %d messages", len(people.order))
		}
		b := people.bodies[people.order[0]]
		if b.Data.Total != 10_000 || len(b.Data.Changes) != 50 || b.Data.Text != "Exhibit: 10,000 findings opened" {
			t.Errorf("%d listed of %d: %s", len(b.Data.Changes), b.Data.Total, b.Data.Text)
		}
		if got := hook.changes(); len(got) != 10_000 || len(hook.order) != 50 {
			t.Errorf("the webhook got %d changes in %d messages", len(got), len(hook.order))
		}
		began = time.Now()
		if out := observe(t, n, noon, 3, findings(0, 10_000, notify.StateOpen)...); len(out.Changes) != 0 {
			t.Errorf("%d changes in what did not change", len(out.Changes))
		}
		t.Logf("the same again in %s", time.Since(began).Round(time.Millisecond))
	})
}

func TestAnEndpointThatHangsDelaysNoOther(t *testing.T) {
	hang, fine := receive(t), receive(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hang.before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	stuck := notify.Channel{Name: "stuck", Sender: senderFunc(func(context.Context, *notify.Message) error { <-release; return nil })} // minds no deadline
	n := notifier(t, notify.Options{DB: sqlite(t), Channels: []notify.Channel{hang.channel("hang"), fine.channel("fine"), stuck},
		Routes: everything("hang", "fine", "stuck"), Deadline: 400 * time.Millisecond, Backoff: 50 * time.Millisecond})
	observe(t, n, noon, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { n.Run(ctx, 5*time.Millisecond); close(done) }()
	for i := range 20 {
		observe(t, n, noon, int64(i+2), findings(0, i+1, notify.StateOpen)...)
		waitFor(t, fmt.Sprintf("message %d over the channel beside those that hang", i+1), 300*time.Millisecond, func() bool { return len(fine.changes()) == i+1 })
	}
	waitFor(t, "both that hang are given up after the deadline", 5*time.Second, func() bool {
		s, err := n.Status(t.Context())
		return err == nil && failures(s, "hang") > 1 && failures(s, "stuck") == 1
	})
	cancel()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("Run does not end")
	}
	s, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Channels {
		if c.Name != "fine" && (c.Waiting != 1 || c.Pending == 0 || !strings.Contains(c.Error, "did not answer in time")) {
			t.Errorf("%+v", c)
		}
	}
}

func failures(s notify.Status, channel string) int {
	for _, c := range s.Channels {
		if c.Name == channel {
			return c.Failures
		}
	}
	return -1
}

func waitFor(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it did not come within %s", what, limit)
		}
	}
}

func TestAnOutageEndsInOneMessageOrALetterThatIsDead(t *testing.T) {
	r, c := receive(t), &clock{t: noon}
	down := true
	r.before = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return down
	}
	n := notifier(t, notify.Options{DB: sqlite(t), Clock: at(c), Channels: []notify.Channel{r.channel("hook")}, Routes: everything("hook")})
	observe(t, n, c.now(), 1)
	for i := range 40 {
		observe(t, n, c.now(), int64(i+2), findings(0, i+1, notify.StateOpen)...)
		deliver(t, n)
		c.add(time.Hour)
	}
	down = false
	deliver(t, n)
	if len(r.order) != 2 || len(r.changes()) != 40 {
		t.Fatalf("%d messages with %d changes after the outage", len(r.order), len(r.changes()))
	}
	s, err := n.Status(t.Context())
	if err != nil || len(s.Told) != 2 || s.Told[0].Channel != "hook" || s.Told[0].SentAt.Before(s.Told[0].Created) || s.Told[0].Attempts < 2 ||
		s.Told[0].Changes+s.Told[1].Changes != 40 || s.Told[0].SentAt.Before(s.Told[1].SentAt) ||
		s.Told[0].Title != "Exhibit: major finding opened: Approvals of release 0" || s.Told[1].Title != "Exhibit: 39 findings opened" {
		t.Errorf("it says that this was sent: %+v, %v", s.Told, err)
	}
	down = true
	observe(t, n, c.now(), 50, findings(0, 41, notify.StateOpen)...)
	for range 80 {
		deliver(t, n)
		c.add(time.Hour)
	}
	s, err = n.Status(t.Context())
	if err != nil || len(s.Dead) != 1 || s.Dead[0].Changes != 1 || !strings.Contains(s.Dead[0].Error, "503") || s.Dead[0].Attempts < 60 {
		t.Fatalf("%+v %v", s, err)
	}
}

func TestAClockThatJumpedHoldsNothingBack(t *testing.T) {
	r, c := receive(t), &clock{t: noon.AddDate(2, 0, 0)}
	down := true
	r.before = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return down
	}
	n := notifier(t, notify.Options{DB: sqlite(t), Clock: at(c), Channels: []notify.Channel{r.channel("hook")}, Routes: everything("hook")})
	observe(t, n, c.now(), 1)
	observe(t, n, c.now(), 2, findings(0, 1, notify.StateOpen)...)
	deliver(t, n)
	observe(t, n, c.now(), 3, findings(0, 2, notify.StateOpen)...)
	down = false
	c.add(-2 * 365 * 24 * time.Hour)
	deliver(t, n)
	if got := len(r.changes()); got != 2 {
		t.Fatalf("%d changes told after the clock was put right", got)
	}
}

// Several nodes on one database send every message once.
func TestAFleetSendsOnce(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		r := receive(t)
		var wg sync.WaitGroup
		nodes := make([]*notify.Notifier, 4)
		for i := range nodes {
			nodes[i] = notifier(t, notify.Options{DB: open(), Node: fmt.Sprint("node-", i), Channels: []notify.Channel{r.channel("hook")}, Routes: everything("hook")})
		}
		observe(t, nodes[0], noon, 1)
		for i, n := range nodes {
			wg.Go(func() {
				for k := range 25 {
					size := k*len(nodes) + i + 2
					if _, err := n.Observe(t.Context(), notify.Observation{At: noon, Checkpoint: notify.Checkpoint{Size: int64(size)}, Items: findings(0, size, notify.StateOpen)}); err != nil {
						t.Error(err)
					}
					if err := n.Deliver(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		deliver(t, nodes[0])
		told := map[string]int{}
		for _, c := range r.changes() {
			told[c.Item.ID]++
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(told) != 101 || len(r.order) != len(r.bodies) {
			t.Errorf("%d findings told, %d messages sent for %d", len(told), len(r.order), len(r.bodies))
		}
		for id, n := range told {
			if n != 1 {
				t.Errorf("%s told %d times", id, n)
			}
		}
	})
}

// childEnv makes the test binary the process that is killed.
const childEnv = "EXHIBIT_NOTIFY_TEST_CHILD"

// killsWanted is how often the process is killed, and childRounds how much there
// is for it to tell.
func killsWanted() int {
	if v, err := strconv.Atoi(os.Getenv("EXHIBIT_NOTIFY_KILLS")); err == nil {
		return v
	}
	return 20
}

func childRounds() int { return 3 * killsWanted() }

// child observes a world that grows, and delivers, until all is told.
func child(ctx context.Context, where, hook string) error {
	open := opsdb.OpenFile
	if strings.Contains(where, "://") {
		open = opsdb.OpenURL
	}
	db, err := open(ctx, where)
	if err != nil {
		return err
	}
	n, err := notify.New(ctx, notify.Options{DB: db, Organization: "acme", Node: strconv.Itoa(os.Getpid()), Deadline: 200 * time.Millisecond, Backoff: time.Millisecond,
		Lease: 300 * time.Millisecond, Routes: everything("hook"),
		Channels: []notify.Channel{{Name: "hook", Whole: true, Limit: 10, Sender: &notify.Webhook{URL: fixed(hook), Key: fixed(secret)}}}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		s, err := n.Status(ctx)
		if err != nil {
			return err
		}
		if size := s.Checkpoint.Size; size < int64(childRounds()) {
			items := append(findings(0, int(size)*3, notify.StateOpen), findings(100_000, 100_000+int(size), notify.StateResolved)...)
			if size > 0 {
				items = append(items, findings(100_000+int(size), 100_010+int(size), notify.StateOpen)...)
			}
			if _, err := n.Observe(ctx, notify.Observation{At: noon, Checkpoint: notify.Checkpoint{Size: size + 1}, Items: items}); err != nil {
				return err
			}
		} else if s.Channels[0].Pending+s.Channels[0].Waiting == 0 {
			return nil
		}
		if err := n.Deliver(ctx); err != nil {
			return err
		}
	}
}

// The agent is killed at random points, and answers are lost: every change is
// told, and told under one id alone.
func TestKilledAtAnyPoint(t *testing.T) {
	kills := killsWanted()
	t.Run("sqlite", func(t *testing.T) { killed(t, filepath.Join(t.TempDir(), opsdb.FileName), kills) })
	t.Run("postgres", func(t *testing.T) { killed(t, server.Database(t), kills) })
}

func killed(t *testing.T, where string, kills int) {
	r := receive(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	r.after = func(_ int, w http.ResponseWriter) {
		mu.Lock()
		lose, slow := rnd.IntN(10) == 0, rnd.IntN(4) == 0
		mu.Unlock()
		if slow {
			time.Sleep(10 * time.Millisecond)
		}
		if lose { // taken, and the answer is lost
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}
	}
	done := 0
	for round := 0; ; round++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+where+" "+r.URL)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err == nil && done < kills {
			time.Sleep(time.Duration(rnd.IntN(40_000)) * time.Microsecond)
			if cmd.Process.Kill() == nil {
				done++
			}
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err == nil {
			break
		} else if done >= kills && round > kills+5 {
			t.Fatalf("the child fails of itself: %v", err)
		}
	}
	opened, resolved := map[string]int{}, map[string]int{}
	for _, c := range r.changes() {
		switch c.Type {
		case notify.Opened:
			opened[c.Item.ID]++
		case notify.Resolved:
			resolved[c.Item.ID]++
		default:
			t.Errorf("%s %s", c.Type, c.Item.ID)
		}
	}
	for id, n := range opened {
		if n != 1 {
			t.Errorf("%s told %d times as opened", id, n)
		}
	}
	for id, n := range resolved {
		if n != 1 {
			t.Errorf("%s told %d times as resolved", id, n)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range (childRounds() - 1) * 3 {
		id := finding(i, "").ID
		if opened[id] != 1 {
			t.Errorf("%s was never told", id)
		}
	}
	for i := range childRounds() - 2 { // what resolved within one flush is told as resolved alone
		id := finding(100_001+i, "").ID
		if resolved[id] != 1 {
			t.Errorf("%s was never told as resolved", id)
		}
	}
	t.Logf("%d kills, %d messages, of which %d came again under the same id", done, len(r.bodies), len(r.order)-len(r.bodies))
}
