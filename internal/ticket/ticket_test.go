package ticket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := child(context.Background(), strings.Fields(args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { server = s }))
}

func fixed(s string) ticket.Secret {
	return func(context.Context) (string, error) { return s, nil }
}

func gitHub(t testing.TB, url string) ticket.Tracker {
	t.Helper()
	g, err := ticket.NewGitHub(ticket.GitHubOptions{BaseURL: url, Owner: "acme", Repo: "aims", Labels: []string{"compliance"}, Token: fixed("gh-s3cret"), Every: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func jiraCloud(t testing.TB, url string) ticket.Tracker {
	t.Helper()
	j, err := ticket.NewJira(ticket.JiraOptions{URL: url, Email: "bot@acme.example", Token: fixed("jira-s3cret"), Project: "AIMS", Type: "Task", Every: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func jiraServer(t testing.TB, url string) ticket.Tracker {
	t.Helper()
	j, err := ticket.NewJira(ticket.JiraOptions{URL: url, Server: true, Token: fixed("jira-s3cret"), Project: "AIMS", Type: "Task", Every: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// each runs a test with each tracker.
func each(t *testing.T, f func(t *testing.T, world *world)) {
	for name, of := range map[string]func(testing.TB, string) ticket.Tracker{"github": gitHub, "jira cloud": jiraCloud, "jira server": jiraServer} {
		t.Run(name, func(t *testing.T) {
			fake := imitate(t)
			w := &world{fake: fake, now: time.Now(), o: ticket.Options{Trackers: []ticket.Tracker{of(t, fake.URL)}, Node: "node", PerHour: 1000, Quiet: time.Nanosecond}}
			w.o.DB = opened(t)(opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), "x.locks", opsdb.FileName)))
			w.o.Clock = func() time.Time { return w.now }
			w.restart(t)
			f(t, w)
		})
	}
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

type world struct {
	fake *tracker
	now  time.Time
	o    ticket.Options
	s    *ticket.Syncer
}

func (w *world) restart(t *testing.T) {
	t.Helper()
	s, err := ticket.New(t.Context(), w.o)
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
}

func (w *world) sync(t *testing.T, findings ...ticket.Finding) ticket.Result {
	t.Helper()
	out, err := w.s.Sync(t.Context(), findings)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func (w *world) well(t *testing.T, findings ...ticket.Finding) []string {
	t.Helper()
	r := w.sync(t, findings...)
	if r.Err != nil || r.Skipped != "" {
		t.Fatalf("%v %s", r.Err, r.Skipped)
	}
	var what []string
	for _, a := range r.Acts {
		what = append(what, a.What)
	}
	return what
}

var began = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)

func finding(n int, state string) ticket.Finding {
	due := began.AddDate(0, 1, 0)
	f := ticket.Finding{ID: fmt.Sprintf("F-%012d", n), State: state, Status: "failing", Severity: "major", Grade: "minor", Control: "A.6.2.4", Title: fmt.Sprint("release ", n),
		Detail: "no approval was found", Owner: "maria.keller", DueAt: &due, Since: began, Link: "https://exhibit.acme.example/findings/x"}
	if state == "resolved" {
		f.ResolvedAt = &due
	}
	return f
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("acts: %v, want %v", got, want)
	}
}

func TestLifeOfATicket(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want(t, w.well(t, finding(1, "open"), finding(2, "resolved"), finding(3, "waived")), "open")
		want(t, w.well(t, finding(1, "acknowledged")))
		f := finding(1, "open")
		f.Status, f.Owner = "stale", "marek"
		w.now = w.now.Add(2 * time.Hour)
		want(t, w.well(t, f), "comment", "update")
		want(t, w.well(t, f))
		f.State = "resolved"
		want(t, w.well(t, f), "comment", "close")
		want(t, w.well(t, f))
		i := w.fake.issues[0]
		if i.open || len(w.fake.issues) != 1 || len(i.comments) != 2 || i.edits != 1 {
			t.Fatalf("%+v", i)
		}
		f.State, f.Since = "open", began.AddDate(0, 2, 0)
		want(t, w.well(t, f), "comment", "reopen")
		w.well(t, f)
		if !i.open || len(w.fake.issues) != 1 {
			t.Fatalf("not opened again: %+v", i)
		}
		for token := range w.fake.tokens {
			if !strings.HasPrefix(token, "Bearer gh-s3cret") && !strings.HasPrefix(token, "Bearer jira-s3cret") && !strings.HasPrefix(token, "Basic ") {
				t.Errorf("credential %q", token)
			}
		}
	})
}

func TestWhatPeopleDoByHandStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := finding(1, "open")
		w.well(t, f)
		i := w.fake.issues[0]
		hand := func(open bool) {
			i.open, i.update = open, time.Now()
			w.now = w.now.Add(time.Minute)
		}
		hand(false)
		want(t, w.well(t, f), "comment")
		want(t, w.well(t, f))
		if i.open || len(i.comments) != 1 {
			t.Fatalf("closed by hand: %+v", i)
		}
		f.State = "resolved"
		want(t, w.well(t, f))
		f.State, f.Since = "open", began.AddDate(0, 3, 0)
		want(t, w.well(t, f), "comment", "reopen")
		w.well(t, f)
		f.State = "resolved"
		want(t, w.well(t, f), "comment", "close")
		hand(true)
		want(t, w.well(t, f), "comment")
		want(t, w.well(t, f))
		if !i.open {
			t.Fatal("opened by hand, and closed")
		}
		w.o.Reopen = true
		w.restart(t)
		f.State = "open"
		want(t, w.well(t, f))
		hand(false)
		want(t, w.well(t, f), "comment", "reopen")
		if len(w.fake.issues) != 1 {
			t.Fatalf("%d tickets", len(w.fake.issues))
		}
	})
}

func creates(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "s"), "/issue")
}

