package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how things stand: what is shown is always one whole state, never
// parts of two.
type State struct {
	AsOf          time.Time
	Results       map[string]int // by status
	Controls      map[string]int // by status
	Open, Overdue map[string]int // findings by severity
	ShadowOpen    int            // cases of shadow AI that nobody decided
	Expiring      map[string]int // evidence that will expire within 1d, 7d, 30d
	LedgerSize    int64
	CheckpointAt  time.Time
}

// Observe replaces what is shown of how things stand.
func (m *Metrics) Observe(s State) {
	if m != nil {
		m.state.set(func(st *state) { st.known, st.now = true, s })
	}
}

// ObserveJobs replaces what is shown of jobs.
func (m *Metrics) ObserveJobs(waiting, running int) {
	if m != nil {
		m.state.set(func(st *state) { st.jobsKnown, st.waiting, st.running = true, waiting, running })
	}
}

// ObserveOutbox replaces what is shown of messages that wait to be sent.
func (m *Metrics) ObserveOutbox(depth int) {
	if m != nil {
		m.state.set(func(st *state) { st.outboxKnown, st.outbox = true, depth })
	}
}

// state is a collector of gauges that are set together. What nobody observed
// yet is not shown: an absent number is not zero.
type state struct {
	mu                            sync.Mutex
	known, jobsKnown, outboxKnown bool
	now                           State
	waiting, running, outbox      int
}

func (s *state) set(change func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// Describe makes it an unchecked collector: which gauges there are depends on
// what is known.
func (s *state) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobsKnown {
		gauges(out, "exhibit_jobs", "Runs that wait or are under way, in all of the fleet.", "state", map[string]int{"waiting": s.waiting, "running": s.running})
	}
	if s.outboxKnown {
		gauge(out, "exhibit_outbox_depth", "Messages that wait to be sent.", float64(s.outbox))
	}
	if !s.known {
		return
	}
	n := s.now
	gauge(out, "exhibit_state_timestamp_seconds", "The instant of which statuses and findings tell.", seconds(n.AsOf))
	gauges(out, "exhibit_results", "Results, by status.", "status", closed(n.Results, statuses()))
	gauges(out, "exhibit_controls", "Controls, by status.", "status", closed(n.Controls, statuses()))
	gauges(out, "exhibit_findings_open", "Open findings, by severity.", "severity", closed(n.Open, severities()))
	gauges(out, "exhibit_findings_overdue", "Open findings after their due date, by severity.", "severity", closed(n.Overdue, severities()))
	gauge(out, "exhibit_shadow_cases_open", "Cases of shadow AI that are open.", float64(n.ShadowOpen))
	gauges(out, "exhibit_evidence_expiring", "Evidence that will expire within a time.", "within", closed(n.Expiring, []string{"1d", "7d", "30d"}))
	gauge(out, "exhibit_ledger_entries", "Entries of the ledger.", float64(n.LedgerSize))
	gauge(out, "exhibit_ledger_checkpoint_timestamp_seconds", "When the newest checkpoint was signed.", seconds(n.CheckpointAt))
}

func statuses() []string {
	return []string{"not_assessed", "satisfied", "failing", "missing", "stale", "pending_review", "due", "waived", "not_applicable"}
}

func severities() []string { return []string{"major", "minor", "observation"} }

// closed returns a number for each of the known values, so that a status that
// nothing has is shown as 0; what else there is counts as Other.
func closed(have map[string]int, known []string) map[string]int {
	out := map[string]int{}
	for _, k := range known {
		out[k] = 0
	}
	for k, n := range have {
		if _, ok := out[k]; !ok {
			k = Other
		}
		out[k] += n
	}
	return out
}

func gauge(out chan<- prometheus.Metric, name, help string, v float64) {
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, v)
}

func gauges(out chan<- prometheus.Metric, name, help, label string, values map[string]int) {
	desc := prometheus.NewDesc(name, help, []string{label}, nil)
	for k, n := range values {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), k)
	}
}
