package pluginhost

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// canConfine reports whether connectors can be confined on this system at all.
const canConfine = true

// staging makes cmd start the host's own program as the stage that becomes the
// connector f. The returned pipe carries the stage's report.
func staging(cmd *exec.Cmd, f *os.File, p plan) (*os.File, error) {
	var err error
	if p.Programs, p.Script, err = programs(f); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("exhibit-plan", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory for the plan: %w", err)
	}
	told := os.NewFile(uintptr(fd), "plan")
	if _, err = told.Write(raw); err == nil {
		_, err = told.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, told.Close())
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, told.Close())
	}
	cmd.Path, cmd.Args = "/proc/self/exe", []string{stage.Name}
	cmd.ExtraFiles = []*os.File{told, w, f}
	cmd.Env = append(cmd.Env, "GOMEMLIMIT="+strconv.FormatInt(p.Memory/5*4, 10), "GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
	return r, nil
}

// staged waits until the stage has become the connector and returns its report.
func staged(cmd *exec.Cmd, from *os.File, within time.Duration) (stage.Report, error) {
	for _, f := range cmd.ExtraFiles[:2] { // the child has its own
		f.Close()
	}
	defer from.Close()
	var r stage.Report
	if err := from.SetReadDeadline(time.Now().Add(within)); err != nil {
		return r, err
	}
	raw, err := io.ReadAll(io.LimitReader(from, 1<<20))
	if err != nil {
		return r, fmt.Errorf("confine it: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	for { // one report before the connector begins, a second if it could not
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return r, fmt.Errorf("confine it: the program of the host is no stage: %w", err)
		}
	}
	if len(raw) == 0 {
		return r, errors.New("confine it: the program of the host gives no report")
	}
	return r, nil
}

// programs returns what a connector needs to run: nothing, the system's
// libraries, or for a script also its programs.
func programs(f *os.File) (trees []string, script bool, err error) {
	libraries := []string{"/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store"}
	mark := make([]byte, 2)
	if _, err := f.ReadAt(mark, 0); err != nil {
		return nil, false, err
	}
	if string(mark) == "#!" {
		return append(libraries, "/bin", "/usr/bin", "/usr/local/bin", "/usr/share"), true, nil
	}
	program, err := elf.NewFile(f)
	if err != nil {
		return nil, false, nil //nolint:nilerr // the kernel says what is wrong with it
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return libraries, false, nil
		}
	}
	return nil, false, nil
}

// systemReads are what every connector may read: certificate authorities, how
// names are resolved, and time zones.
func systemReads(env []string) []string {
	paths := []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/host.conf", "/etc/gai.conf",
		"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/var/lib/ca-certificates", "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/dev/random",
		"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "/sys/devices/system/cpu/online",
	}
	for _, entry := range env {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "SSL_CERT_FILE":
			paths = append(paths, value)
		case "SSL_CERT_DIR":
			paths = append(paths, filepath.SplitList(value)...)
		}
	}
	return paths
}
