package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/service"
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
		dir = filepath.Join(sharedDir, "large")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
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
	if errors.Is(missing, os.ErrNotExist) {
		fill(t, st, records)
	}
	counted := &countingStore{Store: st}
	o := newOrg(t, counted, path, loadEnd.Add(time.Hour), key)
	o.reads = &counted.reads
	return o
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

// loadRecords is how many records EXHIBIT_LOAD_RECORDS asks for.
func loadRecords(t testing.TB) int {
	t.Helper()
	s := os.Getenv("EXHIBIT_LOAD_RECORDS")
	if s == "" {
		return 4000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// loaded is the large organisation, with its first view and what is kept warm.
func loaded(t testing.TB) *org {
	t.Helper()
	large.Do(func() {
		begun := time.Now()
		largest = largeOrg(t, loadRecords(t))
		largest.conclude()
		t.Logf("%d records, %d results: the first view after %v", loadRecords(t), len(largest.view().Assessment.Results), time.Since(begun).Round(time.Millisecond))
		for _, step := range []struct {
			made string
			make func(context.Context, *service.View) error
		}{{"what pages need of it", largest.dash.warm}, {"the timelines", func(ctx context.Context, v *service.View) error {
			return largest.dash.timelines(ctx, largest.dash.prepare(v)).err
		}}} {
			begun, worked := time.Now(), processor(t)
			if err := step.make(t.Context(), largest.view()); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %v, of processors %v", step.made, time.Since(begun).Round(time.Millisecond), (processor(t) - worked).Round(time.Millisecond))
		}
		runtime.GC() // what that left is not the first page's to sweep
	})
	if largest == nil {
		t.Fatal("the large organisation was not made")
	}
	mine := *largest
	mine.t = t
	return &mine
}

// What loaded makes once.
var (
	large   sync.Once
	largest *org
)

// loadPaths are the pages that can be asked for again and again: what is put on
// record grows the ledger.
func (o *org) loadPaths(who access.Principal) []string {
	var out []string
	all := addresses(o)
	for _, r := range o.dash.routes {
		if strings.HasPrefix(r.pattern, "GET ") && r.send == nil && r.needs != access.ReadPayload && who.May(r.needs) {
			out = append(out, all[r.pattern]...)
		}
	}
	return out
}

// What a page may cost, however much evidence there is.
const (
	mostReads = 60 // of the store
	mostWork  = 50 * time.Millisecond
	mostFirst = 100 * time.Millisecond // where what others need too is made on the way
)

// TestLoad asks for every page of a large organisation, for the first time and
// again, and says what it cost. EXHIBIT_LOAD_RECORDS says how large; the processor
// is looked at with 100,000 records or more, the reads always.
func TestLoad(t *testing.T) {
	o := loaded(t)
	who := someone("person-1", access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	strict := loadRecords(t) >= 100_000
	// Garbage is not collected meanwhile: it would be counted as the work of
	// whichever page is asked for then. How much each makes is told beside.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, path := range o.loadPaths(who) {
		if strings.Contains(path, "as_of=") {
			o.timed(who, path) // reads the whole ledger, in turn: see service.Past
		}
		first := o.cost(who, path)
		again := o.cost(who, path)
		for range 4 {
			if c := o.cost(who, path); c.work < again.work {
				again = c
			}
		}
		t.Logf("%-76.76s first %8v %4d kB %2d reads   again %8v %4d kB %2d reads", path, round(first.work), first.bytes>>10, first.reads, round(again.work), again.bytes>>10, again.reads)
		if first.reads > mostReads {
			t.Errorf("%s: %d reads of the store, more than %d", path, first.reads, mostReads)
		}
		if strict && (first.work > mostFirst || again.work > mostWork) {
			t.Errorf("%s: %v, and %v again, more than %v and %v", path, first.work, again.work, mostFirst, mostWork)
		}
	}
}

// cost is what a page took.
type cost struct {
	work  time.Duration // of processors
	bytes uint64        // of memory
	reads int64         // of the store
}

func (o *org) cost(who access.Principal, path string) cost {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reads, work := o.reads.Load(), processor(o.t)
	o.timed(who, path)
	work = processor(o.t) - work
	runtime.ReadMemStats(&after)
	return cost{work, after.TotalAlloc - before.TotalAlloc, o.reads.Load() - reads}
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

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
