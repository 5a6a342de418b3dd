package pgtest

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// Crash ends the server as sig does (SIGQUIT: at once, SIGKILL: without a
// chance to say so, SIGINT: in order), leaves it down for a while, and starts it
// again on the same data. Connections are lost, what was committed is not.
func (s *Server) Crash(tb testing.TB, sig syscall.Signal, down time.Duration) {
	tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		tb.Fatal(err)
	}
	<-s.done
	time.Sleep(down)
	// Orphans of a server that was killed hold its memory for a moment.
	deadline := time.Now().Add(ready)
	for {
		if err := s.launch(); err != nil {
			tb.Fatal(err)
		}
		err := s.up(tb)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the server does not come back: %v: %s", err, s.out.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// up waits until the server answers, or ended.
func (s *Server) up(tb testing.TB) error {
	answers := make(chan error, 1)
	go func() { answers <- s.wait(tb.Context()) }()
	select {
	case err := <-answers:
		return err
	case err := <-s.done:
		return fmt.Errorf("it ended: %w", err)
	}
}

// Dir is where the server's socket is, for a proxy in front of it.
func (s *Server) Dir() string { return s.dir }
