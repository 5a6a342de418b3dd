// Package period says what an organisation's evidence shows about a span of
// time: not where things stand, but how they stood, day by day, and whether a
// control ran or was only switched on for the audit.
//
// It is pure, as internal/assess is: it is told the span and reads no clock. It
// may import internal/assess, internal/catalog and internal/evidence.
//
// # How it is made
//
// The ledger is assessed at instants in forward order: the first instant of the
// span, the end of each day (23:59:59 UTC), the end of each run, the last
// instant. Each is what `--as-of` gives for it; a later capture counts there as
// it counts here. What changed between two instants is dated to the later one:
// Period.Resolution says how many instants there were and what was left out.
//
// # Promises
//
// At every instant assessed, the interval that covers it has the status that
// State.At gives. A day counts as satisfied only if every instant of it was,
// and if every state that the expectation rests on was read completely on that
// day: a setting read on Friday shows nothing about Thursday. Counts are of
// days; there is no percentage.
package period
