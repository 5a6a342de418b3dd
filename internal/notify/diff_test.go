package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/notify"
)

// told gives the changes of a row of observations of one item, each a day later
// than the last: nil is an observation without it.
func told(items ...*notify.Item) []string {
	memory := notify.Memory{}
	var out []string
	for n, it := range items {
		o := notify.Observation{At: noon.AddDate(0, 0, n)}
		if it != nil {
			o.Items = []notify.Item{*it}
		}
		var changes []notify.Change
		changes, memory = notify.Diff(memory, o)
		for _, c := range changes {
			s := fmt.Sprintf("%d:%s", n, c.Type)
			if c.Days != 0 {
				s += fmt.Sprint("-", c.Days)
			}
			out = append(out, s)
		}
	}
	return out
}

func item(topic notify.Topic, change func(*notify.Item)) *notify.Item {
	it := &notify.Item{ID: "x", Topic: topic, State: "open", Status: "failing", Severity: "major"}
	if change != nil {
		change(it)
	}
	return it
}

func state(topic notify.Topic, s string) *notify.Item {
	return item(topic, func(i *notify.Item) { i.State = s })
}

func status(topic notify.Topic, s string) *notify.Item {
	return item(topic, func(i *notify.Item) { i.Status = s })
}

func due(topic notify.Topic, s string, days float64) *notify.Item {
	return item(topic, func(i *notify.Item) {
		at := noon.Add(time.Duration(days * 24 * float64(time.Hour)))
		i.State, i.DueAt = s, &at
	})
}

func expires(days float64, valid int) *notify.Item {
	return item(notify.TopicExpiring, func(i *notify.Item) {
		at := noon.Add(time.Duration(days * 24 * float64(time.Hour)))
		from := at.AddDate(0, 0, -valid)
		i.State, i.ExpiresAt, i.ValidFrom = "valid", &at, &from
	})
}

func repeated(it *notify.Item, n int) []*notify.Item { return slices.Repeat([]*notify.Item{it}, n) }

func TestDiff(t *testing.T) {
	f, d, s, r, c, w := notify.TopicFinding, notify.TopicDuty, notify.TopicShadow, notify.TopicRun, notify.TopicControl, notify.TopicWaiver
	for name, tc := range map[string]struct {
		items []*notify.Item
		want  string
	}{
		"a finding opens, and is resolved":            {[]*notify.Item{state(f, "open"), state(f, "open"), state(f, "resolved"), state(f, "resolved")}, "0:opened 2:resolved"},
		"taking note is no news":                      {[]*notify.Item{state(f, "open"), state(f, "acknowledged"), state(f, "open")}, "0:opened"},
		"resolved when it is first seen":              {[]*notify.Item{state(f, "resolved"), state(f, "open")}, "1:reopened"},
		"not observed is not resolved":                {[]*notify.Item{state(f, "open"), nil, nil, state(f, "open"), state(f, "resolved")}, "0:opened 4:resolved"},
		"waived, and the waiver ends":                 {[]*notify.Item{state(f, "open"), state(f, "waived"), state(f, "open")}, "0:opened 1:status_changed 2:reopened"},
		"a status changes":                            {[]*notify.Item{status(f, "failing"), status(f, "stale"), status(f, "stale")}, "0:opened 1:status_changed"},
		"due soon, then overdue, once":                {repeated(due(f, "open", 9.5), 14), "0:opened 3:due_soon-7 9:due_soon-1 10:overdue"},
		"what opens overdue says so itself":           {repeated(due(f, "open", -3), 4), "0:opened"},
		"a due date put off begins anew":              {[]*notify.Item{due(f, "open", 5), due(f, "open", 5), due(f, "open", 30), due(f, "open", 5)}, "0:opened 3:due_soon-7"},
		"a resolved finding is not overdue":           {[]*notify.Item{due(f, "open", 1.5), due(f, "resolved", 1.5), due(f, "resolved", 1.5), due(f, "resolved", 1.5)}, "0:opened 1:resolved"},
		"a duty, and its deadline":                    {repeated(due(d, "due", 8.5), 9), "0:opened 2:due_soon-7 8:due_soon-1"},
		"a duty again after it was done":              {[]*notify.Item{due(d, "due", 90), nil, due(d, "due", 90)}, "0:opened 2:opened"},
		"new AI, taken up, decided, and new again":    {[]*notify.Item{state(s, "new"), state(s, "due"), state(s, "accepted"), state(s, "new")}, "0:opened 3:reopened"},
		"AI that is registered is no news":            {[]*notify.Item{state(s, "registered"), state(s, "gone")}, ""},
		"a source fails, is silent, and is back":      {[]*notify.Item{state(r, "complete"), state(r, "failed"), state(r, "failed"), state(r, "silent"), state(r, "complete")}, "1:run_failed 3:source_silent 4:run_recovered"},
		"a source that fails at first":                {[]*notify.Item{state(r, "partial"), state(r, "partial")}, "0:run_failed"},
		"a control":                                   {[]*notify.Item{status(c, "satisfied"), status(c, "satisfied"), status(c, "failing")}, "2:status_changed"},
		"evidence expires: three words, each once":    {append(repeated(expires(40, 90), 45), nil), "10:expiring-30 33:expiring-7 39:expiring-1"},
		"first seen late: the nearest threshold only": {repeated(expires(5, 90), 5), "0:expiring-7 4:expiring-1"},
		"monthly evidence is not told a month before": {repeated(expires(28, 30), 28), "21:expiring-7 27:expiring-1"},
		"daily evidence is told of never":             {repeated(expires(1, 1), 1), ""},
		"renewed, and expires again":                  {[]*notify.Item{expires(6, 90), expires(96, 90), expires(8, 90)}, "0:expiring-7 2:expiring-7"},
		"gone from the list, and back unchanged":      {[]*notify.Item{expires(6, 90), nil, expires(6, 90)}, "0:expiring-7"},
		"a waiver ends":                               {repeated(item(w, func(i *notify.Item) { at := noon.AddDate(0, 0, 8); i.State, i.ExpiresAt = "valid", &at }), 9), "0:expiring-30 1:expiring-7 7:expiring-1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(told(tc.items...), " "); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
		})
	}
	if got := told(state(f, "open"), item(f, func(i *notify.Item) { i.Owner = "b" })); !slices.Equal(got, []string{"0:opened", "1:assigned"}) {
		t.Errorf("another owner: %v", got)
	}
}

