package pgtest

import "syscall"

// serverAttr makes the server run as cred, and end with the test binary.
func serverAttr(cred *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGQUIT}
}
