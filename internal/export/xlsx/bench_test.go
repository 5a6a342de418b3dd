//go:build unix

package xlsx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// many is a ledger of n evidence items that exist while they are looked at.
type many struct {
	*exporttest.Ledger
	n        int
	payloads map[evidence.Digest][]byte // of those that are read again
}

// rereadFirst is how many payloads the Evidence sheet reads again at most.
const rereadFirst = 100_000

// Payload is part of export.Ledger.
func (m many) Payload(_ context.Context, d evidence.Digest) ([]byte, error) {
	if p, ok := m.payloads[d]; ok {
		return p, nil
	}
	return nil, store.ErrNotFound
}

func (m many) Used(context.Context) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for i := range m.n {
			if !yield(m.at(i), nil) {
				return
			}
		}
	}
}

func (m many) at(i int) evidence.Evidence {
	id := strconv.Itoa(i)
	return evidence.Evidence{
		Seq: int64(i), Digest: evidence.Sum([]byte(id)), PayloadSum: evidence.Sum([]byte("p" + id)), Run: "run-0001", Source: "github",
		Kind: "github.pull_request", Major: 1, Subject: evidence.Subject{Type: "change", ID: "nordlicht/claims-model#" + id}, Key: "claims-model/" + id,
		Revision: 1, EventTime: exporttest.AsOf.Add(-time.Duration(i) * time.Minute), CollectedAt: exporttest.AsOf.Add(-time.Hour),
		URL: "https://github.example/nordlicht/claims-model/pull/" + id,
	}
}

// snapshotOf is the sample organisation with n evidence items and a result for
// every hundredth of them.
func snapshotOf(b *testing.B, n int) (*export.Snapshot, note.Signer) {
	s := sample(b)
	m := many{s.Ledger, n, map[evidence.Digest][]byte{}}
	for i := range n {
		if i < rereadFirst || i%100 == 0 {
			p := []byte("p" + strconv.Itoa(i))
			m.payloads[evidence.Sum(p)] = p
		}
	}
	a := *s.Snapshot.Assessment
	a.Results = nil
	for i := 0; i < n; i += 100 {
		ev := m.at(i)
		a.Results = append(a.Results, &assess.Result{Expectation: "release-change-approved", Control: "A.6.2.5", Subject: ev.Subject,
			Status: assess.StatusSatisfied, Reason: "1 approval before the merge", Evidence: []evidence.Digest{ev.Digest}, Severity: "major"})
	}
	s.Snapshot.Assessment, s.Snapshot.Ledger = &a, m
	return s.Snapshot, s.Key.Signer
}

// BenchmarkWorkbook holds the whole workbook against the bare stream writer
// with the cells of its Evidence sheet and nothing else: no style, link,
// filter, seal or other sheet. EXHIBIT_BENCH_ROWS sets the number of rows;
// EXHIBIT_BENCH_PYTHON names a Python that has XlsxWriter, to compare with that too.
func BenchmarkWorkbook(b *testing.B) {
	n := 50_000
	if v, err := strconv.Atoi(os.Getenv("EXHIBIT_BENCH_ROWS")); err == nil {
		n = v
	}
	snap, signer := snapshotOf(b, n)
	full, bare := cost{time: 1<<63 - 1, cpu: 1<<63 - 1}, cost{time: 1<<63 - 1, cpu: 1<<63 - 1}
	for b.Loop() {
		bare = bare.best(measure(b, func(w io.Writer) error { return writeBare(w, snap, b.TempDir()) }))
		full = full.best(measure(b, func(w io.Writer) error {
			_, err := Write(b.Context(), w, snap, signer, Options{TempDir: b.TempDir()})
			return err
		}))
	}
	b.ReportMetric(full.time.Seconds()/bare.time.Seconds(), "time/bare")
	b.ReportMetric(full.cpu.Seconds()/bare.cpu.Seconds(), "cpu/bare")
	b.ReportMetric(float64(full.peak)/float64(bare.peak), "memory/bare")
	b.ReportMetric(float64(n)/full.time.Seconds(), "rows/s")
	b.ReportMetric(float64(full.peak)/(1<<20), "peak-MB")
	b.ReportMetric(float64(bare.peak)/(1<<20), "bare-peak-MB")
	b.ReportMetric(float64(full.size)/float64(bare.size), "size/bare")
	b.ReportMetric(full.time.Seconds(), "s")
	b.ReportMetric(bare.time.Seconds(), "bare-s")
	if python := os.Getenv("EXHIBIT_BENCH_PYTHON"); python != "" {
		other := writeXlsxWriter(b, python, snap)
		b.ReportMetric(full.time.Seconds()/other.time.Seconds(), "time/xlsxwriter")
		b.ReportMetric(other.time.Seconds(), "xlsxwriter-s")
		b.ReportMetric(float64(other.peak)/(1<<20), "xlsxwriter-peak-MB")
	}
}

