//go:build unix

package serve

import (
	"os"
	"syscall"
)

// endGroup ends the processes that the connector started, if the host gave the
// connector a process group of its own.
func endGroup() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL) // includes this process
	}
}