// An answer that is lost after the ticket was opened makes no second one, nor
// does the loss of the database.
func TestLostAnswersAndALostDatabase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for n, after := range []string{"lost", "truncated", "502"} {
			w.fake.fault = func(r *http.Request) fault {
				if creates(r) {
					return fault{after: after}
				}
				return fault{}
			}
			f := finding(n, "open")
			if r := w.sync(t, f); r.Err == nil || r.Waiting != 1 {
				t.Fatalf("%s: %+v", after, r)
			}
			w.fake.fault = nil
			w.now = w.now.Add(2 * time.Minute)
			if len(w.fake.issues) != n+1 {
				t.Fatalf("%s: %d tickets", after, len(w.fake.issues))
			}
			want(t, w.well(t, f), "take_over", "update")
			if len(w.fake.issues) != n+1 {
				t.Fatalf("%s: %d tickets", after, len(w.fake.issues))
			}
		}
		w.o.DB = opened(t)(opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), "new.locks", opsdb.FileName)))
		w.restart(t)
		w.well(t, finding(0, "open"), finding(1, "open"), finding(2, "resolved"))
		if len(w.fake.issues) != 3 || w.fake.issues[2].open {
			t.Fatalf("%d tickets after the database was lost", len(w.fake.issues))
		}
	})
}

// A look may take longer than a tracker needs to show what it did: what is waited
// for is counted from the request, not from the look's begin.
func TestALostAnswerLateInALongLook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var jump atomic.Int64
		w.o.Clock = func() time.Time { return w.now.Add(time.Duration(jump.Load())) }
		w.restart(t)
		w.fake.lag = time.Hour // the new tickets are in no list yet
		first := true
		w.fake.fault = func(r *http.Request) fault {
			switch {
			case creates(r) && first:
				first = false
				jump.Store(int64(9 * time.Minute))
			case creates(r):
				return fault{after: "lost"}
			}
			return fault{}
		}
		all := []ticket.Finding{finding(1, "open"), finding(2, "open")}
		if r := w.sync(t, all...); r.Err == nil || r.Waiting != 1 {
			t.Fatalf("%+v", r)
		}
		w.fake.fault = nil
		w.now = w.now.Add(61 * time.Second)
		if r := w.sync(t, all...); r.Waiting != 1 || len(w.fake.issues) != 2 {
			t.Fatalf("%d tickets of two findings: %+v", len(w.fake.issues), r)
		}
		w.fake.lag = 0
		w.now = w.now.Add(time.Minute)
		want(t, w.well(t, all...), "take_over", "update")
	})
}

// What was surely not done is tried again; what may have been done later is
// waited for.
func TestAnUnansweredRequestIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := finding(1, "open")
		down := func(code int, h http.Header) {
			w.fake.fault = func(r *http.Request) fault {
				if creates(r) {
					return fault{before: code, header: h}
				}
				return fault{}
			}
		}
		down(http.StatusTooManyRequests, http.Header{"Retry-After": {"120"}})
		if r := w.sync(t, f); r.Err == nil {
			t.Fatal("429 is no error")
		}
		w.fake.fault = nil
		if r := w.sync(t, f); r.Skipped == "" {
			t.Fatalf("not left alone: %+v", r)
		}
		w.now = w.now.Add(121 * time.Second)
		w.restart(t)
		down(http.StatusInternalServerError, nil)
		w.sync(t, f)
		w.fake.fault = nil
		w.now = w.now.Add(2 * time.Minute)
		if r := w.sync(t, f); r.Waiting != 1 || len(w.fake.issues) != 0 {
			t.Fatalf("not waited for: %+v", r)
		}
		w.now = w.now.Add(5 * time.Minute)
		want(t, w.well(t, f), "open")
	})
}

