package pluginhost_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

// prisoner is a connector that tries what none may, as its settings say. What
// it could do it reports as a record; what it could not is its error.
type prisoner struct{ name string }

const prisonerSchema = `{"type":"object","properties":{"act":{"type":"string"},"target":{"type":"string"},
	"path":{"type":"string","x-exhibit-path":true},"paths":{"type":"array","items":{"$ref":"#/$defs/path"}}},
	"$defs":{"path":{"type":"string","x-exhibit-path":true}}}`

func (p prisoner) Describe() connector.Descriptor {
	d := describeFake(p.name)
	d.ConfigSchema = json.RawMessage(prisonerSchema)
	return d
}

func (p prisoner) Check(context.Context, connector.Config) (connector.CheckReport, error) {
	return connector.CheckReport{Identity: "prisoner"}, nil
}

type prisonerSettings struct {
	Act    string   `json:"act"`
	Target string   `json:"target"`
	Path   string   `json:"path,omitempty"`
	Paths  []string `json:"paths,omitempty"`
}

func (p prisoner) Collect(_ context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	var set prisonerSettings
	if err := json.Unmarshal(req.Config.Settings, &set); err != nil {
		return nil, err
	}
	for i := range 10 {
		if err := emit.Record(thing(i, 10)); err != nil {
			return nil, err
		}
	}
	emit.Progress(connector.Progress{Message: set.Act})
	time.Sleep(150 * time.Millisecond) // let the batch leave
	act, ok := acts()[set.Act]
	if !ok {
		return nil, fmt.Errorf("no act %q", set.Act)
	}
	done, err := act(set.Target)
	if err != nil {
		return nil, err
	}
	if err := emitJSON(emit, map[string]any{"done": done}); err != nil {
		return nil, err
	}
	return connector.Coverage{
		"test.thing": {Status: connector.Complete, Enumerated: true, Query: "all", IndependentCount: -1},
		"test.other": {IndependentCount: -1},
	}, nil
}

func serveCaged(name string) { serve.Connector(prisoner{name: name}) }

