package telemetry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	server := httptest.NewServer(m)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", res.StatusCode, err)
	}
	return string(body)
}

// wants fails for each line that a scrape lacks.
func wants(t *testing.T, scraped string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+scraped, "\n"+l+"\n") {
			t.Errorf("the scrape lacks %q", l)
		}
	}
}

func fill(m *Metrics) {
	at := time.Unix(1_700_000_000, 0)
	m.RunEnded(Run{Source: "code", Status: "partial", Took: 3 * time.Second, New: 4, Revised: 2, Unchanged: 90, Requests: 12, NotModified: 9,
		Gaps: map[string]int{"denied": 2}})
	m.RunEnded(Run{Source: "code", Status: "complete", Took: time.Second, Requests: 12, NotModified: 12})
	m.Ticked("code", TickDue, 1)
	m.Ticked("code", TickMissed, 3)
	m.Looked(at)
	m.Process("github", ProcessStarted)
	m.Process("github", ProcessKilled)
	m.Appended(3 * time.Millisecond)
	m.Assessed(300 * time.Millisecond)
	m.Notified("mail", nil)
	m.Notified("mail", errors.New("refused"))
	m.Ticketed("jira", "opened")
	m.Reloaded(at, nil)
	m.Observe(State{AsOf: at, Results: map[string]int{"satisfied": 40, "missing": 2}, Controls: map[string]int{"failing": 1, "news": 1},
		Open: map[string]int{"major": 3}, Overdue: map[string]int{"major": 1}, ShadowOpen: 5, Expiring: map[string]int{"7d": 2}, LedgerSize: 1234, CheckpointAt: at})
	m.ObserveJobs(2, 1)
	m.ObserveOutbox(7)
}

func TestMetrics(t *testing.T) {
	m := NewMetrics(Build{Version: "1.2.3"}, time.Unix(1_600_000_000, 0))
	if got := scrape(t, m); strings.Contains(got, "exhibit_findings_open") || strings.Contains(got, "exhibit_jobs") {
		t.Error("what nobody observed is shown")
	}
	fill(m)
	got := scrape(t, m)
	wants(t, got,
		`exhibit_runs_total{source="code",status="partial"} 1`, `exhibit_run_records_total{change="unchanged",source="code"} 90`,
		`exhibit_run_gaps_total{reason="denied",source="code"} 2`, `exhibit_source_requests_total{source="code"} 24`,
		`exhibit_source_not_modified_total{source="code"} 21`, `exhibit_run_duration_seconds_count{source="code"} 2`,
		`exhibit_ticks_total{outcome="missed",source="code"} 3`, `exhibit_last_tick_timestamp_seconds 1.7e+09`,
		`exhibit_connector_processes_total{connector="github",event="killed"} 1`, `exhibit_store_append_duration_seconds_count 1`,
		`exhibit_assess_duration_seconds_sum 0.3`, `exhibit_notifications_total{channel="mail",outcome="failed"} 1`,
		`exhibit_tickets_total{action="opened",tracker="jira"} 1`, `exhibit_config_valid 1`, `exhibit_results{status="satisfied"} 40`,
		`exhibit_results{status="not_assessed"} 0`, `exhibit_controls{status="other"} 1`, `exhibit_findings_open{severity="major"} 3`,
		`exhibit_findings_overdue{severity="minor"} 0`, `exhibit_shadow_cases_open 5`, `exhibit_evidence_expiring{within="7d"} 2`,
		`exhibit_ledger_entries 1234`, `exhibit_ledger_checkpoint_timestamp_seconds 1.7e+09`, `exhibit_jobs{state="waiting"} 2`, `exhibit_outbox_depth 7`)
	if !strings.Contains(got, `version="1.2.3"`) || !strings.Contains(got, "go_goroutines") || !strings.Contains(got, "process_resident_memory_bytes") {
		t.Error("build, runtime or process is missing")
	}
	m.Reloaded(time.Now(), errors.New("line 3"))
	wants(t, scrape(t, m), `exhibit_config_valid 0`, `exhibit_config_reloads_total{outcome="refused"} 1`)
}

// The names and texts are as Prometheus wants them.
func TestMetricsLint(t *testing.T) {
	m := NewMetrics(Build{Version: "1"}, time.Now())
	fill(m)
	m.served("/controls/{id}", "GET", 200, time.Millisecond)
	problems, err := promlint.New(strings.NewReader(scrape(t, m))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "exhibit_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// Neither a flood of names nor words that nobody knows make a flood of series.
func TestMetricsAreBounded(t *testing.T) {
	m := NewMetrics(Build{Version: "1"}, time.Now())
	for i := range maxValues + 50 {
		name := fmt.Sprintf("s%d", i)
		m.RunEnded(Run{Source: name, Status: name})
		m.served("/"+name, name, i, 0)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		values := map[string]map[string]bool{}
		for _, s := range f.GetMetric() {
			for _, l := range s.GetLabel() {
				if values[l.GetName()] == nil {
					values[l.GetName()] = map[string]bool{}
				}
				values[l.GetName()][l.GetValue()] = true
			}
		}
		for label, seen := range values {
			if len(seen) > maxValues+1 || (label == "status" || label == "method") && len(seen) > 1 {
				t.Errorf("%s{%s} has %d values", f.GetName(), label, len(seen))
			}
		}
	}
	wants(t, scrape(t, m), `exhibit_runs_total{source="other",status="other"} 50`)
}

// Nobody has to ask whether metrics and traces are wanted.
func TestNilTakesEveryCall(t *testing.T) {
	var m *Metrics
	fill(m)
	var tr *Tracing
	ctx, span := tr.Start(t.Context(), "run", Source("code"))
	span.Set(Status("complete"))
	span.End(errors.New("x"))
	if err := tr.Close(ctx); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	HTTP(m, tr, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
	w = httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}
