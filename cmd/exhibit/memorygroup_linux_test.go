package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkAgentMemoryGroup is the agent of BenchmarkAgentMemory in a control group
// with so much memory and no more, as MemoryMax=, a container's limit and
// Kubernetes give it: all runs have to be complete, and nothing may be killed. Each
// limit stands beside a run without one.
//
// "group" is agent and connectors together, four sources at once, as a container
// holds them. "alone" is the agent, 20 sources at once; its connectors are in a
// group of their own. Where pages of a file are charged is decided by who touches
// them first: the agent's programs are taken out of the system's cache before, and
// it is asked for runs by a copy of its program, so that this group pays for them.
// A connector under confinement is the agent's program first, and its group would
// pay for pages of it: those of "alone" are not confined.
func BenchmarkAgentMemoryGroup(b *testing.B) {
	for _, c := range []struct {
		name   string
		alone  bool
		atOnce int
		limit  int // MB; 0: none
	}{{"alone", true, 20, 0}, {"alone", true, 20, 100}, {"alone", true, 20, 115}, {"group", false, 4, 0}, {"group", false, 4, 160}} {
		limit := "none"
		if c.limit > 0 {
			limit = fmt.Sprintf("%dMB", c.limit)
		}
		b.Run(c.name+"/limit="+limit, func(b *testing.B) {
			bin, dir := binaries(b), b.TempDir()
			m := measuredAgent{exhibit: filepath.Join(bin, "exhibit"), dir: dir}
			if out, err := exec.CommandContext(b.Context(), m.exhibit, "try", "--out", dir).CombinedOutput(); err != nil {
				b.Fatalf("exhibit try: %v\n%s", err, out)
			}
			m.names = twentySources(b, dir, c.atOnce)
			m.asks = filepath.Join(b.TempDir(), "exhibit")
			copyProgram(b, m.exhibit, m.asks)
			if c.alone {
				unconfine(b, filepath.Join(dir, "exhibit.yaml"))
			}
			for b.Loop() {
				g := newMemoryGroup(b, c.limit)
				m.group, m.busy = g.dir, resident{}
				uncache(b, m.exhibit, filepath.Join(bin, "exhibit-connector-expenses"))
				if c.alone {
					m.started = g.connectorsElsewhere(b)
				}
				m.run(b, false)
				b.ReportMetric(m.busy.own, "MB-own")
				b.ReportMetric(g.number(b, g.most)/(1<<20), "MB-group-most")
				b.ReportMetric(m.took.Seconds(), "s-cpu")
				b.ReportMetric(float64(m.faults), "faults")
				if n := g.killed(b); n != 0 {
					b.Errorf("%d processes were killed", n)
				}
			}
		})
	}
}

// copyProgram copies an executable file.
func copyProgram(b *testing.B, from, to string) {
	b.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o700)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// unconfine switches the confinement of connectors off, in a configuration that
// says nothing of connectors.
func unconfine(b *testing.B, path string) {
	b.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(raw, "\nconnectors: {confine: off}\n"...), 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// memoryGroup is a control group: its folder, and what its files are called.
type memoryGroup struct {
	dir, limit, most, kills string
	threads                 bool // it can be entered by single threads
}

// newMemoryGroup makes a group with a limit in MB, of version 1 or 2 of the system's
// control groups. It skips where that cannot be.
func newMemoryGroup(b *testing.B, limit int) *memoryGroup {
	b.Helper()
	g := &memoryGroup{dir: "/sys/fs/cgroup", limit: "memory.max", most: "memory.peak", kills: "memory.events"}
	if _, err := os.Stat("/sys/fs/cgroup/memory"); err == nil {
		g = &memoryGroup{dir: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", most: "memory.max_usage_in_bytes", kills: "memory.oom_control", threads: true}
	}
	dir, err := os.MkdirTemp(g.dir, "exhibit-bench-*")
	if err != nil {
		b.Skipf("no control group for memory can be made here; that takes root, and a system that hands them on: %v", err)
	}
	g.dir = dir
	b.Cleanup(func() { g.remove(b) })
	if limit > 0 {
		g.write(b, g.limit, strconv.Itoa(limit<<20))
	} else if _, err := os.Stat(filepath.Join(dir, g.limit)); err != nil {
		b.Skipf("groups for memory are not handed on here: %v", err)
	}
	return g
}

func (g *memoryGroup) write(b *testing.B, name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0); err != nil {
		b.Skipf("the control group cannot be set: %v", err)
	}
}

// number reads a file that is one number.
func (g *memoryGroup) number(b *testing.B, name string) float64 {
	b.Helper()
	raw, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// killed is how many processes were ended for want of memory.
func (g *memoryGroup) killed(b *testing.B) (n int) {
	b.Helper()
	raw, err := os.ReadFile(filepath.Join(g.dir, g.kills))
	if err != nil {
		b.Fatal(err)
	}
	_, after, ok := strings.Cut(string(raw), "oom_kill ")
	if _, err := fmt.Sscan(after, &n); !ok || err != nil {
		b.Fatalf("how many were killed is not in\n%s", raw)
	}
	return n
}

// connectorsElsewhere has what the agent starts in a group of its own, from its
// first moment: a process begins in the group of the thread that starts it, and
// its memory is that of its first thread. So all of the agent's threads but the
// first go there. Processes that the first one starts are moved.
func (g *memoryGroup) connectorsElsewhere(b *testing.B) (started func(pid int)) {
	b.Helper()
	if !g.threads {
		b.Skip("agent and connectors can be in two groups only in version 1 of control groups")
	}
	other := newMemoryGroup(b, 0)
	return func(pid int) {
		done := make(chan struct{})
		var mover sync.WaitGroup
		b.Cleanup(func() { close(done); mover.Wait() })
		mover.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(3 * time.Millisecond):
				}
				raw, _ := os.ReadFile(filepath.Join(g.dir, "tasks")) // of a thread that has ended nothing needs to be moved
				for _, id := range strings.Fields(string(raw)) {
					if id != strconv.Itoa(pid) {
						_ = os.WriteFile(filepath.Join(other.dir, "tasks"), []byte(id), 0)
					}
				}
			}
		})
	}
}

// remove waits until what was in the group has ended.
func (g *memoryGroup) remove(b *testing.B) {
	b.Helper()
	var err error
	for range 100 {
		if err = unix.Rmdir(g.dir); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Errorf("remove %s: %v", g.dir, err)
}

// uncache takes files out of the system's cache.
func uncache(b *testing.B, paths ...string) {
	b.Helper()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		err = unix.Fsync(int(f.Fd()))
		if err == nil {
			err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		f.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
}
