package pluginhost

import (
	"os"
	"strings"
)

// nearly is how much of its processor time a process had that was killed for it:
// the kernel counts in ticks.
const nearly = 0.9

// cause tells how the cage ended a process, if it did: the class and why. What
// the process said last is the only sign that it got no memory.
func (c *cage) cause(state *os.ProcessState, words string) (class error, text string) { //nolint:staticcheck // the class is what it returns, not how it failed
	if c == nil || state == nil {
		return nil, ""
	}
	switch {
	case forbiddenCall(state):
		return ErrForbidden, "it asked the system for what is denied to a connector, such as starting a program, " +
			"watching another process or changing the machine"
	case c.fact.CPU > 0 && state.ExitCode() < 0 && float64(state.UserTime()+state.SystemTime()) >= nearly*float64(c.fact.CPU):
		return ErrResources, "it used its processor time of " + span(c.fact.CPU)
	case c.fact.Memory > 0 && starved(words):
		return ErrResources, "it used its memory of " + size(c.fact.Memory)
	}
	return nil, ""
}

// starved reports whether a process's last words are those of Go's runtime when it
// gets no memory: for its heap, or for the stack of a thread.
func starved(words string) bool {
	return strings.HasPrefix(words, "fatal error: ") && strings.Contains(words, "memory") || strings.HasPrefix(words, noThread)
}
