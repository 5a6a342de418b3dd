// Package agent reads sources: it starts a connector through the plugin host,
// turns what the connector emits into records, appends them to the store batch
// by batch, and closes the run with what it covered and what it could not see.
// The daemon part does so on a schedule and assesses again after each run; on
// PostgreSQL several nodes share it.
//
// A Scheduled says when. The tick that is due is a row of the operational
// database, moved on in the transaction that inserts its job (tick.go); River
// works the jobs (queue.go, worker.go) under the lock of the source (locker.go),
// and a node that falls silent loses its work to others (node.go). A Schedule
// shows and changes all that from any process.
//
// It may import plugins/connector, the core under internal and internal/opsdb; it
// knows no particular connector and no particular store. It promises that a record is
// either in the ledger or counted in a gap, that a run always ends in exactly
// one of complete, partial or failed, that one source is never read twice at the
// same time, and that each time of a schedule is met by a run, by a run that
// several times share, or by a note that it was missed.
package agent
