package pgtest

import "syscall"

// attr runs a program as who runs the tests: there is no root to leave.
func attr(*owner) *syscall.SysProcAttr { return nil }
