//go:build unix

package dashboard

import (
	"syscall"
	"testing"
	"time"
)

// processor is the time that all processors worked for this process: on a machine
// that others use as well it says more than a clock.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
