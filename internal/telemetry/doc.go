// Package telemetry is how the agent says how it is: metrics in the form of
// Prometheus, traces in that of OpenTelemetry, checks of health and readiness,
// and a log whose lines name their trace and hold no secret.
//
// Metrics is a set of counters with a registry of its own. Tracing makes spans
// and sends them where the configuration says, which is nowhere by default.
// Health asks what the agent depends on. Handler masks what must not be logged.
//
// The package may import internal/ledger, whose checkpoints it verifies; it
// knows no store, no source and no page, and its callers hand it words and
// numbers. It promises that
//
//   - a nil *Metrics and a nil *Tracing take every call and do nothing, so that
//     nobody has to ask whether they are wanted;
//   - no label and no attribute holds a subject, a person, a path or a query of
//     an address; what labels can be is listed here or comes from the
//     configuration, and of each at most maxValues are told apart;
//   - a check that does not answer fails, and says so;
//   - nothing of it can stop the agent: an endpoint that takes no spans is a
//     warning in the log, once in a while.
package telemetry
