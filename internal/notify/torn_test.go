package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/notify"
)

// TestTornAtEachStep lets the database fail at each thing that is written on the
// way from a finding to its message: what was done of that transaction is undone,
// and when it is done again nothing is missing and nothing is told twice. Kills
// at times of chance come between two statements of one only rarely.
func TestTornAtEachStep(t *testing.T) {
	r, c, db := receive(t), &clock{t: noon}, sqlite(t)
	n := notifier(t, notify.Options{DB: db, Clock: at(c), Channels: []notify.Channel{r.channel("hook")}, Routes: everything("hook")})
	observe(t, n, c.now(), 1)
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	steps := []string{
		"INSERT ON notify_pending", "INSERT ON notify_known", "UPDATE ON notify_state", // Observe
		"DELETE ON notify_pending", "INSERT ON notify_outbox", // a message is made of what waits
		"UPDATE ON notify_outbox WHEN old.lease_until = 0", "UPDATE ON notify_outbox WHEN new.state = 'sent'", "UPDATE ON notify_channel WHEN new.sent_at <> old.sent_at",
	}
	for i, step := range steps {
		c.add(time.Minute)
		exec("CREATE TRIGGER torn BEFORE " + step + " BEGIN SELECT RAISE(ABORT, 'torn'); END")
		turn := func() error {
			_, err := n.Observe(t.Context(), notify.Observation{At: c.now(), Checkpoint: notify.Checkpoint{Size: int64(i + 2)}, Items: findings(0, i+1, notify.StateOpen)})
			if err != nil {
				return err
			}
			return n.Deliver(t.Context())
		}
		if err := turn(); err == nil || !strings.Contains(err.Error(), "torn") {
			t.Errorf("%s fails, and the error is %v", step, err)
		}
		exec("DROP TRIGGER torn")
		c.add(2 * time.Hour) // a lease that nobody gave back is over
		if err := turn(); err != nil {
			t.Fatalf("after %s failed: %v", step, err)
		}
		told := map[string]int{}
		for _, change := range r.changes() {
			told[fmt.Sprint(change.Item.ID, " ", change.Type)]++
		}
		for k := range i + 1 {
			what := fmt.Sprint(finding(k, "").ID, " ", notify.Opened)
			if told[what] != 1 {
				t.Errorf("%s failed: %s was told %d times", step, what, told[what])
			}
		}
		if len(told) != i+1 {
			t.Errorf("%s failed: told is %v", step, told)
		}
	}
}
