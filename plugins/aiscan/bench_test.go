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

// BenchmarkAgain measures what a tree costs that has not changed.
func BenchmarkAgain(b *testing.B) {
	dir := benchTree(b)
	store := b.TempDir()
	open := func() *DiskCache {
		c, err := FileCache(store, 0)
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	scanOnce(b, dir, nil) // warm
	c := open()
	before := cpuTime(b)
	_, first := scanOnce(b, dir, c)
	firstCPU := cpuTime(b) - before
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	var best, bestCPU time.Duration
	for b.Loop() {
		began, before := time.Now(), cpuTime(b)
		c := open()
		rep, _ := scanOnce(b, dir, c)
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
		if used := cpuTime(b) - before; bestCPU == 0 || used < bestCPU {
			bestCPU = used
		}
		if rep.Reused != rep.Files {
			b.Fatalf("%d of %d files were read again", rep.Files-rep.Reused, rep.Files)
		}
	}
	b.ReportMetric(float64(first)/float64(best), "x-first")
	b.ReportMetric(float64(firstCPU)/float64(bestCPU), "x-first-cpu")
	b.ReportMetric(float64(best.Milliseconds()), "again-ms")
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
