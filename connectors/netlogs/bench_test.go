//go:build unix

package netlogs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// benchFile writes n lines, one in fifty of which is a hit.
func benchFile(b *testing.B, name string, n int) (string, int64) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "log")
	var out bytes.Buffer
	out.WriteString(benchHeaders[name])
	line := benchLines()[name]
	misses := []string{"www.example.org", "cdn.jsdelivr.net", "login.microsoftonline.com", "storage.googleapis.com", "s3.eu-central-1.amazonaws.com"}
	for i := range n {
		host := misses[i%len(misses)]
		if i%50 == 0 {
			host = "api.openai.com"
		}
		if name == "windows_dns" {
			host = string(windowsName(host))
		}
		out.WriteString(strings.ReplaceAll(line, "HOST", host))
		out.WriteByte('\n')
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return path, int64(out.Len())
}

// BenchmarkLines reads a file of 400,000 lines with one reader, parsing and
// adding up included: the figure of one core.
func BenchmarkLines(b *testing.B) {
	set := signatures(b)
	table := newTable(set.All(), nil)
	for _, name := range sortedKeys(benchLines()) {
		b.Run(name, func(b *testing.B) {
			const n = 400_000
			path, size := benchFile(b, name, n)
			f, _ := formatOf(name)
			l := &logConfig{zone: time.UTC, Format: name, Columns: benchColumns[name], Logformat: layoutSquid}
			head, _, err := headOf(path, headBytes)
			if err != nil {
				b.Fatal(err)
			}
			cfg := &config{GroupBy: byNetwork, People: peopleCount}
			b.SetBytes(size)
			b.ResetTimer()
			before := cpuTime(b)
			for range b.N {
				c := l.clock(reference, reference)
				p, err := f.parser(l)
				if err != nil {
					b.Fatal(err)
				}
				if err := p.prime(head); err != nil {
					b.Fatal(err)
				}
				rd := &reader{parser: p, tally: newTally(newActors(cfg, []byte("k"), set), 2000), event: event{table: table, clock: &c}, bound: 1 << 20, final: true}
				o, err := open(path)
				if err != nil {
					b.Fatal(err)
				}
				res := rd.read(b.Context(), o, 0, -1)
				o.Close()
				if res.err != nil || rd.counts.Bad > 0 || rd.counts.Requests < n {
					b.Fatalf("%v %+v", res, rd.counts)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(n)*float64(b.N)/(cpuTime(b)-before), "lines/cpu-s")
		})
	}
}

// BenchmarkRun reads four files of squid with the whole connector.
func BenchmarkRun(b *testing.B) {
	const n = 500_000
	var paths []string
	var all int64
	for range 4 {
		p, size := benchFile(b, "squid", n)
		raw, err := os.ReadFile(p)
		if err != nil {
			b.Fatal(err)
		}
		raw = append([]byte(fmt.Sprintf("%d.000 1 10.0.0.1 TCP_MISS/200 1 GET http://www.example.org/%d - HIER_NONE/- -\n", 1795860000+len(paths), len(paths))), raw...)
		if err := os.WriteFile(p, raw, 0o600); err != nil {
			b.Fatal(err)
		}
		paths, all = append(paths, p), all+size
	}
	f := newFolder(b)
	cfg := f.config(map[string]any{"logs": []any{map[string]any{"name": "proxy", "paths": paths}}})
	b.SetBytes(all)
	b.ResetTimer()
	var last *connectortest.Recorder
	before := cpuTime(b)
	for range b.N {
		last, _ = collect(b, cfg, nil)
	}
	b.ReportMetric(4*n*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(4*n*float64(b.N)/(cpuTime(b)-before), "lines/cpu-s")
	b.StopTimer()
	if len(last.Records()) != 1 {
		b.Fatalf("%d records", len(last.Records()))
	}
}

// cpuTime is how long this process worked, in seconds: a figure that other
// programs on the machine do not change.
func cpuTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
