// Package tell is the wiring of who is told of what: it makes of a view what
// notify observes and what ticket keeps, and of the configuration the channels,
// routes and trackers.
//
// It may import internal/service, notify, ticket and what their channels need.
// It promises that a secret is read only when something is sent, and that with
// nothing configured nothing is kept and nobody is asked.
package tell
