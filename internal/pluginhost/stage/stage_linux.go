package stage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Descriptors that the stage is started with.
const (
	planFD    = 3 // where it is told what to do
	reportFD  = 4 // where to say what was done
	programFD = 5 // the connector, verified by the time that the plan comes
)

// init turns the process into a confined connector, if a host started it as the
// stage, and does not return then. It is no function that main calls, because a
// package is initialised as soon as those are that it imports: of a program
// that holds many, nearly all come later, and a stage has no use for them.
func init() { //nolint:gochecknoinits // what main calls comes after all other packages
	if len(os.Args) != 1 || os.Args[0] != Name {
		return
	}
	runtime.LockOSThread() // what follows holds for this thread, which becomes the connector
	out := os.NewFile(reportFD, "report")
	r, err := becomeConnector(out)
	r.Failed = err.Error()
	_ = json.NewEncoder(out).Encode(r) // without a reader there is nobody to tell
	os.Exit(1)
}

// becomeConnector confines this thread and executes the connector. It returns
// only if that failed.
func becomeConnector(out *os.File) (Report, error) {
	var r Report
	for _, fd := range []int{planFD, reportFD, programFD} {
		unix.CloseOnExec(fd)
	}
	var p Plan // a host that refuses the connector, or ends, sends none
	if err := json.NewDecoder(os.NewFile(planFD, "plan")).Decode(&p); err != nil {
		return r, fmt.Errorf("read the plan: %w", err)
	}
	if p.Script {
		if _, err := unix.FcntlInt(programFD, unix.F_SETFD, 0); err != nil {
			return r, err
		}
	}
	r.confine(p)
	token, err := emptyPath()
	if err != nil {
		return r, fmt.Errorf("memory for the path: %w", err)
	}
	argv, envp, err := arguments(p.Name)
	if err != nil {
		return r, err
	}
	r.Seccomp = r.apply(p, "seccomp", func() error { return filterCalls(programFD, token) })
	if missing := r.missing(); p.Required && missing != nil {
		return r, missing
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return r, err
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, programFD, token, uintptr(unsafe.Pointer(&argv[0])),
		uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH, 0)
	return r, fmt.Errorf("execute it: %w", errno)
}

// confine applies everything but the filter of system calls, which forbids the
// rest.
func (r *Report) confine(p Plan) {
	r.apply(p, "end of what else is open", func() error { // a host may have been started with more than it knows of
		return unix.CloseRange(programFD+1, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	})
	r.NoNewPrivs = r.apply(p, "no_new_privs", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
	r.apply(p, "loss of the superuser's rights", func() (err error) {
		r.Capabilities, err = dropCapabilities(p.KeepRead)
		return err
	})
	r.apply(p, "Landlock", func() (err error) {
		r.Landlock, err = restrictFiles(p)
		return err
	})
	r.Limits = r.apply(p, "limits", func() error { return limit(p) })
}

// apply puts one part in force, or notes why it is not.
func (r *Report) apply(p Plan, part string, do func() error) bool {
	err := errLeftOut
	if p.Without != part {
		err = do()
	}
	if err != nil {
		r.Problems = append(r.Problems, "no "+part+": "+err.Error())
	}
	return err == nil
}

var errLeftOut = errors.New("left out")

// missing says what a required confinement lacks.
func (r *Report) missing() error {
	if r.Landlock > 0 && r.Seccomp && r.NoNewPrivs && r.Limits {
		return nil
	}
	return errors.New("it has to be confined, and cannot be")
}

// emptyPath returns the address of an empty path in memory. It is a place that
// the connector cannot know, and the filter of system calls lets no other path
// be executed.
func emptyPath() (uintptr, error) {
	for range 100 {
		var b [8]byte
		if n, err := unix.Getrandom(b[:], 0); err != nil || n != len(b) {
			return 0, fmt.Errorf("chance: %w", err)
		}
		at := uintptr(binary.NativeEndian.Uint64(b[:])) & (1<<46 - 1) &^ uintptr(os.Getpagesize()-1)
		if at < 1<<32 {
			continue
		}
		got, _, errno := unix.Syscall6(unix.SYS_MMAP, at, uintptr(os.Getpagesize()), unix.PROT_READ,
			unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE, ^uintptr(0), 0)
		if errno == 0 && got == at {
			return at, nil
		}
		if errno != 0 && errno != unix.EEXIST {
			return 0, errno
		}
	}
	return 0, unix.ENOMEM
}

// arguments are the connector's argument list and environment, for the kernel.
func arguments(name string) (argv, envp []*byte, err error) {
	if argv, err = pointers(name); err != nil {
		return nil, nil, err
	}
	envp, err = pointers(os.Environ()...)
	return argv, envp, err
}

func pointers(texts ...string) ([]*byte, error) {
	out := make([]*byte, 0, len(texts)+1)
	for _, text := range texts {
		p, err := unix.BytePtrFromString(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return append(out, nil), nil
}
