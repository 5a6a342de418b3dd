//go:build linux && (amd64 || arm64)

package aiscan

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// noFollow is AT_SYMLINK_NOFOLLOW: of a link, the link itself is asked for.
const noFollow = 0x100

// fstatat is the number of the call to the system.
func fstatat() uintptr {
	if runtime.GOARCH == "arm64" {
		return 79
	}
	return 262
}

// appendStat adds what the system says of a file. It is asked by the open
// folder, not by the path from the root on: of what a survey costs, these calls
// are most.
func appendStat(b []byte, dir *os.File, d fs.DirEntry, now time.Time) ([]byte, error) {
	name, err := syscall.BytePtrFromString(d.Name())
	if err != nil {
		return b, err
	}
	var st syscall.Stat_t
	_, _, errno := syscall.Syscall6(fstatat(), dir.Fd(), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&st)), noFollow, 0, 0)
	runtime.KeepAlive(dir)
	if errno != 0 {
		return b, errno
	}
	b, ok := told(b, &st, now)
	if !ok {
		return b, errUnsettled
	}
	return b, nil
}
