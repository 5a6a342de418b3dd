package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/api"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// TestLoadClients lets clients ask for each page and each operation of the API that
// reads, and prints as it goes what that took: first one client alone, then all of
// them for the same, without a pause, then everybody for anything, with a pause to
// read. Nothing of it takes longer than it may: a page that is slow is asked for less
// often. EXHIBIT_LOAD_CLIENTS says how many; a quiet machine is needed to judge by it:
//
//	EXHIBIT_LOAD_CLIENTS=50 EXHIBIT_LOAD_RECORDS=1000000 EXHIBIT_LOAD_DIR=… go test -count=1 -v -run 'TestLoadClients$' ./internal/dashboard
func TestLoadClients(t *testing.T) {
	clients, each, mixed, pause := 4, 20*time.Millisecond, 50*time.Millisecond, time.Millisecond
	if s := os.Getenv("EXHIBIT_LOAD_CLIENTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		clients, each, mixed, pause = n, time.Second, time.Minute, time.Second
	}
	begun := time.Now()
	o := loaded(t)
	rows := o.loadRows()
	t.Logf("%d pages and operations, %d clients on %d processors: about %v from here on", len(rows), clients, runtime.GOMAXPROCS(0),
		(time.Duration(len(rows))*(each+each/2) + mixed).Round(time.Second))
	t.Logf("%-70s %9s %9s | %9s %9s %9s %9s %8s %6s", "", "alone", "work each", "p50", "p95", "p99", "max", "a second", "errors")
	crowd := o.crowd(clients)
	for _, r := range rows {
		r.ask(crowd[0]) // as a client that was here before
		alone := o.crowded(r.path, crowd[:1], each/10, 0, func(who access.Principal, _ int) answerOf { return r.ask(who) })
		all := o.crowded(r.path, crowd, each, 0, func(who access.Principal, _ int) answerOf { return r.ask(who) })
		t.Logf("%-70.70s %9v %9v | %s", strings.ReplaceAll(r.path, "\n", " "), alone.at(50), alone.work(), all)
	}
	all := o.crowded("anything", crowd, mixed, pause, func(who access.Principal, i int) answerOf { return rows[i%len(rows)].ask(who) })
	t.Logf("%-70s %9s %9v | %s", fmt.Sprintf("anything, a request each %v of each client", pause), "", all.work(), all)
	t.Logf("all of it took %v", time.Since(begun).Round(time.Second))
}

