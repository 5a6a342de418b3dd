package telemetry

import (
	"strconv"
	"time"
)

// Run is what is counted of a run that ended.
type Run struct {
	Source, Status                string
	Took                          time.Duration
	New, Revised, Unchanged, Gone int64
	Requests, NotModified         int64
	Gaps                          map[string]int // by reason
}

// RunEnded counts a run.
func (m *Metrics) RunEnded(r Run) {
	if m == nil {
		return
	}
	source := m.label("source", r.Source)
	m.runs.WithLabelValues(source, oneOf(r.Status, "complete", "partial", "failed", "error", "lost")).Inc()
	m.runSeconds.WithLabelValues(source).Observe(max(r.Took, 0).Seconds())
	for _, c := range []struct {
		change string
		n      int64
	}{{"new", r.New}, {"revised", r.Revised}, {"unchanged", r.Unchanged}, {"gone", r.Gone}} {
		m.records.WithLabelValues(source, c.change).Add(float64(max(c.n, 0)))
	}
	m.requests.WithLabelValues(source).Add(float64(max(r.Requests, 0)))
	m.notModified.WithLabelValues(source).Add(float64(max(r.NotModified, 0)))
	for reason, n := range r.Gaps {
		m.gaps.WithLabelValues(source, m.label("reason", reason)).Add(float64(max(n, 0)))
	}
}

// Tick says what became of a due time: in time, late, or missed.
type Tick string

// What can become of a due time.
const (
	TickDue    Tick = "due"
	TickLate   Tick = "late"
	TickMissed Tick = "missed"
)

// Ticked counts n due times of a source.
func (m *Metrics) Ticked(source string, outcome Tick, n int) {
	if m == nil {
		return
	}
	m.ticks.WithLabelValues(m.label("source", source), oneOf(string(outcome), "due", "late", "missed")).Add(float64(max(n, 0)))
}

// Looked notes when the agent looked for sources that are due.
func (m *Metrics) Looked(at time.Time) {
	if m != nil {
		m.lastTick.Set(seconds(at))
	}
}

// ProcessEvent is what happened to a connector's process.
type ProcessEvent string

// What can happen to a connector's process.
const (
	ProcessStarted ProcessEvent = "started"
	ProcessKilled  ProcessEvent = "killed" // by the host: it had not ended in time, or broke a limit
	ProcessCrashed ProcessEvent = "crashed"
	ProcessRefused ProcessEvent = "refused" // not the binary of the lock file
)

// Process counts what happened to a connector's process.
func (m *Metrics) Process(connector string, event ProcessEvent) {
	if m == nil {
		return
	}
	m.processes.WithLabelValues(m.label("connector", connector), oneOf(string(event), "started", "killed", "crashed", "refused")).Inc()
}

// Appended counts how long the store took to make a batch durable.
func (m *Metrics) Appended(took time.Duration) {
	if m != nil {
		m.appendSeconds.Observe(took.Seconds())
	}
}

// Assessed counts how long an assessment took.
func (m *Metrics) Assessed(took time.Duration) {
	if m != nil {
		m.assessSeconds.Observe(took.Seconds())
	}
}

// Notified counts a message that was sent, or was not. channel is the kind of
// channel or its name in the configuration, never a person's address.
func (m *Metrics) Notified(channel string, err error) {
	if m == nil {
		return
	}
	outcome := "sent"
	if err != nil {
		outcome = "failed"
	}
	m.notices.WithLabelValues(m.label("channel", channel), outcome).Inc()
}

// Ticketed counts what was done with a ticket: opened, updated, closed,
// reopened or failed.
func (m *Metrics) Ticketed(tracker, action string) {
	if m == nil {
		return
	}
	m.tickets.WithLabelValues(m.label("tracker", tracker), oneOf(action, "opened", "updated", "closed", "reopened", "failed")).Inc()
}

// Reloaded counts that the configuration was read anew. With an error, the one
// from before goes on being used.
func (m *Metrics) Reloaded(at time.Time, err error) {
	if m == nil {
		return
	}
	if err != nil {
		m.reloads.WithLabelValues("refused").Inc()
		m.configValid.Set(0)
		return
	}
	m.reloads.WithLabelValues("accepted").Inc()
	m.configValid.Set(1)
	m.configRead.Set(seconds(at))
}

// served counts an answer. route is a pattern, not a path.
func (m *Metrics) served(route, method string, code int, took time.Duration) {
	if m == nil {
		return
	}
	route = m.label("route", route)
	status := Other
	if code >= 100 && code < 600 {
		status = strconv.Itoa(code)
	}
	m.httpRequests.WithLabelValues(route, oneOf(method, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), status).Inc()
	m.httpSeconds.WithLabelValues(route).Observe(took.Seconds())
}
