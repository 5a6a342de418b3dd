package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
)

// loadEnd is the instant up to which the large organisation was collected.
var loadEnd = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// largeOrg is an invented organisation with many records, in a SQLite store of
// its own, or in the directory that EXHIBIT_LOAD_DIR names, where it is found
// again.
func largeOrg(t testing.TB, records int) *org {
	t.Helper()
	dir := os.Getenv("EXHIBIT_LOAD_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, "exhibit.yaml")
	key, err := ledger.LoadOrCreateKey(filepath.Join(dir, "exhibit.key"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "exhibit.db")
	_, missing := os.Stat(file)
	if err := os.WriteFile(path, []byte("version: 1\norganization: acme\nstore: exhibit.db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(file, sqlite.Options{Signer: key.Signer(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if errors.Is(missing, os.ErrNotExist) {
		fill(t, st, records)
	}
	return newOrg(t, st, path, loadEnd.Add(time.Hour), key)
}

// fill collects an organisation of 50 AI systems, most of whose records are
// changes and their reviews.
func fill(t testing.TB, st store.Store, records int) {
	t.Helper()
	add := func(b store.Batch) {
		if _, err := st.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	run := evidence.Run{ID: "load", StartedAt: loadEnd.Add(-time.Hour), Provenance: evidence.Provenance{Agent: "exhibit", Source: "code", Connector: "github", Method: "api", Reliability: "direct_api"}}
	add(store.Batch{Open: &run})
	var batch []evidence.Record
	for i := range records {
		if batch = append(batch, loadRecord(i, records)); len(batch) == 1000 || i == records-1 {
			add(store.Batch{Run: run.ID, Records: batch})
			batch = nil
		}
	}
	closed := run
	closed.FinishedAt, closed.Status = loadEnd, evidence.RunComplete
	closed.Kinds = map[string]evidence.KindRead{}
	for _, k := range []string{"inventory.ai_system", "github.pull_request", "github.pull_request_review", "oversight.human_decision", "github.org_audit_event"} {
		closed.Kinds[k] = evidence.KindRead{Coverage: "complete", Enumerated: k == "inventory.ai_system", IndependentCount: -1}
	}
	add(store.Batch{Run: run.ID, Close: &store.RunClose{Run: closed, Seen: func(string, string, string) bool { return true }}})
}

// loadRecord is the i-th of so many records, over two years.
func loadRecord(i, records int) evidence.Record {
	const systems, repos = 50, 200
	at := loadEnd.Add(-2 * time.Hour).Add(-time.Duration(records-i) * (2 * 365 * 24 * time.Hour / time.Duration(records))).Truncate(time.Second)
	r := evidence.Record{Major: 1, EventTime: at, CollectedAt: loadEnd.Add(-30 * time.Minute)}
	system, when := "system-"+strconv.Itoa(i%systems), at.Format(time.RFC3339)
	var payload string
	switch n := i / 4; {
	case i < systems:
		r.Kind, r.Subject, r.Key, r.EventTime = "inventory.ai_system", evidence.Subject{Type: "ai_system", ID: system}, system, loadEnd.AddDate(0, -1, 0)
		payload = fmt.Sprintf(`{"system_id":%q,"name":"System %d","owner":"person-%d","deputy":"person-%d","purpose":"p","risk_tier":"limited","stage":"operate","in_scope":true,`+
			`"repositories":[{"name":"acme/repo-%d","production_branch":"main","ai_paths":["model/**"]}]}`, system, i, i%9, i%7, i)
	case i%4 < 2:
		repo := "acme/repo-" + strconv.Itoa(n%repos)
		id := repo + "#" + strconv.Itoa(n)
		r.Subject, r.URL = evidence.Subject{Type: "change", ID: id}, "https://github.example/acme/repo/pull/"+strconv.Itoa(n)
		if i%4 == 0 {
			r.Kind, r.Key = "github.pull_request", id
			payload = fmt.Sprintf(`{"repo":%q,"number":%d,"author":"dev-%d","author_type":"User","base_ref":"main","head_sha":"%040x","merge_commit_sha":"%040x","merged":true,"merged_at":%q,`+
				`"merged_by":"dev-1","state":"closed","draft":false,"files":["model/train.py","README.md"],"files_truncated":false,"title":"A change of the model"}`, repo, n, n%50, n, n, when)
		} else {
			r.Kind, r.Key, r.EventTime = "github.pull_request_review", id+"/1", at.Add(-time.Hour)
			payload = fmt.Sprintf(`{"repo":%q,"pr_number":%d,"review_id":"%d","reviewer":"dev-%d","state":"APPROVED","submitted_at":%q,"commit_sha":"%040x","author_association":"MEMBER"}`,
				repo, n, n, n%50+1, at.Add(-time.Hour).Format(time.RFC3339), n)
		}
	case i%4 == 2:
		r.Kind, r.Subject, r.Key = "oversight.human_decision", evidence.Subject{Type: "ai_system", ID: system}, strconv.Itoa(i)
		payload = fmt.Sprintf(`{"decision_id":"%d","system_id":%q,"action":"accept","ai_output_ref":"out-%d","decided_at":%q,"latency_s":9,"reviewer":"person-%d"}`, i, system, i, when, i%300)
	default:
		r.Kind, r.Subject, r.Key = "github.org_audit_event", evidence.Subject{Type: "record", ID: strconv.Itoa(i)}, strconv.Itoa(i)
		payload = fmt.Sprintf(`{"action":"repo.access","actor":"dev-%d","at":%q,"repo":"acme/repo-%d"}`, i%50, when, i%repos)
	}
	canonical, err := evidence.Canonical([]byte(payload))
	if err != nil {
		panic(err) // of a payload that stands above
	}
	r.Payload = canonical
	return r
}

// TestLoad asks for every page of a large organisation again and again, one
// after another and by fifty at once. EXHIBIT_LOAD_RECORDS says how large;
// with 100,000 records or more no page may take longer than 100 ms in the
// median.
func TestLoad(t *testing.T) {
	records := 4000
	if s := os.Getenv("EXHIBIT_LOAD_RECORDS"); s != "" {
		var err error
		if records, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	o := largeOrg(t, records)
	t.Logf("%d records are there after %v", records, time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	o.conclude()
	t.Logf("the first view took %v: %d results", time.Since(begun).Round(time.Millisecond), len(o.view().Assessment.Results))
	who := someone("person-1", access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	all := addresses(o)
	delete(all, "GET /exports/{id}/file") // no export was ordered here
	for _, r := range o.dash.routes {
		for _, path := range all[r.pattern] {
			if r.act != nil || r.needs == access.ReadPayload { // what is put on record grows the ledger
				continue
			}
			first := o.timed(who, path)
			var took []time.Duration
			worked := processor(t)
			for range 15 {
				took = append(took, o.timed(who, path))
			}
			worked = (processor(t) - worked) / 15
			slices.Sort(took)
			t.Logf("%-75.75s first %8v  median %8v  worst %8v  processor %8v", path, round(first), round(took[len(took)/2]), round(took[len(took)-1]), round(worked))
			if limit := 100 * time.Millisecond; records >= 100_000 && took[len(took)/2] > limit {
				t.Errorf("%s: median %v, more than %v", path, took[len(took)/2], limit)
			}
		}
	}
	o.many(who, all, 50)
}

// processor is the time that all processors worked for this process: on a machine
// that others use as well it says more than a clock.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// timed gets a page and says how long the server took.
func (o *org) timed(who access.Principal, path string) time.Duration {
	w := &discard{header: http.Header{}}
	begun := time.Now()
	o.as(who).ServeHTTP(w, o.request(path))
	took := time.Since(begun)
	if w.status >= 300 && w.status != http.StatusNotFound {
		o.t.Errorf("%s: status %d", path, w.status)
	}
	return took
}

// many lets clients ask for all pages at once.
func (o *org) many(who access.Principal, all map[string][]string, clients int) {
	o.t.Helper()
	var paths []string
	for _, r := range o.dash.routes {
		if r.act == nil && r.needs != access.ReadPayload {
			paths = append(paths, all[r.pattern]...)
		}
	}
	var mu sync.Mutex
	var took []time.Duration
	var wait sync.WaitGroup
	begun := time.Now()
	for c := range clients {
		wait.Go(func() {
			for i := range paths {
				d := o.timed(who, paths[(i+c)%len(paths)])
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	lasted := time.Since(begun)
	slices.Sort(took)
	o.t.Logf("%d clients: %d pages in %v, %.0f a second; median %v, 95 of 100 within %v, worst %v", clients, len(took), lasted.Round(time.Millisecond),
		float64(len(took))/lasted.Seconds(), round(took[len(took)/2]), round(took[len(took)*95/100]), round(took[len(took)-1]))
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
