// Package coverage keeps the books of one run of a connector: what was read of
// each kind, what was missed and why. It turns an error into a gap, refuses to
// hand the host a record that the host would refuse, and makes the run's claim
// from what was written down.
//
// It may import plugins/connector, plugins/records and plugins/transport.
//
// It promises that a kind with a gap is never complete, that a kind that
// nobody wrote down as read is never complete, and that only an error of the
// emitter, the context or the credential ends a run.
package coverage