// Whatever is observed: the same observation again changes nothing, and what is
// told leads from one state to the next.
func TestDiffSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory := notify.Memory{}
		at := noon
		for range rapid.IntRange(1, 8).Draw(t, "observations") {
			at = at.Add(time.Duration(rapid.IntRange(0, 96).Draw(t, "hours")) * time.Hour)
			o := notify.Observation{At: at}
			for n := range rapid.IntRange(0, 6).Draw(t, "items") {
				topic := rapid.SampledFrom(notify.Topics).Draw(t, "topic")
				it := notify.Item{ID: fmt.Sprint(n % 3), Topic: topic,
					State:    rapid.SampledFrom([]string{"open", "acknowledged", "waived", "resolved", "new", "due", "complete", "failed", "silent", ""}).Draw(t, "state"),
					Status:   rapid.SampledFrom([]string{"failing", "stale", "satisfied"}).Draw(t, "status"),
					Severity: "major", Owner: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "owner")}
				if rapid.Bool().Draw(t, "dates") {
					soon := noon.Add(time.Duration(rapid.IntRange(-10, 40*24).Draw(t, "due")) * time.Hour)
					it.DueAt, it.ExpiresAt = &soon, &soon
				}
				o.Items = append(o.Items, it)
			}
			_, memory = notify.Diff(memory, o)
			again, same := notify.Diff(memory, o)
			if len(again) > 0 {
				t.Fatalf("told twice: %+v", again)
			}
			if len(same) != len(memory) {
				t.Fatal("what is remembered changed without news")
			}
		}
	})
}

func TestDigestAndQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const hour = notify.Clock(time.Hour)
	night := notify.Quiet{From: 20 * hour, To: 7 * hour, Hours: true, Zone: berlin, Days: []time.Weekday{time.Saturday, time.Sunday}, Through: []string{"major"}}
	minor := finding(1, "open")
	minor.Severity = "minor"
	local := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tc := range []struct {
		now, want string // when it is told
		item      notify.Item
		digest    bool
	}{
		{"2026-05-05 12:00", "2026-05-05 12:00", minor, false},
		{"2026-05-05 23:00", "2026-05-06 07:00", minor, false},
		{"2026-05-05 23:00", "2026-05-05 23:00", finding(1, "open"), false}, // major breaks through
		{"2026-05-08 21:00", "2026-05-11 07:00", minor, false},              // Friday night to Monday morning
		{"2026-05-09 12:00", "2026-05-11 07:00", minor, false},
		{"2026-05-05 12:00", "2026-05-06 08:00", minor, true},
		{"2026-05-08 12:00", "2026-05-11 07:00", minor, true},  // Saturday's digest waits
		{"2026-03-27 12:00", "2026-03-30 07:00", minor, true},  // over the change of the clocks
		{"2026-10-23 07:59", "2026-10-23 08:00", minor, true},  //
		{"2026-10-23 08:00", "2026-10-26 07:00", minor, true},  //
		{"2026-05-05 06:59", "2026-05-05 07:00", minor, false}, //
	} {
		r, c := receive(t), &clock{t: local(tc.now)}
		n := notifier(t, notify.Options{DB: sqlite(t), Clock: at(c), Channels: []notify.Channel{r.channel("hook")}, Quiet: &night,
			Digest: &notify.Digest{At: 8 * hour, Zone: berlin}, Routes: []notify.Route{{To: []string{"hook"}, Digest: tc.digest}}})
		observe(t, n, c.now(), 1)
		observe(t, n, c.now(), 2, tc.item)
		want := local(tc.want)
		if want.After(c.now()) {
			c.add(want.Sub(c.now()) - time.Minute)
			if deliver(t, n); len(r.order) != 0 {
				t.Errorf("at %s: told before %s", tc.now, tc.want)
			}
			c.add(time.Minute)
		}
		if deliver(t, n); len(r.order) != 1 {
			t.Errorf("at %s: %d messages at %s", tc.now, len(r.order), tc.want)
		}
	}
}

