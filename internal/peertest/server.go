//go:build unix

package peertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dirVar names the folder that .ci/peers installs into.
const dirVar = "EXHIBIT_PEERS"

// Path returns a file of the folder that the peers were installed into.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv(dirVar)
	if dir == "" {
		t.Fatalf("%s is not set: run this test through make test-peers", dirVar)
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run this test through make test-peers, which installs it", err)
	}
	return path
}

// Node returns the path of the node that was installed.
func Node(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(Path(t, "node_modules"), "node-*", "bin", "node"))
	if err != nil || len(found) == 0 {
		return Which(t, "node")
	}
	return found[0]
}

// Which returns the path of a program on the machine.
func Which(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Start runs a server on a free port of 127.0.0.1 until the test is over, waits
// until it answers and returns its address. command gives the program and its
// arguments for the port; probe is a path that it answers with any status.
func Start(t testing.TB, name, probe string, command func(port string) []string) string {
	t.Helper()
	port := freePort(t)
	args := command(port)
	var out tail
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...) // stopGroup ends it
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=1")
	cmd.SysProcAttr = DieWithParent() // with a group of its own, so that its children end with it
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stopGroup(cmd.Process.Pid, ended) })
	base := "http://127.0.0.1:" + port
	if err := waitFor(t.Context(), base+probe, ended); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out.String())
	}
	onlyLoopback(t, name, port)
	t.Logf("%s answers on %s after %s", name, base, time.Since(began).Round(10*time.Millisecond))
	return base
}

// freePort is a port of this machine that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// tail keeps the last bytes that a peer printed.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b = append(o.b, p...); len(o.b) > 4000 {
		o.b = bytes.Clone(o.b[len(o.b)-4000:])
	}
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// stopGroup ends a process and its children.
func stopGroup(pid int, ended <-chan error) {
	_ = syscall.Kill(-pid, syscall.SIGTERM) // gone already is as good
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-ended
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

// patience is how long a server may take to answer first.
const patience = 2 * time.Minute

// waitFor asks until there is an answer of any status.
func waitFor(ctx context.Context, url string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.Body.Close()
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("it ended before it answered"), err)
		case <-ctx.Done():
			return errors.New("no answer within two minutes")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// onlyLoopback fails if the port is open on an address that others can reach.
func onlyLoopback(t testing.TB, name, port string) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{Timeout: time.Second}
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.IsLinkLocalUnicast() {
			continue
		}
		if c, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(ip.IP.String(), port)); err == nil {
			c.Close()
			t.Fatalf("%s listens on %s too: others can reach it", name, ip.IP)
		}
	}
}