// acts are what a prisoner can try, by name.
func acts() map[string]func(target string) (string, error) {
	file := func(flag int) func(string) (string, error) {
		return func(target string) (string, error) {
			f, err := os.OpenFile(target, flag, 0o600)
			if err != nil {
				return "", err
			}
			_, err = f.WriteString("written by a connector")
			return "written", errors.Join(err, f.Close())
		}
	}
	call := func(number uintptr, args ...uintptr) func(string) (string, error) {
		return func(string) (string, error) {
			var a [6]uintptr
			copy(a[:], args)
			r, _, errno := syscall.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
			if errno != 0 {
				return "", errno
			}
			return fmt.Sprint(r), nil
		}
	}
	return map[string]func(string) (string, error){
		"nothing": func(string) (string, error) { return "nothing", nil },
		"read": func(target string) (string, error) {
			raw, err := os.ReadFile(target)
			return string(raw), err
		},
		"list": func(target string) (string, error) {
			entries, err := os.ReadDir(target)
			return fmt.Sprint(len(entries)), err
		},
		"read of the host": func(string) (string, error) {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
			return string(raw), err
		},
		"create":   file(os.O_CREATE | os.O_WRONLY | os.O_EXCL),
		"append":   file(os.O_APPEND | os.O_WRONLY),
		"truncate": file(os.O_TRUNC | os.O_RDWR),
		// A flag that means nothing makes the number another call's.
		"open with odd flags": func(target string) (string, error) {
			for bit := 3; bit < 6; bit++ {
				fd, err := unix.Openat(unix.AT_FDCWD, target, unix.O_WRONLY|1<<bit, 0)
				if err == nil {
					return "opened", unix.Close(fd)
				}
				if !errors.Is(err, unix.EPERM) {
					return "", err
				}
			}
			return "", unix.EPERM
		},
		"remove": func(target string) (string, error) { return "removed", os.Remove(target) },
		"chmod":  func(target string) (string, error) { return "changed", os.Chmod(target, 0o777) },
		"rename": func(target string) (string, error) { return "renamed", os.Rename(target, target+"-2") },
		"link":   func(target string) (string, error) { return "linked", os.Symlink("/etc/passwd", target+"-link") },
		"mkdir":  func(target string) (string, error) { return "made", os.Mkdir(target+"-dir", 0o700) },
		"exec": func(string) (string, error) {
			pid, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
			return fmt.Sprint(pid), err
		},
		"exec in its place": func(string) (string, error) {
			return "", syscall.Exec("/bin/true", []string{"true"}, nil)
		},
		"exec by descriptor": execByDescriptor,
		"fork":               call(unix.SYS_CLONE, uintptr(unix.SIGCHLD)),
		"ptrace":             func(string) (string, error) { return "attached", unix.PtraceAttach(os.Getppid()) },
		"unshare":            call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		"setsid":             call(unix.SYS_SETSID),
		"bpf":                call(unix.SYS_BPF, 0, 0, 0),
		"io_uring":           call(unix.SYS_IO_URING_SETUP, 8, 0),
		"memfd": func(string) (string, error) {
			fd, err := unix.MemfdCreate("x", 0)
			return fmt.Sprint(fd), err
		},
		"shared memory": call(unix.SYS_MMAP, 0, 1<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uintptr(0)),
		"raw socket":    call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		"signal": func(string) (string, error) {
			return "sent", syscall.Kill(os.Getppid(), syscall.SIGCONT)
		},
		"limits of the host": func(string) (string, error) {
			return "set", unix.Prlimit(os.Getppid(), unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
		},
		"its limits": func(string) (string, error) {
			var files, threads, core unix.Rlimit
			err := errors.Join(unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &files), unix.Prlimit(0, unix.RLIMIT_NPROC, nil, &threads), unix.Prlimit(0, unix.RLIMIT_CORE, nil, &core))
			return fmt.Sprint(files.Max <= 4096, threads.Max <= 8192, core.Max == 0), err
		},
		"listen": func(string) (string, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return "", err
			}
			return l.Addr().String(), l.Close()
		},
		"listen multipath": listenMultipath,
		"listen for UDP": func(string) (string, error) {
			c, err := net.ListenPacket("udp", "127.0.0.1:53535")
			if err != nil {
				return "", err
			}
			return "listening", c.Close()
		},
		"dial": func(target string) (string, error) {
			c, err := net.Dial("tcp", target)
			if err != nil {
				return "", err
			}
			return "connected", c.Close()
		},
		"dial a socket of this machine": func(target string) (string, error) {
			c, err := net.Dial("unix", target)
			if err != nil {
				return "", err
			}
			return "connected", c.Close()
		},
		"authorities, names and zones": trust,
		"allocate":                     allocate,
		"no memory for a thread":       noThread,
		"spin": func(string) (string, error) {
			for range runtime.NumCPU() {
				go func() {
					for { //nolint:staticcheck // that is what it is to do
					}
				}()
			}
			select {}
		},
	}
}

// execByDescriptor repeats what the stage did, with another program.
func execByDescriptor(string) (string, error) {
	f, err := os.Open("/etc/hosts")
	if err != nil {
		return "", err
	}
	if err := unix.Dup3(int(f.Fd()), 5, 0); err != nil {
		return "", err
	}
	empty := []byte{0}
	_, _, errno := execveat(5, &empty[0])
	return "", errno
}

func listenMultipath(string) (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
	if err != nil {
		return "", err
	}
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	return "bound", err
}

// allocate takes 4 GiB and touches them.
func allocate(string) (string, error) {
	var all [][]byte
	for range 64 {
		b := make([]byte, 64<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
	return fmt.Sprint(len(all)), nil
}

// noThread ends as a program does whose runtime gets no memory for a thread: the
// last line is of a register.
func noThread(string) (string, error) {
	_, _ = unix.Write(2, []byte("runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f m=0 sigcode=18446744073709551610\n\ngs     0x0\n")) // as the runtime does, which os.Stderr is not
	os.Exit(2)
	return "", nil
}

// trust needs the files that every connector may read.
func trust(string) (string, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return "", err
	}
	if pool.Equal(x509.NewCertPool()) {
		return "", errors.New("no authority is trusted")
	}
	_, err = net.LookupHost("localhost")
	_, zone := time.LoadLocation("Europe/Berlin")
	return "there", errors.Join(err, zone)
}