// cost is what writing took.
type cost struct {
	time time.Duration
	cpu  time.Duration // of all threads, user and system
	peak uint64        // bytes of heap in use, at most, above what was there before
	size int64
}

// best is the least disturbed of two measurements of the same work.
func (c cost) best(d cost) cost {
	return cost{min(c.time, d.time), min(c.cpu, d.cpu), max(c.peak, d.peak), d.size}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs write into a file and watches the heap.
func measure(b *testing.B, write func(io.Writer) error) cost {
	b.Helper()
	f, err := os.CreateTemp(b.TempDir(), "out-*.xlsx")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	runtime.GC()
	debug.FreeOSMemory()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			runtime.ReadMemStats(&m)
			if use := m.HeapInuse - min(m.HeapInuse, before.HeapInuse); use > peak.Load() {
				peak.Store(use)
			}
		}
	}()
	start, cpu := time.Now(), cpuTime(b)
	if err := write(f); err != nil {
		b.Fatal(err)
	}
	took, cpu := time.Since(start), cpuTime(b)-cpu
	close(done)
	<-stopped
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return cost{took, cpu, peak.Load(), info.Size()}
}

// writeBare writes the cells of the Evidence sheet with the stream writer as
// its manual shows it.
func writeBare(w io.Writer, snap *export.Snapshot, tmp string) (err error) {
	f := excelize.NewFile(excelize.Options{TmpDir: tmp})
	defer func() { err = errors.Join(err, f.Close()) }()
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	row := 1
	for cells, err := range bareRows(snap) {
		if err != nil {
			return err
		}
		if err := sw.SetRow(fmt.Sprintf("A%d", row), cells); err != nil {
			return err
		}
		row++
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// bareNumbers are the columns of bareRows that hold numbers, from 0.
const bareNumbers = "5,6,19,21,22,23"

// bareRows yields the cells of the Evidence sheet, its header first.
func bareRows(snap *export.Snapshot) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		columns := layoutOf(snap, sheets.EvidenceSheet).Columns
		head := make([]any, len(columns))
		for i, c := range columns {
			head[i] = c.Title
		}
		if !yield(head, nil) {
			return
		}
		run := snap.Runs[0].Provenance
		for ev, err := range snap.Ledger.Used(context.Background()) {
			if err != nil {
				yield(nil, err)
				return
			}
			kind := snap.Kinds[ev.Kind]
			event, _ := serial(ev.EventTime)
			read, _ := serial(ev.CollectedAt)
			payload := ev.PayloadSum.String()
			if !yield([]any{ev.Digest.String(), ev.Kind, kind.Strength, kind.Title, ev.Subject.Type + " " + ev.Subject.ID, event, read, "", "",
				ev.Source, ev.URL, ev.Key, run.Method, run.Reliability, run.Identity, run.Connector + " " + run.ConnectorVersion, ev.Run, payload,
				"evidence/" + payload + ".json", ev.Seq, "not re-read", ev.Revision, read, read, "", "", "", "", "", "", ""}, nil) {
				return
			}
		}
	}
}

// writeXlsxWriter writes the same cells with XlsxWriter, run by a Python that has it.
func writeXlsxWriter(b *testing.B, python string, snap *export.Snapshot) cost {
	b.Helper()
	out := filepath.Join(b.TempDir(), "xlsxwriter.xlsx")
	cmd := exec.CommandContext(b.Context(), python, "testdata/compare.py", out, bareNumbers)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(in)
	for cells, err := range bareRows(snap) {
		if err != nil {
			b.Fatal(err)
		}
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w)
	}
	if err := errors.Join(w.Flush(), in.Close(), cmd.Wait()); err != nil {
		b.Fatal(err)
	}
	use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no figures of the process")
	}
	info, err := os.Stat(out)
	if err != nil {
		b.Fatal(err)
	}
	return cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), uint64(use.Maxrss) << 10, info.Size()}
}
