//go:build unix

package manifest

import (
	"syscall"
	"testing"
	"time"
)

// cpu is the time that the process has computed: other work on the machine
// does not count.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkRead(b *testing.B) {
	for _, path := range []string{"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "Cargo.lock", "go.sum", "requirements.txt", "pom.xml"} {
		data := []byte(big[path](10_000))
		b.Run(path, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			start := cpu(b)
			for b.Loop() {
				if _, err := For(path).Read(path, data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data))*float64(b.N)/1e6/(cpu(b)-start).Seconds(), "MB/cpu-s")
		})
	}
}
