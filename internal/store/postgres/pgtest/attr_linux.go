package pgtest

import "syscall"

// serverAttr is for a server that ends with the test binary.
func serverAttr(as *owner) *syscall.SysProcAttr {
	a := attr(as)
	a.Pdeathsig = syscall.SIGQUIT
	return a
}
