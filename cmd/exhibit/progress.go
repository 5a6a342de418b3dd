package main

import (
	"fmt"
	"time"
)

// progress shows how far long work is, on a terminal only, at most ten times
// a second.
type progress struct {
	g     *globals
	what  string
	last  time.Time
	shown bool
}

func newProgress(g *globals, what string) *progress { return &progress{g: g, what: what} }

func (p *progress) show(s string) {
	if p.g.quiet || !isTerminal(p.g.std.err) || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = time.Now(), true
	fmt.Fprintf(p.g.std.err, "\r\x1b[K%s: %s", p.what, clean(s))
}

func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.g.std.err, "\r\x1b[K")
	}
}
