// Package attesttest runs, for tests, those whom checkpoints are given to: a
// time-stamping authority, which is openssl's own (ts -reply), and a simulated
// witness, written from the C2SP tlog-witness specification.
//
// It is used in tests only. It may import the standard library and
// golang.org/x/mod, and nothing of ours: what is tested against it is not tested
// against itself.
package attesttest
