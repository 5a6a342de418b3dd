package sqlite_test

import "syscall"

// mountMemory mounts 6 MB of memory at dir, and returns what takes it away.
func mountMemory(dir string) (func() error, error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		return nil, err
	}
	return func() error { return syscall.Unmount(dir, 0) }, nil
}
