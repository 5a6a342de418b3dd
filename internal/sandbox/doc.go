// Package sandbox is a simulated organisation: local servers that speak the
// wire formats of GitHub, Jira Cloud and SageMaker, and the files that a user
// of Exhibit would own (configuration, register, a governance repository in
// git). `exhibit try` and the end-to-end tests collect from it; nothing in it
// is real, and whatever shows its data says "simulated".
//
// The organisation is Meridian Harbour Mutual, an insurer. Its data are the
// YAML files under org/, written with times relative to Options.Now, so the
// same Now gives the same bytes. STORY.md says which trouble was planted and
// which expectation each piece should trip.
//
// The package imports the standard library, a YAML decoder and go-git; no
// other package of this module, and never a connector: it is the other side of
// the wire. The servers bind to 127.0.0.1 and stop with Org.Close.
package sandbox
