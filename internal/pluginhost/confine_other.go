//go:build !linux

package pluginhost

import (
	"os"
	"os/exec"
	"time"

	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// canConfine reports whether connectors can be confined on this system at all.
const canConfine = false

func staging(*exec.Cmd, *os.File, int64) (to, from *os.File, err error) { return nil, nil, errNoStage }

func childEnds(*exec.Cmd) []*os.File { return nil }

func staged(*exec.Cmd, *os.File, *os.File, plan, time.Duration) (stage.Report, error) {
	return stage.Report{}, errNoStage
}

func systemReads([]string) []string { return nil }

func forbiddenCall(*os.ProcessState) bool { return false }
