// Package agent reads sources: it starts a connector through the plugin host,
// turns what the connector emits into records, appends them to the store batch
// by batch, and closes the run with what it covered and what it could not see.
// The daemon part does so on a schedule and assesses again after each run.
//
// It may import plugins/connector and the core under internal; it knows no
// particular connector and no particular store. It promises that a record is
// either in the ledger or counted in a gap, that a run always ends in exactly
// one of complete, partial or failed, and that one source is never read twice
// at the same time.
package agent
