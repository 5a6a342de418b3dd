package assess_test

import "syscall"

// processor is the processor time of this process so far.
func processor() int64 {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		panic(err)
	}
	var begun, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &begun, &ended, &kernel, &user); err != nil {
		panic(err)
	}
	return 100 * ((int64(kernel.HighDateTime)+int64(user.HighDateTime))<<32 + int64(kernel.LowDateTime) + int64(user.LowDateTime))
}
