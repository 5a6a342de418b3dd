//go:build peers

package real

import "syscall"

// dieWithParent puts a process into a group of its own and ends it when the
// test ends in any way.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
