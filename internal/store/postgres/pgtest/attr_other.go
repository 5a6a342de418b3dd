//go:build !linux

package pgtest

import "syscall"

// serverAttr is for a server; these systems know no death signal.
func serverAttr(as *owner) *syscall.SysProcAttr { return attr(as) }
