//go:build unix && !linux

package pgtest

import "syscall"

// serverAttr makes the server run as cred.
func serverAttr(cred *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: cred}
}
