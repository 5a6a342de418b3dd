package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkAgentMemory is the agent with the store of exhibit try and 20
// sources, all of them read at once, when it starts and again when asked, and
// then left alone until it rests. What is resident is printed for the two: all,
// its own memory (anon) and pages of files (file), of the program's for the most
// part. The processor time of the agent stands beside, for a smaller heap costs
// some. At rest it has to stay below 100 MB.
func BenchmarkAgentMemory(b *testing.B) {
	bin, dir := binaries(b), b.TempDir()
	exhibit := filepath.Join(bin, "exhibit")
	if out, err := exec.CommandContext(b.Context(), exhibit, "try", "--out", dir).CombinedOutput(); err != nil {
		b.Fatalf("exhibit try: %v\n%s", err, out)
	}
	names := twentySources(b, dir, 20)
	for b.Loop() {
		m := measuredAgent{exhibit: exhibit, asks: exhibit, dir: dir, names: names}
		m.run(b, true)
		busy, rest := m.busy, m.rest
		for _, r := range []struct {
			name string
			resident
		}{{"MB-reading", busy}, {"MB-rest", rest}} {
			b.ReportMetric(r.total, r.name)
			b.ReportMetric(r.own, r.name+"-anon")
			b.ReportMetric(r.total-r.own, r.name+"-file")
		}
		b.ReportMetric(m.took.Seconds(), "s-cpu")
		if rest.total >= 100 {
			b.Errorf("at rest %.0f MB are resident, %.0f MB of its own", rest.total, rest.own)
		}
	}
}

// twentySources replaces the sources of the sandbox, whose servers are gone, by
// 20 that read files, so many of them at once.
func twentySources(b *testing.B, dir string, atOnce int) (names []string) {
	b.Helper()
	path := filepath.Join(dir, "exhibit.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	head, _, ok := strings.Cut(string(text), "\nsources:\n")
	if !ok {
		b.Fatal("the configuration of exhibit try has no sources")
	}
	out := head + fmt.Sprintf("\nlimits: {concurrency: %d}\nsources:\n", atOnce)
	today := time.Now().UTC()
	for i := range 20 {
		name := fmt.Sprintf("cards-%d", i)
		names = append(names, name)
		file := filepath.Join(dir, name+".csv")
		lines := "date,merchant,amount,currency,who,centre\n"
		for j := range 200 {
			day := today.Add(-time.Duration(j) * 29 * time.Hour).Format(time.DateOnly) // the last of today: a run that ends before is partial
			lines += fmt.Sprintf("%s,%s,%d.00,EUR,p%d,CC-%d-%d\n", day, []string{"OPENAI", "ANTHROPIC", "MIDJOURNEY"}[j%3], 20+i, j%9, i, j%5)
		}
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			b.Fatal(err)
		}
		out += fmt.Sprintf("  - name: %s\n    connector: expenses\n    schedule: \"0 0 1 1 *\"\n    config:\n      name: %s\n      files: [%q]\n"+
			"      columns: {date: date, merchant: merchant, amount: amount, currency: currency, person: who, cost_centre: centre}\n", name, name, file)
	}
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		b.Fatal(err)
	}
	return names
}

// resident is what of a process is in memory, in MB: all of it, and what is no
// page of a file.
type resident struct{ total, own float64 }

// measuredAgent is an agent that is started, reads all sources, and is asked to read
// them again.
type measuredAgent struct {
	exhibit, dir string
	names        []string
	asks         string // the program that asks for runs
	group        string // folder of the control group that it starts in; empty: that of the tests
	started      func(pid int)

	busy, rest resident      // the most from the start until all was assessed; what is when it rests
	took       time.Duration // of the processor
	faults     int64         // for which something was read from the disk
}

// run is one life of the agent. Every run of a source has to be complete.
func (m *measuredAgent) run(b *testing.B, rests bool) {
	b.Helper()
	config := filepath.Join(m.dir, "exhibit.yaml")
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	agent := m.start(b, config, log)
	pid := agent.Process.Pid
	defer func() {
		_ = agent.Process.Signal(os.Interrupt)
		_ = agent.Wait()
		m.took = agent.ProcessState.UserTime() + agent.ProcessState.SystemTime()
		m.faults = agent.ProcessState.SysUsage().(*syscall.Rusage).Majflt
	}()
	if m.started != nil {
		m.started(pid)
	}
	seen := func(times int, texts ...string) func() bool {
		return func() bool {
			raw, err := os.ReadFile(log.Name())
			n := 0
			for _, text := range texts {
				n += bytes.Count(raw, []byte(text))
			}
			return err == nil && n >= times
		}
	}
	assessed := func(times int) func() bool {
		return seen(times, "assessed after=cards", `"assessed with another" source=cards`)
	}
	waitUntil(b, assessed(len(m.names)), pid, &m.busy) // all are due at the start
	for _, name := range m.names {
		keepMost(b, pid, &m.busy)
		ask := exec.CommandContext(b.Context(), m.asks, "agent", "run", name, "--config", config, "--as", "hbrandvold")
		if out, err := ask.CombinedOutput(); err != nil {
			b.Fatalf("exhibit agent run: %v\n%s", err, out)
		}
	}
	waitUntil(b, assessed(2*len(m.names)), pid, &m.busy)
	if !seen(2*len(m.names)+1, "status=complete")() { // the register is a source, too
		b.Error("not all runs are complete")
	}
	if rests {
		size, since := int64(0), time.Now()
		waitUntil(b, func() bool { // nothing is logged for as long as it takes to rest
			info, err := log.Stat()
			if err == nil && info.Size() != size {
				size, since = info.Size(), time.Now()
			}
			return time.Since(since) > 2*restAfter+5*time.Second
		}, pid, nil)
		m.rest = residentOf(b, pid)
	}
}

// start starts the agent, in its group.
func (m *measuredAgent) start(b *testing.B, config string, log *os.File) *exec.Cmd {
	b.Helper()
	args := []string{m.exhibit, "agent", "--config", config, "--listen", "127.0.0.1:0"}
	if m.group != "" {
		args = append([]string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, m.group}, args...)
	}
	agent := exec.CommandContext(b.Context(), args[0], args[1:]...)
	agent.Stdout, agent.Stderr = log, log
	agent.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // what the tests are run with would be the agent's
		return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=")
	})
	agent.Cancel = func() error { return agent.Process.Signal(os.Interrupt) }
	agent.WaitDelay = 20 * time.Second
	if err := agent.Start(); err != nil {
		b.Fatal(err)
	}
	return agent
}

// waitUntil waits for done, for five minutes at most, and keeps the most that the
// process had.
func waitUntil(b *testing.B, done func() bool, pid int, most *resident) {
	b.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("the agent did not come so far in five minutes")
		}
		if most != nil {
			keepMost(b, pid, most)
		}
	}
}

func keepMost(b *testing.B, pid int, most *resident) {
	b.Helper()
	if r := residentOf(b, pid); r.total > most.total {
		*most = r
	}
}

func residentOf(b *testing.B, pid int) (r resident) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var kb float64
		switch {
		case strings.HasPrefix(line, "VmRSS:"):
			if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
				r.total = kb / 1024
			}
		case strings.HasPrefix(line, "RssAnon:"):
			if _, err := fmt.Sscanf(line, "RssAnon: %f kB", &kb); err == nil {
				r.own = kb / 1024
			}
		}
	}
	if r.total == 0 || r.own == 0 {
		b.Fatalf("what is resident is not in\n%s", raw)
	}
	return r
}
