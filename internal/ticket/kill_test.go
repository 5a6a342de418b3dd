package ticket_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/ticket"
)

// childEnv makes the test binary the process that is killed.
const childEnv = "EXHIBIT_TICKET_TEST_CHILD"

// child keeps tickets as the world is that it is told of, until that is over.
func child(ctx context.Context, args []string) error {
	where, kind, trackerURL, worldURL := args[0], args[1], args[2], args[3]
	open := opsdb.OpenFile
	if strings.Contains(where, "://") {
		open = opsdb.OpenURL
	}
	db, err := open(ctx, where)
	if err != nil {
		return err
	}
	var t ticket.Tracker
	if kind == "github" {
		t, err = ticket.NewGitHub(ticket.GitHubOptions{BaseURL: trackerURL, Owner: "acme", Repo: "aims", Token: fixed("x"), Every: time.Microsecond})
	} else {
		t, err = ticket.NewJira(ticket.JiraOptions{URL: trackerURL, Email: "a@b", Token: fixed("x"), Project: "AIMS", Type: "Task", Every: time.Microsecond})
	}
	if err != nil {
		return err
	}
	s, err := ticket.New(ctx, ticket.Options{DB: db, Trackers: []ticket.Tracker{t}, Node: "n", PerHour: 1000, Settle: 250 * time.Millisecond,
		Lease: 400 * time.Millisecond, Request: 100 * time.Millisecond, Quiet: time.Nanosecond})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		findings, over, err := told(ctx, worldURL)
		if err != nil || over {
			return err
		}
		out, err := s.Sync(ctx, findings)
		if err != nil {
			return err
		}
		if out[0].Err != nil {
			fmt.Fprintln(os.Stderr, out[0].Err)
		}
		if r := out[0]; r.Err == nil && r.Skipped == "" && !r.Unfinished && r.Waiting == 0 {
			if _, _, err := told(ctx, worldURL+"/next"); err != nil {
				return err
			}
		}
		if _, err := db.ExecContext(ctx, "UPDATE ticket_tracker SET not_before = 0"); err != nil { // no waiting in a test
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func told(ctx context.Context, url string) ([]ticket.Finding, bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, true, nil
	}
	var out []ticket.Finding
	err = json.NewDecoder(resp.Body).Decode(&out)
	return out, false, err
}

// stateAt is how a finding is in a round: open, resolved, and open again.
func stateAt(n, round int) ticket.Finding {
	f := finding(n, "open")
	switch phase := (round - n/3) / 4; {
	case phase < 0:
		f.State = "unborn"
	case phase%2 == 1:
		f.State = "resolved"
		f.Since = began.Add(time.Duration(phase-1) * time.Hour)
	default:
		f.Since = began.Add(time.Duration(phase) * time.Hour)
		f.Status = []string{"failing", "missing", "stale"}[round%3]
	}
	return f
}

const people, rounds = 9, 14

// Killed at random points, with a tracker that loses answers, hangs and turns
// away: at the end each finding has one ticket, as it should be, and no comment
// is there twice.
func TestOneTicketEachWhateverHappens(t *testing.T) {
	kills := 12
	if v, err := strconv.Atoi(os.Getenv("EXHIBIT_TICKET_KILLS")); err == nil {
		kills = v
	}
	t.Run("github sqlite", func(t *testing.T) { killed(t, "github", filepath.Join(t.TempDir(), opsdb.FileName), kills) })
	t.Run("jira postgres", func(t *testing.T) { killed(t, "jira", server.Database(t), kills) })
}

func killed(t *testing.T, kind, where string, kills int) {
	fake := imitate(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	often, seldom := randomFaults(rnd, 3), randomFaults(rnd, 12)
	fake.lag = 100 * time.Millisecond
	fake.fault = func(r *http.Request) fault {
		if creates(r) { // there are few of them
			return often(r)
		}
		return seldom(r)
	}
	var mu sync.Mutex
	round, done := 0, 0
	tell := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/next" {
			round++
		}
		if round >= rounds && done >= kills {
			w.WriteHeader(http.StatusGone)
			return
		}
		var out []ticket.Finding
		for n := range people {
			if f := stateAt(n, min(round, rounds-1)); f.State != "unborn" {
				out = append(out, f)
			}
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(tell.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(kills)*2*time.Second)
	defer cancel()
	var said strings.Builder
	for ended := 0; ; ended++ {
		if ended > kills+5 {
			t.Fatalf("the keeper of tickets ends by itself, in round %d of %d: %s", round, rounds, last(said.String()))
		}
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{where, kind, fake.URL, tell.URL}, " "))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		said.Reset()
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err == nil {
			mu.Lock()
			more := done < kills
			mu.Unlock()
			if more {
				time.Sleep(time.Duration(rnd.IntN(600_000)) * time.Microsecond)
				if cmd.Process.Kill() == nil {
					mu.Lock()
					done++
					mu.Unlock()
				}
			}
		}
		_, _ = io.Copy(io.Discard, out)
		err = cmd.Wait()
		if ctx.Err() != nil {
			t.Fatalf("it does not end: round %d of %d after %d kills, asked %v, last said: %s", round, rounds, done, fake.asked, last(said.String()))
		}
		if err == nil {
			break
		}
	}
	check(t, fake)
	t.Logf("%d kills, %d tickets, asked %v", done, len(fake.issues), fake.asked)
}

// last is the end of a text.
func last(text string) string { return text[max(0, len(text)-300):] }

var (
	anyFinding = regexp.MustCompile(`F-[0-9]{12}`)
	anyMark    = regexp.MustCompile(`exhibit comment (F-[0-9]{12} [A-Za-z0-9-]+)`)
)

func check(t *testing.T, fake *tracker) {
	t.Helper()
	tickets := map[string]*issue{}
	for _, i := range fake.issues {
		id := anyFinding.FindString(i.title)
		if tickets[id] != nil {
			t.Errorf("%s has two tickets", id)
		}
		tickets[id] = i
		marks := map[string]int{}
		for _, c := range i.comments {
			m := anyMark.FindSubmatch(c)
			if m == nil {
				t.Fatalf("a comment without a mark: %s", c)
			}
			if marks[string(m[1])]++; marks[string(m[1])] > 1 {
				t.Errorf("said twice: %s", m[1])
			}
		}
	}
	for n := range people {
		f := stateAt(n, rounds-1)
		i := tickets[f.ID]
		switch {
		case f.State == "unborn":
		case i == nil && f.State == "open":
			t.Errorf("%s has no ticket", f.ID)
		case i != nil && i.open != (f.State == "open"):
			t.Errorf("%s is %s, its ticket open: %v", f.ID, f.State, i.open)
		}
	}
}
