// Package stage is what a host starts its own program as to confine a
// connector: it reads a plan, gives up what the plan does not grant, reports
// what the kernel accepted, and becomes the connector. Importing it is enough.
//
// It promises that the connector's first instruction runs confined, and that
// the start of a connector costs little of the start of the host's program.
//
// Packages are initialised in the order of their paths, each once those are
// that it imports. So this one imports only what it needs, and nothing of the
// standard library that comes late in the alphabet and is not needed by nearly
// everything: runtime/debug alone would make it wait for half the program.
package stage
