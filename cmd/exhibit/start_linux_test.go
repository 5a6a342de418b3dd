package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// BenchmarkConnectorStart is one Describe of each connector that is built
// here, under confinement: verify the file, start, confine, shake hands, ask,
// stop. Beside the time by the clock stands the processor time of the processes
// that were started, and of the host.
func BenchmarkConnectorStart(b *testing.B) {
	host, err := pluginhost.New(pluginhost.Options{Dir: binaries(b), Confine: pluginhost.Confine{Mode: pluginhost.ConfineBestEffort}})
	if err != nil {
		b.Fatal(err)
	}
	installed, err := host.List(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range installed {
		b.Run(c.Name, func(b *testing.B) {
			children, own := processorTime(b, syscall.RUSAGE_CHILDREN), processorTime(b, syscall.RUSAGE_SELF)
			for b.Loop() {
				if _, err := host.Describe(b.Context(), c.Name); err != nil {
					b.Fatal(err)
				}
			}
			children, own = processorTime(b, syscall.RUSAGE_CHILDREN)-children, processorTime(b, syscall.RUSAGE_SELF)-own
			each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
			b.ReportMetric(each(b.Elapsed()), "ms")
			b.ReportMetric(each(children), "ms-cpu-connector")
			b.ReportMetric(each(own), "ms-cpu-host")
		})
	}
}

// processorTime is what the process, or those it waited for, have used.
func processorTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
