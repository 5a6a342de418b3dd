//go:build unix && !linux

package pluginhost

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithHost does nothing here: the connector polls for its parent.
func dieWithHost(*syscall.SysProcAttr) {}

// runOpenFile does nothing here: the path is executed.
func runOpenFile(*exec.Cmd, *os.File) {}
