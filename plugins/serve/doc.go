// Package serve turns a connector.Connector into a program that Exhibit can
// start. A connector's main is one line:
//
//	func main() { serve.Connector(github.New()) }
//
// It may import plugins/connector, plugins/wire and go-plugin. It promises
// that the program refuses to run by hand, that what the connector emits
// reaches the host in order and counted, that a panic in the connector becomes
// a failed run with a reason, and that the process ends with its host and
// leaves no socket behind.
package serve
