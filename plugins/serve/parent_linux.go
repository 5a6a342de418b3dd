package serve

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent asks the kernel for SIGTERM when the host's process ends. It
// fails only where seccomp forbids it, and then the poll remains.
func dieWithParent() { _ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0) }
