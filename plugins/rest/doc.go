// Package rest reads JSON over HTTP for connectors: one question, one decoded
// answer or an error that knows why not; listings that end; conditional
// requests; permissions tried out.
//
// It may import the standard library, plugins/connector, plugins/records,
// plugins/transport and plugins/coverage.
//
// It promises:
//
//   - An answer that is not the JSON asked for is an error, never an empty
//     value: a status that is no success, a page of HTML, a body that breaks off,
//     a field of another type.
//   - A listing that repeats a page, goes round in a circle or never ends is an
//     error.
//   - Errors hold the path, the status and the source's message made fit to
//     print; never a header, a query's secret or a body.
//   - A host that does not answer five times in a row ends the run.
package rest
