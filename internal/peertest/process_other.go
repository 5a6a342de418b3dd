//go:build unix && !linux

package peertest

import "syscall"

// DieWithParent puts a process into a group of its own.
func DieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
