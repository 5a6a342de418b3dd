package pluginhost

import (
	"io/fs"
	"os"
	"os/exec"
)

const exeSuffix = ".exe"

// platformEnv names the variables without which sockets do not work here.
func platformEnv() []string { return []string{"SYSTEMROOT", "SystemRoot"} }

func executable(fs.FileInfo) bool { return true }

func anybodyWrites(_, _ fs.FileInfo) bool { return false }

func ownGroup(*exec.Cmd) {}

func killGroup(p *os.Process) error { return p.Kill() }

func runOpenFile(*exec.Cmd, *os.File) {}
