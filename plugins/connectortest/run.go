package connectortest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// Case is a source to read. It must hold something of at least one kind, must
// answer every run alike, and must be reachable from another process: at an
// address, not through memory.
type Case struct {
	Config connector.Config
	Since  time.Time
	// Patience is how long Collect may take to return once its context has
	// ended; zero means 5 seconds.
	Patience time.Duration
}

// Problem is one broken promise.
type Problem struct {
	Check string // describe, check, collect, again, kinds, cancel, emitter or process
	Text  string
}

// mainVar tells Examine that Main is in place.
const mainVar = "EXHIBIT_CONNECTORTEST_MAIN"

// Main lets the test binary be a connector when it is started as one, and runs
// the tests otherwise. Call it from TestMain; it does not return.
func Main(m *testing.M, c connector.Connector) {
	if os.Getenv(wire.CookieKey) == wire.CookieValue {
		serve.Connector(c)
		os.Exit(0)
	}
	if err := os.Setenv(mainVar, "1"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Run reports every problem of c with cs as a failure of t, in a subtest per
// check.
func Run(t *testing.T, c connector.Connector, cs Case) {
	t.Helper()
	e := newExam(c, cs)
	for _, check := range checks() {
		t.Run(check.name, func(t *testing.T) {
			for _, p := range e.run(t.Context(), check) {
				t.Error(p.Text)
			}
		})
	}
}

// Examine returns every problem of c with cs. Most authors call Run.
func Examine(ctx context.Context, c connector.Connector, cs Case) []Problem {
	e := newExam(c, cs)
	var all []Problem
	for _, check := range checks() {
		all = append(all, e.run(ctx, check)...)
	}
	return all
}

// check is one part of the suite. Later ones build on what earlier ones saw.
type check struct {
	name string
	run  func(*exam, context.Context)
}

func checks() []check {
	return []check{
		{"describe", (*exam).describe},
		{"check", (*exam).check},
		{"collect", (*exam).collect},
		{"again", (*exam).again},
		{"kinds", (*exam).kinds},
		{"cancel", (*exam).cancel},
		{"emitter", (*exam).emitter},
		{"process", (*exam).process},
	}
}

// exam is one run of the suite.
type exam struct {
	c     connector.Connector
	cs    Case
	desc  connector.Descriptor
	first *recorder // of the first complete run
	cover connector.Coverage
	name  string
	found []Problem
}

func newExam(c connector.Connector, cs Case) *exam {
	if cs.Patience == 0 {
		cs.Patience = 5 * time.Second
	}
	return &exam{c: c, cs: cs, desc: c.Describe()}
}

func (e *exam) run(ctx context.Context, c check) []Problem {
	e.name, e.found = c.name, nil
	c.run(e, ctx)
	return e.found
}

func (e *exam) bad(format string, args ...any) {
	e.found = append(e.found, Problem{Check: e.name, Text: fmt.Sprintf(format, args...)})
}

// request is what every run asks for, apart from state.
func (e *exam) request() connector.Request {
	return connector.Request{Config: e.cs.Config, Since: e.cs.Since}
}
