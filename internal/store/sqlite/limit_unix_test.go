//go:build unix

package sqlite_test

import (
	"os/signal"
	"syscall"
)

// limitFiles lets no file of this process grow beyond n bytes; to write beyond
// is an error, not death.
func limitFiles(n uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}