func TestTenThousandFindings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.o.PerHour = 40
		w.restart(t)
		var all []ticket.Finding
		for n := range 10_000 {
			f := finding(n, "open")
			if n%100 != 0 {
				f.Severity = "minor"
			}
			all = append(all, f)
		}
		r := w.sync(t, all...)
		if len(w.fake.issues) != 40 || r.Waiting != 9_960 || r.Err != nil {
			t.Fatalf("%d tickets, %d wait: %v", len(w.fake.issues), r.Waiting, r.Err)
		}
		if !strings.Contains(w.fake.issues[39].title, finding(3900, "").ID) {
			t.Errorf("the most severe do not come first: %s", w.fake.issues[39].title)
		}
		w.sync(t, all...)
		if len(w.fake.issues) != 40 {
			t.Fatalf("%d tickets within the hour", len(w.fake.issues))
		}
		w.now = w.now.Add(time.Hour + time.Minute)
		w.sync(t, all...)
		if len(w.fake.issues) != 80 {
			t.Fatalf("%d tickets after an hour", len(w.fake.issues))
		}
	})
}

const hostile = "``` <!-- exhibit finding F-ffffffffffff --> @everyone #1 [x](https://evil.example) ![i](https://evil.example/p) {noformat}{color:red}<script>\r\n<!-- exhibit finding F-eeeeeeeeeeee -->\u202e"

func TestHostileTextIsNoMarkup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := finding(1, "open")
		f.Title, f.Detail, f.Owner, f.NextStep, f.Systems = hostile, hostile, hostile, hostile, []string{hostile}
		w.well(t, f)
		f.State = "resolved"
		w.well(t, f)
		i := w.fake.issues[0]
		if i.body != "" { // GitHub: every line with foreign text is code, and the mark is ours
			lines := strings.Split(i.body, "\n")
			for _, l := range lines[:len(lines)-1] {
				if strings.Contains(l, "evil") && !strings.Contains(l, ": ````") {
					t.Errorf("foreign text outside of code: %s", l)
				}
			}
			if lines[len(lines)-1] != "<!-- exhibit finding "+f.ID+" -->" {
				t.Errorf("mark: %s", lines[len(lines)-1])
			}
			return
		}
		var plain string
		if json.Unmarshal(i.description, &plain) == nil {
			if strings.Count(plain, "{noformat}") != 2 || strings.Contains(plain, "{color") {
				t.Errorf("markup: %s", plain)
			}
			return
		}
		if strings.Contains(string(i.description), `"link"`) || !strings.Contains(string(i.description), `"type":"text"`) {
			t.Errorf("document: %s", i.description)
		}
	})
}

func TestAPlanChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		out, err := w.s.Plan(t.Context(), []ticket.Finding{finding(1, "open"), finding(2, "open")})
		if err != nil || len(out[0].Acts) != 2 || out[0].Acts[0].What != "open" {
			t.Fatalf("%+v %v", out, err)
		}
		if rows, _, err := w.s.List(t.Context()); err != nil || len(rows) != 0 || len(w.fake.issues) != 0 {
			t.Fatalf("%d rows, %d tickets: %v", len(rows), len(w.fake.issues), err)
		}
		for asked := range w.fake.asked {
			if !strings.HasPrefix(asked, "GET ") {
				t.Errorf("asked for %s", asked)
			}
		}
	})
}

func TestADeletedTicketIsNotOpenedAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := finding(1, "open")
		w.well(t, f)
		w.fake.issues = nil
		f.Detail = "another reason"
		want(t, w.well(t, f), "update", "leave")
		want(t, w.well(t, f))
		rows, _, err := w.s.List(t.Context())
		if err != nil || len(rows) != 1 || rows[0].State != ticket.Gone {
			t.Fatalf("%+v %v", rows, err)
		}
	})
}

func TestJiraWithoutADueDate(t *testing.T) {
	fake := imitate(t)
	fake.noDue = true
	j := jiraCloud(t, fake.URL)
	s, err := ticket.New(t.Context(), ticket.Options{DB: opened(t)(opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), "x", opsdb.FileName))), Trackers: []ticket.Tracker{j}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Sync(t.Context(), []ticket.Finding{finding(1, "open"), finding(2, "open")})
	if err != nil || out[0].Err != nil || len(fake.issues) != 2 || fake.asked["POST /rest/api/N/issue"] != 3 {
		t.Fatalf("%+v %v %v", out, err, fake.asked)
	}
}

func TestACredentialThatMayNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fake.fault = func(r *http.Request) fault {
			if r.Method == http.MethodPost {
				return fault{before: http.StatusUnauthorized}
			}
			return fault{}
		}
		r := w.sync(t, finding(1, "open"), finding(2, "open"))
		if r.Err == nil || strings.Contains(r.Err.Error(), "s3cret") {
			t.Fatalf("%+v", r)
		}
		if rows, trackers, err := w.s.List(t.Context()); err != nil || len(rows) != 0 || trackers[0].Failures != 1 || trackers[0].Error == "" {
			t.Fatalf("%+v %+v %v", rows, trackers, err)
		}
	})
}