// crowd are clients of accounts of their own.
func (o *org) crowd(n int) []access.Principal {
	out := make([]access.Principal, n)
	for i := range out {
		out[i] = someone("person-"+strconv.Itoa(i), access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	}
	return out
}

// loadRow is a page or an operation.
type loadRow struct {
	path string
	ask  func(access.Principal) answerOf
}

// answerOf is how long an answer took, and whether it was one.
type answerOf struct {
	took   time.Duration
	status int
	ok     bool
}

func (o *org) loadRows() []loadRow {
	var out []loadRow
	for _, path := range o.loadPaths(o.crowd(1)[0]) {
		out = append(out, loadRow{path, func(who access.Principal) answerOf {
			a := timedBy(o.as(who), o.request(path))
			a.ok = a.ok || a.status == http.StatusNotFound // of what is not there
			return a
		}})
	}
	programmes := o.programmes()
	for _, path := range o.operations() {
		out = append(out, loadRow{path, func(who access.Principal) answerOf {
			return timedBy(programmes, httptest.NewRequestWithContext(access.WithPrincipal(o.t.Context(), who), http.MethodGet, path, nil))
		}})
	}
	return out
}

// timedBy lets a handler answer a request.
func timedBy(h http.Handler, r *http.Request) answerOf {
	w := &discard{header: http.Header{}}
	begun := time.Now()
	h.ServeHTTP(w, r)
	return answerOf{time.Since(begun), w.status, w.status < http.StatusBadRequest}
}

// programmes is the API before the store of the organisation.
func (o *org) programmes() *api.API {
	o.t.Helper()
	db, err := opsdb.OpenFile(o.t.Context(), filepath.Join(o.t.TempDir(), "ops.db"))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { db.Close() })
	if err := api.Migrate(o.t.Context(), db); err != nil {
		o.t.Fatal(err)
	}
	a, err := api.New(api.Options{DB: db, Service: o.service, Exports: o.exports, Logger: o.dash.Logger, Clock: o.dash.Clock, Version: "test",
		Payload: access.NewJournal(func(ctx context.Context, entries ...store.NewEntry) error {
			_, err := o.store.Append(ctx, store.Batch{Entries: entries})
			return err
		}, o.dash.Clock)})
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// operations are those of the API that read, but for what is no answer to one
// question: the stream of events and files.
func (o *org) operations() []string {
	v := o.view()
	ev := o.someEvidence("")
	system, finding := url.PathEscape(v.Systems()[0].ID), v.Findings[0].ID
	return []string{"/v1/openapi.json", "/v1/controls", "/v1/controls/A.6.2.4", "/v1/results", "/v1/results?limit=500", "/v1/expectations",
		"/v1/findings", "/v1/findings?state=all&limit=500", "/v1/findings/" + finding, "/v1/today", "/v1/waiting", "/v1/systems", "/v1/systems/" + system + "/trace",
		"/v1/questions", "/v1/plan", "/v1/readiness/stage1", "/v1/bodies", "/v1/populations", "/v1/populations/" + v.Assessment.Populations[0].Expectation + "/items", "/v1/gaps", "/v1/runs", "/v1/waivers",
		"/v1/statements", "/v1/reviews", "/v1/shadow", "/v1/shadow-coverage", "/v1/evidence", "/v1/evidence?latest=true&limit=500",
		"/v1/evidence?kind=inventory.ai_system", "/v1/evidence/" + ev.Digest.String(), "/v1/counts", "/v1/ledger/checkpoint", "/v1/ledger/proofs/" + ev.Digest.String(), "/v1/exports"}
}

// waited is how long clients waited, and what their answers cost.
type waited struct {
	mu        sync.Mutex
	took      []time.Duration // in order once all have ended
	errors    int
	during    time.Duration
	processor time.Duration
}

// crowded lets clients ask for a while, each at least once, with a pause after each
// answer. Nobody begins again once the time is over.
func (o *org) crowded(name string, clients []access.Principal, during, pause time.Duration, ask func(who access.Principal, i int) answerOf) *waited {
	l := &waited{}
	var wait sync.WaitGroup
	begun, worked := time.Now(), processor(o.t)
	end := begun.Add(during)
	for c, who := range clients {
		wait.Go(func() {
			if pause > 0 {
				time.Sleep(pause * time.Duration(c) / time.Duration(len(clients)))
			}
			for i := c; i == c || time.Now().Before(end); i++ {
				a := ask(who, i*7)
				l.mu.Lock()
				l.took = append(l.took, a.took)
				if !a.ok {
					l.errors++
				}
				l.mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	wait.Wait()
	l.during, l.processor = time.Since(begun), processor(o.t)-worked
	slices.Sort(l.took)
	if l.errors > 0 {
		o.t.Errorf("%s: %d of %d answers were errors", name, l.errors, len(l.took))
	}
	return l
}

// at is how long so many of a hundred did not wait longer than.
func (l *waited) at(share int) time.Duration { return round(l.took[(len(l.took)-1)*share/100]) }

// work is what an answer cost of processors.
func (l *waited) work() time.Duration { return round(l.processor / time.Duration(len(l.took))) }

func (l *waited) String() string {
	return fmt.Sprintf("%9v %9v %9v %9v %8.0f %6d", l.at(50), l.at(95), l.at(99), l.at(100), float64(len(l.took))/l.during.Seconds(), l.errors)
}
