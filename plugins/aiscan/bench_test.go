//go:build linux

package aiscan

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/gate"
)

// benchTree is a large real tree: the source of Go, or the folder that
// EXHIBIT_BENCH_TREE names.
func benchTree(b *testing.B) string {
	b.Helper()
	if dir := os.Getenv("EXHIBIT_BENCH_TREE"); dir != "" {
		return dir
	}
	return goSource(b)
}

// goSource is the source of the Go that runs the benchmark.
func goSource(b *testing.B) string {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src")
}

func scanOnce(b *testing.B, dir string, cache Cache) (Report, time.Duration) {
	b.Helper()
	set := signatures(b)
	tree, err := Folder(dir)
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Signatures: set, Root: "bench", Cache: cache}
	began := time.Now()
	rep, err := Scan(context.Background(), tree, o)
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	return rep, took
}

// ripgrep is the time of rg with as many patterns on the same tree.
func ripgrep(b *testing.B, dir string) (wall, cpu time.Duration) {
	b.Helper()
	rg, err := exec.LookPath("rg")
	if err != nil {
		b.Fatal("this benchmark compares with ripgrep, which is not installed: apt-get install ripgrep")
	}
	texts := needles(signatures(b))
	file := filepath.Join(b.TempDir(), "patterns")
	if err := os.WriteFile(file, []byte(strings.Join(noLineEnds(texts), "\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	for range 3 {
		cmd := exec.CommandContext(b.Context(), rg, "-F", "-f", file, "--count-matches", "--no-ignore", "--hidden", dir)
		began := time.Now()
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() > 1 {
			b.Fatal(err)
		}
		if took := time.Since(began); wall == 0 || took < wall {
			wall = took
		}
		if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); cpu == 0 || used < cpu {
			cpu = used
		}
	}
	return wall, cpu
}

// cpuTime is what this process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func noLineEnds(texts []string) (all []string) {
	for _, t := range texts {
		if !strings.Contains(t, "\n") {
			all = append(all, t)
		}
	}
	return all
}

// BenchmarkScan holds the scan of a tree against ripgrep with the same number of
// patterns, and against itself the second time.
func BenchmarkScan(b *testing.B) {
	dir := benchTree(b)
	scanOnce(b, dir, nil) // warm
	rg, rgCPU := ripgrep(b, dir)
	var best, cpu time.Duration
	var rep Report
	for b.Loop() {
		before := cpuTime(b)
		var took time.Duration
		if rep, took = scanOnce(b, dir, nil); best == 0 || took < best {
			best = took
		}
		if used := cpuTime(b) - before; cpu == 0 || used < cpu {
			cpu = used
		}
	}
	b.ReportMetric(float64(rg)/float64(best), "x-ripgrep")
	b.ReportMetric(float64(rgCPU)/float64(cpu), "x-ripgrep-cpu")
	b.ReportMetric(float64(cpu.Milliseconds()), "cpu-ms")
	b.ReportMetric(float64(rep.Bytes)/best.Seconds()/1e6, "MB/s")
	b.ReportMetric(float64(rep.Files), "files")
	b.ReportMetric(float64(rg.Milliseconds()), "rg-ms")
	b.ReportMetric(float64(len(needles(signatures(b)))), "patterns")
}

// BenchmarkAgain measures what a tree costs that has not changed, against the
// best of three scans with a new cache in the same run.
func BenchmarkAgain(b *testing.B) {
	dir := benchTree(b)
	scan := func(store string) (Report, cost) {
		before := spent(b)
		c, err := FileCache(store, 0)
		if err != nil {
			b.Fatal(err)
		}
		rep, _ := scanOnce(b, dir, c)
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		return rep, spent(b).less(before)
	}
	scanOnce(b, dir, nil) // warm
	var first, again cost
	store := ""
	for range 3 {
		store = b.TempDir()
		_, c := scan(store)
		first.best(c)
	}
	for b.Loop() {
		rep, c := scan(store)
		again.best(c)
		if rep.Reused != rep.Files {
			b.Fatalf("%d of %d files were read again", rep.Files-rep.Reused, rep.Files)
		}
	}
	first.against(b, again)
}

// BenchmarkCommandAgain is the same for the whole command: its start, the
// signatures, the scan and the table.
func BenchmarkCommandAgain(b *testing.B) {
	dir, program := benchTree(b), filepath.Join(b.TempDir(), "exhibit")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", program, "github.com/exhibit-aims/exhibit/cmd/exhibit")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	scan := func(store string) (string, cost) {
		cmd := exec.CommandContext(b.Context(), program, "shadow", "scan", dir, "--cache", store)
		cmd.Dir = b.TempDir() // where there is no configuration
		began := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return string(out), cost{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	}
	var first, again cost
	store := ""
	for i := range 4 {
		store = b.TempDir()
		if _, c := scan(store); i > 0 { // the first one warms
			first.best(c)
		}
	}
	for b.Loop() {
		out, c := scan(store)
		again.best(c)
		if strings.Contains(out, " 0 of them unchanged") {
			b.Fatalf("all was read again: %s", out)
		}
	}
	first.against(b, again)
}

// cost is what something took, by the clock and of the processors.
type cost struct{ wall, cpu time.Duration }

// spent is what this process has taken until now.
func spent(b *testing.B) cost {
	b.Helper()
	return cost{time.Duration(time.Now().UnixNano()), cpuTime(b)}
}

func (c cost) less(before cost) cost { return cost{c.wall - before.wall, c.cpu - before.cpu} }

// best keeps the smaller of what was and what is new.
func (c *cost) best(other cost) {
	if c.wall == 0 || other.wall < c.wall {
		c.wall = other.wall
	}
	if c.cpu == 0 || other.cpu < c.cpu {
		c.cpu = other.cpu
	}
}

// against reports how many times as much the first scan took.
func (c cost) against(b *testing.B, again cost) {
	b.ReportMetric(float64(c.wall)/float64(again.wall), "x-first")
	b.ReportMetric(float64(c.cpu)/float64(again.cpu), "x-first-cpu")
	b.ReportMetric(float64(c.wall.Milliseconds()), "first-ms")
	b.ReportMetric(float64(c.cpu.Milliseconds()), "first-cpu-ms")
	b.ReportMetric(float64(again.wall.Microseconds())/1000, "again-ms")
	b.ReportMetric(float64(again.cpu.Microseconds())/1000, "again-cpu-ms")
}

// BenchmarkGate is the speed of the search alone.
func BenchmarkGate(b *testing.B) {
	g, err := gate.New(needles(signatures(b)))
	if err != nil {
		b.Fatal(err)
	}
	var text []byte
	for _, name := range []string{"net/http/server.go", "go/types/expr.go", "reflect/type.go", "crypto/tls/conn.go"} {
		t, err := os.ReadFile(filepath.Join(goSource(b), name))
		if err != nil {
			b.Fatal(err)
		}
		text = append(text, t...)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for at := 0; ; {
			n, ok := g.Find(text, at)
			if !ok {
				break
			}
			at = n + 1
		}
	}
}
