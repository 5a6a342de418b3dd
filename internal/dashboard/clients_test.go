package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
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
// reads, and prints how long they waited: first all of them for the same, again
// and again without a pause, then everybody for anything, with a pause to read.
// EXHIBIT_LOAD_CLIENTS says how many; a quiet machine is needed to judge by it:
//
//	EXHIBIT_LOAD_CLIENTS=50 EXHIBIT_LOAD_RECORDS=1000000 EXHIBIT_LOAD_DIR=… go test -count=1 -v -run 'TestLoadClients$' ./internal/dashboard
func TestLoadClients(t *testing.T) {
	clients, each, mixed, pause := 4, 20*time.Millisecond, 50*time.Millisecond, time.Millisecond
	if s := os.Getenv("EXHIBIT_LOAD_CLIENTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		clients, each, mixed, pause = n, 2*time.Second, time.Minute, time.Second
	}
	o := loaded(t)
	rows := o.loadRows()
	for _, r := range rows {
		for _, who := range o.crowd(clients) { // as a client that was here before
			r.ask(who)
		}
	}
	t.Logf("%d clients\n%-78s %9s %9s %9s %9s", clients, "", "p50", "p95", "max", "a second")
	for _, r := range rows {
		var all waited
		all.run(o.crowd(clients), each, 0, func(who access.Principal, _ int) time.Duration { return r.ask(who) })
		t.Log(all.line(r.path, each))
	}
	var all waited
	all.run(o.crowd(clients), mixed, pause, func(who access.Principal, i int) time.Duration { return rows[i%len(rows)].ask(who) })
	t.Log(all.line(fmt.Sprintf("anything, a request each %v", pause), mixed))
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
	ask  func(access.Principal) time.Duration
}

func (o *org) loadRows() []loadRow {
	var out []loadRow
	for _, path := range o.loadPaths(o.crowd(1)[0]) {
		out = append(out, loadRow{path, func(who access.Principal) time.Duration { return o.timed(who, path) }})
	}
	programmes := o.programmes()
	for _, path := range o.operations() {
		out = append(out, loadRow{path, func(who access.Principal) time.Duration {
			w := &discard{header: http.Header{}}
			r := httptest.NewRequestWithContext(access.WithPrincipal(o.t.Context(), who), http.MethodGet, path, nil)
			begun := time.Now()
			programmes.ServeHTTP(w, r)
			took := time.Since(begun)
			if w.status >= http.StatusBadRequest {
				o.t.Errorf("%s: status %d", path, w.status)
			}
			return took
		}})
	}
	return out
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
		"/v1/questions", "/v1/plan", "/v1/populations", "/v1/populations/" + v.Assessment.Populations[0].Expectation + "/items", "/v1/gaps", "/v1/runs", "/v1/waivers",
		"/v1/statements", "/v1/reviews", "/v1/shadow", "/v1/shadow-coverage", "/v1/evidence", "/v1/evidence?latest=true&limit=500",
		"/v1/evidence?kind=inventory.ai_system", "/v1/evidence/" + ev.Digest.String(), "/v1/counts", "/v1/ledger/checkpoint", "/v1/ledger/proofs/" + ev.Digest.String(), "/v1/exports"}
}

// waited is how long clients waited.
type waited struct {
	mu   sync.Mutex
	took []time.Duration
}

// run lets clients ask for a while, with a pause after each answer.
func (l *waited) run(clients []access.Principal, during, pause time.Duration, ask func(who access.Principal, i int) time.Duration) {
	var wait sync.WaitGroup
	end := time.Now().Add(during)
	for c, who := range clients {
		wait.Go(func() {
			if pause > 0 {
				time.Sleep(pause * time.Duration(c) / time.Duration(len(clients)))
			}
			for i := c; i == c || time.Now().Before(end); i++ {
				d := ask(who, i*7)
				l.mu.Lock()
				l.took = append(l.took, d)
				l.mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	wait.Wait()
}

// line is a row of the table.
func (l *waited) line(name string, during time.Duration) string {
	slices.Sort(l.took)
	at := func(share int) time.Duration { return round(l.took[(len(l.took)-1)*share/100]) }
	return fmt.Sprintf("%-78.78s %9v %9v %9v %9.0f", strings.ReplaceAll(name, "\n", " "), at(50), at(95), at(100), float64(len(l.took))/during.Seconds())
}
