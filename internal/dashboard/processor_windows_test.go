package dashboard

import (
	"syscall"
	"testing"
	"time"
)

// processor is the time that all processors worked for this process.
func processor(t testing.TB) time.Duration {
	t.Helper()
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		t.Fatal(err)
	}
	var begun, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &begun, &ended, &kernel, &user); err != nil {
		t.Fatal(err)
	}
	return time.Duration(100 * ((int64(kernel.HighDateTime)+int64(user.HighDateTime))<<32 + int64(kernel.LowDateTime) + int64(user.LowDateTime)))
}
