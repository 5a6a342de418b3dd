// Package records holds the payloads that several connectors emit, one file
// per family of kinds, and the shapes of the kinds that people keep in files
// and tickets.
//
// It imports the standard library and plugins/connector only. It promises that
// payload fields are added, never renamed or given another meaning, and that
// Shape.Record never turns a value into something it does not say.
package records
