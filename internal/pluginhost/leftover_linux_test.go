package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// eitherWay runs a test with a connector that nothing confines, and with one in a
// cage.
func eitherWay(t *testing.T, test func(t *testing.T, c pluginhost.Confine)) {
	t.Helper()
	for _, mode := range []pluginhost.ConfineMode{pluginhost.ConfineOff, pluginhost.ConfineBestEffort} {
		t.Run("confined "+string(mode), func(t *testing.T) { test(t, pluginhost.Confine{Mode: mode}) })
	}
}

// ownTemp makes the folders of runs in a new directory, which is returned.
func ownTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "left") // short enough for a socket
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}

// checkNothingLeft wants tmp empty, and as many open files as before.
func checkNothingLeft(t *testing.T, tmp string, files int) {
	t.Helper()
	left := func() []string { all, _ := filepath.Glob(tmp + "/*"); return all }
	if !eventually(func() bool { return len(left()) == 0 && openFiles() == files }) {
		t.Errorf("left behind: %v, and %d files are open, not %d", left(), openFiles(), files)
	}
}

func openFiles() int {
	all, _ := os.ReadDir("/proc/self/fd")
	return len(all)
}

// lazily keeps files that nobody closes open: without it they are closed as soon as
// memory is collected.
func lazily(t *testing.T) {
	t.Helper()
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
}

// openIn is what a process has open.
func openIn(t *testing.T, pid int) []string {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for i, fd := range all {
		all[i], _ = os.Readlink(fd) // it may be closed by now
	}
	return all
}

// A start that is given up, before it began or later, leaves nothing behind.
func TestStartGivenUpLeavesNothing(t *testing.T) {
	eitherWay(t, func(t *testing.T, c pluginhost.Confine) {
		host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Confine: c})
		tmp := ownTemp(t)
		_, err := host.Describe(t.Context(), "fake") // what is opened once is open
		must(t, err)
		files := openFiles()
		for i := range 30 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10)*2*time.Millisecond)
			if _, err := host.Describe(ctx, "fake"); err == nil {
				t.Logf("%d: it was faster", i)
			}
			cancel()
		}
		checkNothingLeft(t, tmp, files)
	})
}

// Whoever gives up does not wait for a file that takes long to read, and neither
// does the stage. Nothing of the file runs when it is read after all.
func TestGivenUpWhileTheFileIsRead(t *testing.T) {
	const script = "#!/bin/sh\necho it ran >&2\n"
	eitherWay(t, func(t *testing.T, c pluginhost.Confine) {
		files := openFiles()
		dir, end := slowly(t, "canary", script)
		tmp := ownTemp(t)
		log, text := testLog()
		var seen events
		host := newHost(t, pluginhost.Options{Dir: dir, Confine: c, Logger: log, Observe: seen.observe})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { _, err := host.Describe(ctx, "canary"); ended <- err }()
		if c.Mode != pluginhost.ConfineOff {
			waitingStage(t, os.Getpid())
		}
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("it waits for the file")
		}
		if left := stagesOf(os.Getpid()); len(left) > 0 {
			t.Errorf("stages %v are still there", left)
		}
		_, err := end.WriteString(script)
		must(t, errors.Join(err, end.Close()))
		checkNothingLeft(t, tmp, files)
		if said := text.String(); strings.Contains(said, "it ran") || strings.Contains(said, "WARN") || len(seen.all) > 0 {
			t.Errorf("observed %v, logged %s", seen.all, text)
		}
	})
}

// A refused connector costs no open file.
func TestRefusalLeavesNoFileOpen(t *testing.T) {
	lazily(t)
	eitherWay(t, func(t *testing.T, c pluginhost.Confine) {
		dir := install(t, "fake")
		must(t, pluginhost.Lockfile{Version: 1, Connectors: map[string]pluginhost.Locked{
			"fake": {SHA256: evidence.Sum([]byte("another"))},
		}}.Write(filepath.Join(dir, pluginhost.LockName)))
		host := newHost(t, pluginhost.Options{Dir: dir, Confine: c})
		tmp, files := ownTemp(t), openFiles()
		for range 5 {
			_, err := host.Describe(t.Context(), "fake")
			checkError(t, err, pluginhost.ErrChecksum)
		}
		checkNothingLeft(t, tmp, files)
	})
}

// Wherever in a start there is no descriptor more, what it had is given back.
func TestOutOfDescriptors(t *testing.T) {
	lazily(t)
	eitherWay(t, func(t *testing.T, c pluginhost.Confine) {
		host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Confine: c})
		tmp := ownTemp(t)
		_, err := host.Describe(t.Context(), "fake")
		must(t, err)
		var limit unix.Rlimit
		must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
		files, failed := openFiles(), 0
		for more := range uint64(14) {
			must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(files) + more, Max: limit.Max}))
			_, err := host.Describe(t.Context(), "fake")
			must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
			if err != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Error("there were always enough")
		}
		checkNothingLeft(t, tmp, files)
	})
}

// What the host was started with and does not know of, a lock or a file of
// secrets, is not the connector's.
func TestConnectorInheritsNothing(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, nil, 0o600))
	f, err := os.Open(secret)
	must(t, err)
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 100) // open in what is executed, too
	must(t, err)
	defer unix.Close(fd)
	ctx, cancel := context.WithCancel(t.Context())
	var open []string
	sink := memory{onBatch: func(b pluginhost.Batch) {
		defer cancel()
		var h hanging
		must(t, json.Unmarshal(b.Records[0].Payload, &h))
		open = openIn(t, h.PID)
	}}
	if _, err := newHost(t, confined(install(t, "fake"))).Collect(ctx, "fake", request("hang"), &sink); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(open) == 0 || slices.Contains(open, secret) {
		t.Errorf("the connector has %v", open)
	}
}
