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

	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// canConfine reports whether connectors can be confined on this system at all.
const canConfine = true

// staging makes cmd start the host's own program as the stage that becomes the
// connector f. It waits for the plan on one of the returned pipes; the other
// carries its report.
func staging(cmd *exec.Cmd, f *os.File, memory int64) (to, from *os.File, err error) {
	told, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	from, w, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, told.Close(), to.Close())
	}
	cmd.Path, cmd.Args = "/proc/self/exe", []string{stage.Name}
	cmd.ExtraFiles = []*os.File{told, w, f}
	cmd.Env = append(cmd.Env, "GOMEMLIMIT="+strconv.FormatInt(memory/5*4, 10), "GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
	return to, from, nil
}

// childEnds are those of the pipes that the stage has.
func childEnds(cmd *exec.Cmd) []*os.File { return cmd.ExtraFiles[:2:2] }

// staged tells the stage the plan, without which it becomes nothing, waits until
// it has become the connector and returns its report.
func staged(cmd *exec.Cmd, to, from *os.File, p plan, within time.Duration) (stage.Report, error) {
	var r stage.Report
	for _, f := range childEnds(cmd) {
		f.Close()
	}
	deadline := time.Now().Add(within)
	if err := errors.Join(to.SetDeadline(deadline), from.SetDeadline(deadline)); err != nil {
		return r, err
	}
	if err := tell(to, cmd.ExtraFiles[2], p); err != nil {
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

// tell completes the plan with what the verified connector f needs, and hands it
// over.
func tell(to, f *os.File, p plan) (err error) {
	if p.Programs, p.Script, err = programs(f); err != nil {
		return err
	}
	if err = json.NewEncoder(to).Encode(p); err == nil {
		err = to.Close()
	}
	if err != nil {
		return fmt.Errorf("confine it: tell the stage: %w", err)
	}
	return nil
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
