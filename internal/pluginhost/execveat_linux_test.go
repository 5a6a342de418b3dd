package pluginhost_test

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func execveat(fd uintptr, path *byte) (r1, r2 uintptr, errno syscall.Errno) {
	return unix.RawSyscall6(unix.SYS_EXECVEAT, fd, uintptr(unsafe.Pointer(path)), 0, 0, unix.AT_EMPTY_PATH, 0)
}
