package pluginhost_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// slowly makes a connector whose file takes as long to read as the returned
// end is open. The lock file names its content as locked.
func slowly(t *testing.T, name, locked string) (dir string, end *os.File) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "exhibit-connector-"+name)
	must(t, unix.Mkfifo(path, 0o755))
	must(t, pluginhost.Lockfile{Version: 1, Connectors: map[string]pluginhost.Locked{
		name: {SHA256: evidence.Sum([]byte(locked))},
	}}.Write(filepath.Join(dir, pluginhost.LockName)))
	end, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { end.Close() })
	return dir, end
}

// stagesOf are the processes that wait as stages of the host with that process id.
func stagesOf(host int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", host))
	for _, task := range tasks {
		raw, _ := os.ReadFile(task)
		for _, field := range strings.Fields(string(raw)) {
			if cmdline, _ := os.ReadFile("/proc/" + field + "/cmdline"); string(cmdline) == stage.Name+"\x00" {
				var pid int
				if _, err := fmt.Sscan(field, &pid); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// waitingStage waits for the one stage of that host.
func waitingStage(t *testing.T, host int) int {
	t.Helper()
	if !eventually(func() bool { return len(stagesOf(host)) == 1 }) {
		t.Fatalf("stages of %d: %v, want one", host, stagesOf(host))
	}
	return stagesOf(host)[0]
}

// events keeps what is observed of processes.
type events struct {
	mu  sync.Mutex
	all []pluginhost.ProcessEvent
}

func (e *events) observe(_ string, event pluginhost.ProcessEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// A stage waits until the file is read, and becomes nothing if that is another
// one than the lock file's.
func TestStageWaitsForTheDigest(t *testing.T) {
	dir, end := slowly(t, "canary", "the locked one")
	var seen events
	o := confined(dir)
	o.Observe = seen.observe
	host, ended := newHost(t, o), make(chan error, 1)
	go func() { _, err := host.Describe(t.Context(), "canary"); ended <- err }()
	pid := waitingStage(t, os.Getpid())
	select {
	case err := <-ended:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	_, err := end.WriteString("another one")
	must(t, errors.Join(err, end.Close()))
	checkError(t, <-ended, pluginhost.ErrChecksum)
	if alive(pid) {
		t.Error("the stage is still there")
	}
	if !slices.Equal(seen.all, []pluginhost.ProcessEvent{pluginhost.ProcessRefused}) {
		t.Errorf("observed %v, want that it was refused", seen.all)
	}
}

// A stage that was ended while it waited is an error of that start, soon.
func TestStageKilledWhileItWaits(t *testing.T) {
	dir, end := slowly(t, "canary", "the locked one")
	host, ended := newHost(t, confined(dir)), make(chan error, 1)
	go func() { _, err := host.Describe(t.Context(), "canary"); ended <- err }()
	must(t, kill(waitingStage(t, os.Getpid())))
	_, err := end.WriteString("the locked one")
	must(t, errors.Join(err, end.Close()))
	checkError(t, <-ended, pluginhost.ErrStart)
}

// A stage does not outlive a host that was killed before the file was read.
func TestStageDiesWithItsHost(t *testing.T) {
	dir, _ := slowly(t, "fake", "the locked one")
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), hostDirVar+"="+dir, confineVar+"="+string(pluginhost.ConfineBestEffort))
	must(t, cmd.Start())
	pid := waitingStage(t, cmd.Process.Pid)
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Fatal("the host was not killed")
	}
	if !eventually(func() bool { return !alive(pid) }) {
		_ = kill(pid)
		t.Errorf("the stage %d outlives its host", pid)
	}
}

// A stage that gets no plan, or half of one, waits for the end of it and executes
// nothing.
func TestStageWithoutPlan(t *testing.T) {
	whole, err := json.Marshal(stage.Plan{Name: "canary", Memory: 1 << 30, CPU: time.Hour, Base: "/tmp", Socket: "/tmp", Script: true,
		Programs: []string{"/bin", "/usr", "/lib", "/lib64"}, Files: []string{"/dev/null", "/etc/ld.so.cache"}})
	must(t, err)
	for name, tt := range map[string]struct {
		plan string
		runs bool
	}{
		"none": {"", false}, "half": {string(whole[:len(whole)-1]), false}, "another thing": {`"x"`, false}, "all of it": {string(whole), true},
	} {
		t.Run(name, func(t *testing.T) {
			canary := filepath.Join(t.TempDir(), "canary")
			must(t, os.WriteFile(canary, []byte("#!/bin/sh\necho it ran\n"), 0o755))
			program, err := os.Open(canary)
			must(t, err)
			defer program.Close()
			told, to, err := os.Pipe()
			must(t, err)
			var said strings.Builder
			cmd := exec.Command("/proc/self/exe")
			cmd.Args, cmd.Stdout = []string{stage.Name}, &said
			from, report, err := os.Pipe()
			must(t, err)
			defer from.Close()
			cmd.ExtraFiles = []*os.File{told, report, program}
			must(t, cmd.Start())
			must(t, report.Close())
			time.Sleep(100 * time.Millisecond)
			if !alive(cmd.Process.Pid) {
				t.Error("it did not wait for its plan")
			}
			_, err = to.WriteString(tt.plan)
			must(t, errors.Join(err, to.Close(), told.Close()))
			err = cmd.Wait()
			if ran := said.String() == "it ran\n"; ran != tt.runs || (err == nil) != tt.runs {
				raw, _ := io.ReadAll(from)
				t.Errorf("it ran: %v, %v, reported %s", ran, err, raw)
			}
		})
	}
}

// What runs is the file that was read, whatever took its place before it ran.
func TestReplacedBeforeItRuns(t *testing.T) {
	for _, mode := range []pluginhost.ConfineMode{pluginhost.ConfineOff, pluginhost.ConfineBestEffort} {
		dir := t.TempDir()
		path, other := filepath.Join(dir, "exhibit-connector-script"), filepath.Join(dir, "other")
		must(t, os.WriteFile(path, []byte("#!/bin/sh\necho this is the locked one >&2\n"), 0o755))
		must(t, os.WriteFile(other, []byte("#!/bin/sh\necho this is another >&2\n"), 0o755))
		lock, err := pluginhost.Lock(dir)
		must(t, err)
		must(t, lock.Write(filepath.Join(dir, pluginhost.LockName)))
		replaced := false
		host := newHost(t, pluginhost.Options{Dir: dir, Confine: pluginhost.Confine{Mode: mode}, Observe: func(_ string, e pluginhost.ProcessEvent) {
			if e == pluginhost.ProcessStarted { // it is verified, and does not run yet
				replaced = os.Rename(other, path) == nil
			}
		}})
		_, err = host.Describe(t.Context(), "script")
		checkError(t, err, pluginhost.ErrStart)
		if !replaced || !strings.Contains(err.Error(), "this is the locked one") || strings.Contains(err.Error(), "this is another") {
			t.Errorf("confined %q: replaced %v, then %v", mode, replaced, err)
		}
		_, err = host.Describe(t.Context(), "script")
		checkError(t, err, pluginhost.ErrChecksum)
	}
}
