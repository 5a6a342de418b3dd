// Package peertest starts servers that nobody here wrote, for tests of the
// connectors and of the main job against them. It is used in tests with the build tag
// peers only, which `make test-peers` runs after it has installed what they need.
//
// It may import the standard library and nothing of ours. It promises that a
// server answers before its function returns, listens on the loopback only and
// ends with the test.
package peertest
