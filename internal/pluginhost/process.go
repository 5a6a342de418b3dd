package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// process runs one connector for go-plugin. go-plugin's own way of running a
// command is not used for three reasons: it hands the host's standard input to
// the child, it panics on a log line whose fields have unexpected types, and
// it connects to whatever address the child names.
type process struct {
	cmd       *exec.Cmd
	name      string
	socketDir string
	permit    func() error  // waits for what is known of the file; an error: it must not run
	cage      *cage         // nil: the connector is not confined
	stdout    io.ReadCloser // set by begin
	exited    chan struct{} // closed when Wait has returned, or Start has failed

	mu     sync.Mutex
	child  *os.Process // nil before the start
	killed bool        // kill was called; a process that starts later ends at once
	err    error       // of Wait
}

var _ runner.Runner = (*process)(nil)

// waitDelay is how long output may go on after the process has ended, held
// open by something it started.
const waitDelay = 2 * time.Second

// newProcess prepares the open binary f at path to run with env, in a cage
// unless that is nil. The caller sets what permits it.
func newProcess(path string, f *os.File, env []string, stderr io.Writer, c *cage) (*process, error) {
	cmd := exec.Command(path) //nolint:noctx // session.stop ends it, after asking it to end by itself
	cmd.Env = append(env, wire.HostPIDKey+"="+strconv.Itoa(os.Getpid()))
	cmd.Stderr = stderr
	cmd.WaitDelay = waitDelay
	ownGroup(cmd)
	if c == nil {
		runOpenFile(cmd, f)
	} else if err := c.prepare(cmd, f); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, name: path, cage: c, exited: make(chan struct{})}, nil
}

// Start starts the process on a thread of its own that lives until the process
// has ended: the kernel takes the end of that thread for the end of the host.
func (p *process) Start(context.Context) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.begin()
		started <- err
		if err == nil {
			<-p.exited
		}
	}()
	err := <-started
	if err != nil {
		p.ended(err)
	}
	return err
}

// begin starts the connector, or a stage that waits to become it while the file
// is verified.
func (p *process) begin() (err error) {
	defer p.cage.leave(p.cmd)
	if p.cage == nil {
		if err := p.permit(); err != nil {
			return err
		}
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil { // only a start closes all of it
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	if err := p.began(); err != nil || p.cage == nil {
		return err
	}
	return p.confined()
}

// confined lets the stage become the connector, once that is permitted, and
// waits until it has.
func (p *process) confined() error {
	err := p.permit()
	if err == nil {
		err = p.cage.wait(p.cmd)
	}
	if err != nil {
		err = errors.Join(err, killGroup(p.child))
		_ = p.cmd.Wait() // it was killed; that is what it says
	}
	return err
}

// began makes the process known to kill, which may have been called already.
func (p *process) began() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.child = p.cmd.Process
	if p.killed {
		return errors.Join(errors.New("ended while it was starting"), killGroup(p.child), p.cmd.Wait())
	}
	return nil
}

// Wait returns when the process has ended. go-plugin calls it once.
func (p *process) Wait(context.Context) error {
	err := p.cmd.Wait()
	p.ended(err)
	return err
}

// ended lets those go on who wait for the end of the process. All that it said is
// read by then.
func (p *process) ended(err error) {
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
	close(p.exited)
}

// Kill is kill for go-plugin.
func (p *process) Kill(context.Context) error { return p.kill() }

// kill ends the process and everything it started.
func (p *process) kill() error {
	p.mu.Lock()
	child := p.child
	p.killed = true
	p.mu.Unlock()
	if child == nil {
		return nil
	}
	err := killGroup(child)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return errors.Join(err, ignoreClosed(p.stdout.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// Stdout carries go-plugin's handshake.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr is empty: it goes to the host's log without go-plugin.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the binary's path.
func (p *process) Name() string { return p.name }

// ID is the process id, or empty before the start.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return ""
	}
	return strconv.Itoa(p.child.Pid)
}

// Diagnose has nothing to add.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost refuses every address but a socket in the process's own
// directory, or on Windows one of this machine.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	switch {
	case network == "unix" && filepath.Dir(filepath.Clean(address)) == filepath.Clean(p.socketDir):
		return network, address, nil
	case network == "tcp" && runtime.GOOS == "windows" && strings.HasPrefix(address, "127.0.0.1:"):
		return network, address, nil
	}
	return "", "", fmt.Errorf("the connector asks the host to connect to %s", wire.Quote(network+" "+address))
}

// HostToPlugin keeps addresses as they are.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// end describes how the process ended, waiting for it at most for d. It is
// empty while the process runs.
func (p *process) end(d time.Duration) string {
	select {
	case <-p.exited:
	case <-time.After(d):
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err.Error()
	}
	return "exit status 0"
}
