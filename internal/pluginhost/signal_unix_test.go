//go:build unix

package pluginhost_test

import (
	"os"
	"syscall"
)

func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }

// stopSelf stops this process as job control does: it is there, and does nothing.
func stopSelf() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
