//go:build unix

package pluginhost

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

const exeSuffix = ""

// platformEnv names the variables without which no process starts here: none.
func platformEnv() []string { return nil }

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// anybodyWrites reports whether users other than owner and group may change
// the file, or replace it in its directory.
func anybodyWrites(file, dir fs.FileInfo) bool {
	sticky := dir.Mode()&fs.ModeSticky != 0
	return file.Mode().Perm()&0o002 != 0 || dir.Mode().Perm()&0o002 != 0 && !sticky
}

// ownGroup gives the process a group of its own, so that it and its children
// can be ended together and the terminal's signals do not reach them.
func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithHost(cmd.SysProcAttr)
}

// killGroup ends the process and its children: those in its group, and itself
// wherever it went.
func killGroup(p *os.Process) error {
	err := syscall.Kill(-p.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		err = nil
	}
	if own := p.Kill(); !errors.Is(own, os.ErrProcessDone) {
		err = errors.Join(err, own)
	}
	return err
}
