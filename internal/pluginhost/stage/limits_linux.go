package stage

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxFiles   = 4096 // open at once
	maxThreads = 8192 // of the account; the kernel does not hold the superuser to it
)

// limit sets what the connector may take, for good.
func limit(p Plan) error {
	for _, l := range []struct {
		what  string
		which int
		most  uint64
	}{
		{"memory", unix.RLIMIT_DATA, uint64(p.Memory)},
		{"processor time", unix.RLIMIT_CPU, uint64(p.CPU / time.Second)},
		{"size of a file", unix.RLIMIT_FSIZE, 0},
		{"core file", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, maxFiles},
		{"threads", unix.RLIMIT_NPROC, maxThreads},
	} {
		var now unix.Rlimit
		if err := unix.Prlimit(0, l.which, nil, &now); err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		most := min(l.most, now.Max)
		if err := unix.Prlimit(0, l.which, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
	}
	return nil
}

// dropCapabilities gives up the rights of the superuser, so that the connector
// has none either. With keepRead it keeps the one to read files of others, if
// it has it, and returns its name.
func dropCapabilities(keepRead bool) ([]string, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var now [2]unix.CapUserData
	if err := unix.Capget(&header, &now[0]); err != nil {
		return nil, err
	}
	if now[0].Permitted|now[1].Permitted == 0 {
		return nil, nil
	}
	keep, name := uint32(0), ""
	for cap, called := range map[int]string{unix.CAP_DAC_READ_SEARCH: "CAP_DAC_READ_SEARCH"} {
		if keepRead && now[0].Permitted&(1<<cap) != 0 {
			keep, name = 1<<cap, called
		}
	}
	err := errors.Join(noRoot(), dropBounding(keep))
	less := [2]unix.CapUserData{{Effective: keep, Permitted: keep, Inheritable: keep}}
	err = errors.Join(err, unix.Capset(&header, &less[0]))
	if keep != 0 {
		err = errors.Join(err, unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_DAC_READ_SEARCH, 0, 0))
	}
	if err != nil || name == "" {
		return nil, err
	}
	return []string{name}, nil
}

// noRoot makes the account 0 one like any other.
func noRoot() error {
	const bits = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<5 // NOROOT, NO_SETUID_FIXUP and KEEP_CAPS, locked
	return ignoreNotAllowed(unix.Prctl(unix.PR_SET_SECUREBITS, bits, 0, 0, 0))
}

// dropBounding takes every right but keep from what a program could get.
func dropBounding(keep uint32) error {
	for cap := 0; cap <= unix.CAP_LAST_CAP; cap++ {
		if cap < 32 && keep&(1<<cap) != 0 {
			continue
		}
		if err := ignoreNotAllowed(unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(cap), 0, 0, 0)); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return nil
}

// ignoreNotAllowed forgives what only the superuser may do and others need not.
func ignoreNotAllowed(err error) error {
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return err
}
