package peertest

import "syscall"

// DieWithParent puts a process into a group of its own and ends it when the
// test ends in any way.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
