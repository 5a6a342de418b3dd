package telemetry

import (
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxValues is how many values of one label are told apart. Further ones count
// as Other.
const maxValues = 1000

// Other is the label of what is not told apart.
const Other = "other"

// Metrics count what the agent does. A nil *Metrics takes every call.
type Metrics struct {
	registry *prometheus.Registry
	bound    map[string]*bound // by label
	state    state

	runs, records, gaps, requests, notModified *prometheus.CounterVec
	ticks, processes, notices, tickets         *prometheus.CounterVec
	httpRequests, reloads                      *prometheus.CounterVec
	runSeconds, httpSeconds                    *prometheus.HistogramVec
	assessSeconds, appendSeconds               prometheus.Histogram
	lastTick, configValid, configRead          prometheus.Gauge
	started                                    prometheus.Gauge
}

// Build says which program it is.
type Build struct {
	Version string
	Node    string // of the fleet; may be empty
}

// NewMetrics returns metrics of a program that begins now.
func NewMetrics(b Build, now time.Time) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), bound: map[string]*bound{}}
	for _, label := range []string{"source", "reason", "connector", "channel", "tracker", "route"} {
		m.bound[label] = &bound{seen: map[string]bool{}}
	}
	m.makeRuns()
	m.makeService()
	info := m.gauge("exhibit_build_info", "The program: always 1.", prometheus.Labels{"version": b.Version, "node": b.Node, "go": runtime.Version()})
	info.Set(1)
	m.started.Set(seconds(now))
	m.configValid.Set(1)
	m.configRead.Set(seconds(now))
	m.registry.MustRegister(&m.state, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) makeRuns() {
	m.runs = m.counter("exhibit_runs_total", "Runs of sources that ended.", "source", "status")
	m.runSeconds = m.histogram("exhibit_run_duration_seconds", "How long runs took.", runBuckets(), "source")
	m.records = m.counter("exhibit_run_records_total", "Records of runs, by what they changed.", "source", "change")
	m.gaps = m.counter("exhibit_run_gaps_total", "Gaps of runs.", "source", "reason")
	m.requests = m.counter("exhibit_source_requests_total", "Requests that connectors made.", "source")
	m.notModified = m.counter("exhibit_source_not_modified_total", "Requests that were answered with 304.", "source")
	m.ticks = m.counter("exhibit_ticks_total", "Due times of sources, by what became of them.", "source", "outcome")
	m.lastTick = m.gauge("exhibit_last_tick_timestamp_seconds", "When the agent last looked for sources that are due.", nil)
	m.processes = m.counter("exhibit_connector_processes_total", "Processes of connectors, by what happened to them.", "connector", "event")
	m.appendSeconds = m.histogram("exhibit_store_append_duration_seconds", "How long the store took to make a batch durable.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}).WithLabelValues().(prometheus.Histogram)
	m.assessSeconds = m.histogram("exhibit_assess_duration_seconds", "How long assessments took.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}).WithLabelValues().(prometheus.Histogram)
}

func (m *Metrics) makeService() {
	m.notices = m.counter("exhibit_notifications_total", "Messages to people, by outcome.", "channel", "outcome")
	m.tickets = m.counter("exhibit_tickets_total", "What was done with tickets.", "tracker", "action")
	m.httpRequests = m.counter("exhibit_http_requests_total", "Requests of dashboard and API.", "route", "method", "code")
	m.httpSeconds = m.histogram("exhibit_http_request_duration_seconds", "How long answers took.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "route")
	m.reloads = m.counter("exhibit_config_reloads_total", "Times the configuration was read anew.", "outcome")
	m.configValid = m.gauge("exhibit_config_valid", "1 if the configuration on disk is the one that is used, 0 if it was refused.", nil)
	m.configRead = m.gauge("exhibit_config_read_timestamp_seconds", "When the configuration that is used was read.", nil)
	m.started = m.gauge("exhibit_start_timestamp_seconds", "When the agent began.", nil)
}

func runBuckets() []float64 {
	return []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200}
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) gauge(name, help string, labels prometheus.Labels) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	m.registry.MustRegister(g)
	return g
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m == nil {
		http.NotFound(w, r)
		return
	}
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second, MaxRequestsInFlight: 4}).ServeHTTP(w, r)
}

// label returns value as it may stand in a label whose values are open.
func (m *Metrics) label(name, value string) string { return m.bound[name].value(value) }

// bound tells a limited number of values apart.
type bound struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (b *bound) value(v string) string {
	if v == "" {
		return Other
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.seen[v] {
		if len(b.seen) >= maxValues {
			return Other
		}
		b.seen[v] = true
	}
	return v
}

// oneOf returns v if it is one of a closed list.
func oneOf(v string, list ...string) string {
	if slices.Contains(list, v) {
		return v
	}
	return Other
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