// What opens and is resolved before the digest is told as resolved alone, what
// opens and changes as opened; people with an address get their own.
func TestOneMessageForEachPerson(t *testing.T) {
	sent := map[string]*notify.Message{}
	n := notifier(t, notify.Options{DB: sqlite(t), Address: func(p string) string {
		if p == "maria.keller" {
			return "maria@acme.example"
		}
		return ""
	}, Routes: everything("mail"), Channels: []notify.Channel{{Name: "mail", Personal: true, Sender: senderFunc(func(_ context.Context, m *notify.Message) error {
		sent[m.Recipient] = m
		return nil
	})}}})
	observe(t, n, noon, 1)
	mine, other, gone := finding(1, "open"), finding(2, "open"), finding(3, "open")
	other.Owner = "marek"
	observe(t, n, noon, 2, mine, other, gone)
	mine.Status, gone.State = "stale", "resolved"
	observe(t, n, noon, 3, mine, other, gone)
	deliver(t, n)
	m := sent["maria.keller"]
	if len(sent) != 2 || m == nil || m.Total != 2 || len(m.Groups) != 1 || sent[""] == nil || sent[""].Groups[0].Owner != "marek" {
		t.Fatalf("%+v", sent)
	}
	if a, b := m.Groups[0].Changes[0], m.Groups[0].Changes[1]; a.Type != notify.Opened || a.Item.Status != "stale" || b.Type != notify.Resolved {
		t.Errorf("%+v", m.Groups)
	}
}

func TestRoutes(t *testing.T) {
	for name, tc := range map[string]struct {
		route notify.Route
		takes bool
	}{
		"all":           {notify.Route{}, true},
		"its topic":     {notify.Route{Topics: []notify.Topic{notify.TopicFinding}}, true},
		"another topic": {notify.Route{Topics: []notify.Topic{notify.TopicShadow}}, false},
		"severity":      {notify.Route{Severities: []string{"minor", "major"}}, true},
		"less severe":   {notify.Route{Severities: []string{"minor"}}, false},
		"above":         {notify.Route{Controls: []string{"A.6"}}, true},
		"beside":        {notify.Route{Controls: []string{"A.6.2.40", "A.6.2.3"}}, false},
		"its system":    {notify.Route{Systems: []string{"chat"}}, true},
		"no system":     {notify.Route{Systems: []string{"other"}}, false},
		"its owner":     {notify.Route{Owners: []string{"maria.keller"}}, true},
		"its change":    {notify.Route{Changes: []notify.ChangeType{notify.Opened}}, true},
		"another one":   {notify.Route{Changes: []notify.ChangeType{notify.Resolved}}, false},
	} {
		r := receive(t)
		tc.route.To = []string{"hook", "hook"}
		n := notifier(t, notify.Options{DB: sqlite(t), Channels: []notify.Channel{r.channel("hook")}, Routes: []notify.Route{tc.route, tc.route}})
		it := finding(1, "open")
		it.Systems = []string{"chat"}
		observe(t, n, noon, 1)
		observe(t, n, noon, 2, it)
		deliver(t, n)
		if got := len(r.changes()); got > 1 || (got == 1) != tc.takes {
			t.Errorf("%s: %d changes told", name, got)
		}
	}
}

// The vector is that of the Standard Webhooks libraries.
func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	key, err := notify.SigningKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	at, body := time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	const id, want = "msg_p5jXN8AQM9LWM0D4loKWxJek", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := notify.Sign(key, id, at, body); got != want {
		t.Errorf("signature %s", got)
	}
	h := header(id, "1614265330", "v1,bm9uc2Vuc2U= "+want)
	if err := notify.Verify(key, h, body, at.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another body": notify.Verify(key, h, []byte(`{"test": 2432232315}`), at),
		"another id":   notify.Verify(key, header("msg_x", "1614265330", want), body, at),
		"another time": notify.Verify(key, header(id, "1614265331", want), body, at),
		"late":         notify.Verify(key, h, body, at.Add(6*time.Minute)),
		"early":        notify.Verify(key, h, body, at.Add(-6*time.Minute)),
		"no time":      notify.Verify(key, header(id, "", want), body, at),
		"another key":  notify.Verify(append([]byte{1}, key...), h, body, at),
	} {
		if err == nil {
			t.Errorf("%s holds", name)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", "whsec_!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := notify.SigningKey(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) && len(bad) > 6 {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func header(id, at, signature string) http.Header {
	h := http.Header{}
	h.Set(notify.HeaderID, id)
	h.Set(notify.HeaderTimestamp, at)
	h.Set(notify.HeaderSignature, signature)
	return h
}
