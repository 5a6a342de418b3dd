package assess_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
)

// BenchmarkYear makes the record of a year that was read every day: of 10,000
// pieces of evidence, or EXHIBIT_BENCH_RECORDS, each read on the day it
// happened. ms/instant says what one more instant costs.
func BenchmarkYear(b *testing.B) {
	size := 10_000
	if s := os.Getenv("EXHIBIT_BENCH_RECORDS"); s != "" {
		var err error
		if size, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	eng := shipped(b)
	l := newLedger(size)
	st := eng.NewState()
	days := int(l.end.Sub(l.start)/(24*time.Hour)) + 1
	for d := range days {
		r := l.run(eng)
		r.ID = fmt.Sprintf("run-%d", d)
		r.FinishedAt = l.start.Add(time.Duration(d)*24*time.Hour + 23*time.Hour)
		r.StartedAt = r.FinishedAt.Add(-time.Hour)
		st.ApplyRun(r)
	}
	for e := range l.all() {
		e.CollectedAt = e.EventTime.Truncate(24 * time.Hour).Add(22*time.Hour + 30*time.Minute)
		if e.Kind == "inventory.ai_system" {
			e.CollectedAt = l.start.Add(22 * time.Hour)
		}
		e.Run = fmt.Sprintf("run-%d", int(e.CollectedAt.Sub(l.start)/(24*time.Hour)))
		if err := st.Apply(e); err != nil {
			b.Fatal(err)
		}
	}
	to := l.end.Add(-time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		p, err := period.Of(st, assess.Checkpoint{}, period.Options{From: to.AddDate(-1, 0, 0), To: to})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(p.Instants), "instants")
		b.ReportMetric(float64(len(p.Records)), "records")
		b.ReportMetric(time.Since(began).Seconds()*1000/float64(p.Instants), "ms/instant")
	}
}
