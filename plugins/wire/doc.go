// Package wire is how anything crosses the boundary between Exhibit and a
// connector's process: the protobuf messages and service, the go-plugin
// handshake, the conversions between messages and the types of
// plugins/connector, and the rules for what may cross.
//
// It may import plugins/connector, go-plugin, gRPC and protobuf. It promises
// that a value which passes the rules survives encoding and decoding
// unchanged, and that decoding a hostile message returns an error and never
// panics.
//
// Authors of connectors do not need this package: they import
// plugins/connector and plugins/serve.
package wire
