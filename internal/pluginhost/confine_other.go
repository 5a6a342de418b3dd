//go:build !linux

package pluginhost

import (
	"os"
	"os/exec"
	"time"
)

// canConfine reports whether connectors can be confined on this system at all.
const canConfine = false

// Stage does nothing here: there is none.
func Stage() {}

func stage(*exec.Cmd, *os.File, plan) (*os.File, error) { return nil, errNoStage }

func staged(*exec.Cmd, *os.File, time.Duration) (report, error) { return report{}, errNoStage }

func systemReads([]string) []string { return nil }

func forbiddenCall(*os.ProcessState) bool { return false }
