package pluginhost_test

import (
	"errors"
	"os"
)

func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

func stopSelf() error { return errors.ErrUnsupported }
