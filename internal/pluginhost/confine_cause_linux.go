package pluginhost

import (
	"os"
	"syscall"
)

// forbiddenCall reports whether the filter of system calls ended the process.
func forbiddenCall(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGSYS //nolint:misspell // so the system calls it
}
