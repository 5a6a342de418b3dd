package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	names := twentySources(b, dir)
	for b.Loop() {
		busy, rest, took := agentMemory(b, exhibit, dir, names)
		for _, r := range []struct {
			name string
			resident
		}{{"MB-reading", busy}, {"MB-rest", rest}} {
			b.ReportMetric(r.total, r.name)
			b.ReportMetric(r.own, r.name+"-anon")
			b.ReportMetric(r.total-r.own, r.name+"-file")
		}
		b.ReportMetric(took.Seconds(), "s-cpu")
		if rest.total >= 100 {
			b.Errorf("at rest %.0f MB are resident, %.0f MB of its own", rest.total, rest.own)
		}
	}
}

// twentySources replaces the sources of the sandbox, whose servers are gone, by
// 20 that read files.
func twentySources(b *testing.B, dir string) (names []string) {
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
	out := head + "\nlimits: {concurrency: 20}\nsources:\n"
	for i := range 20 {
		name := fmt.Sprintf("cards-%d", i)
		names = append(names, name)
		file := filepath.Join(dir, name+".csv")
		lines := "date,merchant,amount,currency,who,centre\n"
		for j := range 200 {
			lines += fmt.Sprintf("2026-%02d-%02d,%s,%d.00,EUR,p%d,CC-%d-%d\n", j%11+1, j%27+1, []string{"OPENAI", "ANTHROPIC", "MIDJOURNEY"}[j%3], 20+i, j%9, i, j%5)
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

// agentMemory runs the agent, reads all sources at once, and returns the most
// that was resident from its start until that was assessed, what is when it
// rests, and the processor time that it took.
func agentMemory(b *testing.B, exhibit, dir string, names []string) (busy, rest resident, took time.Duration) {
	b.Helper()
	config := filepath.Join(dir, "exhibit.yaml")
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	agent := exec.CommandContext(b.Context(), exhibit, "agent", "--config", config, "--listen", "127.0.0.1:0")
	agent.Stdout, agent.Stderr = log, log
	agent.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // what the tests are run with would be the agent's
		return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=")
	})
	agent.Cancel = func() error { return agent.Process.Signal(os.Interrupt) }
	if err := agent.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = agent.Process.Signal(os.Interrupt)
		_ = agent.Wait()
		took = agent.ProcessState.UserTime() + agent.ProcessState.SystemTime()
	}()
	seen := func(text string, times int) func() bool {
		return func() bool {
			raw, err := os.ReadFile(log.Name())
			return err == nil && bytes.Count(raw, []byte(text)) >= times
		}
	}
	waitUntil(b, seen("assessed after=cards", len(names)), agent.Process.Pid, &busy) // all are due at the start
	for _, name := range names {
		keepMost(b, agent.Process.Pid, &busy)
		ask := exec.CommandContext(b.Context(), exhibit, "agent", "run", name, "--config", config, "--as", "hbrandvold")
		if out, err := ask.CombinedOutput(); err != nil {
			b.Fatalf("exhibit agent run: %v\n%s", err, out)
		}
	}
	waitUntil(b, seen("assessed after=cards", 2*len(names)), agent.Process.Pid, &busy)
	size, since := int64(0), time.Now()
	waitUntil(b, func() bool { // nothing is logged for as long as it takes to rest
		info, err := log.Stat()
		if err == nil && info.Size() != size {
			size, since = info.Size(), time.Now()
		}
		return time.Since(since) > 2*restAfter+5*time.Second
	}, agent.Process.Pid, nil)
	return busy, residentOf(b, agent.Process.Pid), 0
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
