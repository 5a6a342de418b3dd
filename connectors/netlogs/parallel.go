package netlogs

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// stretch is a part of a file that one worker reads.
type stretch struct {
	job      *job
	from, to int64 // to < 0: to the end
	first    bool
	last     bool
}

// stretchBytes is how long a stretch of a plain file is.
const stretchBytes = 64 << 20

// readAll reads what is new in all files, several at once.
func (r *run) readAll(ctx context.Context) error {
	var all []stretch
	for _, j := range r.jobs {
		if j.note != nil && j.err == nil && !j.same && !j.cut {
			all = append(all, r.stretches(j)...)
		}
	}
	done, total := 0, len(all)
	work := make(chan stretch)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	ends := map[*job][]result{}
	for range max(1, min(runtime.GOMAXPROCS(0), total)) {
		wg.Go(func() {
			who := newActors(r.cfg, r.key, r.set)
			for s := range work {
				rd, res := r.stretch(ctx, s, who)
				mu.Lock()
				r.merge(s, rd)
				ends[s.job] = append(ends[s.job], res)
				done++
				r.book.Progress("log "+r.cfg.Logs[s.job.log].Name+", "+s.job.path, done, total)
				mu.Unlock()
			}
		})
	}
feed:
	for _, s := range all {
		select {
		case work <- s:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	var bytes int64
	for _, j := range r.jobs {
		if res := ends[j]; len(res) > 0 {
			bytes += r.note(j, res)
			if j.err != nil {
				failed = r.missed(ctx, r.cfg.Logs[j.log], j.path, j.err)
			}
		} else if j.note != nil && j.same && j.note.Hash != "" {
			r.keep(j)
		}
		if failed != nil {
			return failed
		}
	}
	if count := r.book.Counter(); count != nil && total > 0 {
		count(connector.Calls{Requests: int64(total), Bytes: bytes})
	}
	return nil
}

// stretches cuts a file. What is packed, or whose columns may change on the
// way, is read in one.
func (r *run) stretches(j *job) []stretch {
	if j.packed || j.format.headed || j.size-j.from < 2*stretchBytes {
		return []stretch{{j, j.from, -1, true, true}}
	}
	var all []stretch
	for from := j.from; from < j.size; from += stretchBytes {
		all = append(all, stretch{j, from, from + stretchBytes, from == j.from, false})
	}
	all[len(all)-1].to, all[len(all)-1].last = -1, true
	return all
}

// stretch reads one.
func (r *run) stretch(ctx context.Context, s stretch, who *actors) (*reader, result) {
	l := r.cfg.Logs[s.job.log]
	c := l.clock(s.job.time, r.now)
	rd := &reader{
		wrap: s.job.wrap, tally: newTally(who, r.cfg.MaxActors), event: event{table: r.table, clock: &c},
		since: r.since, from: r.mem.From, to: r.mem.To, again: r.again, skip: s.first && s.job.note.Cut,
		bound: r.cfg.MaxLine, final: s.last && (s.job.packed || r.now.Sub(s.job.time) >= settled),
	}
	var err error
	if rd.parser, err = s.job.format.parser(l); err == nil {
		err = rd.parser.prime(s.job.head)
	}
	if err != nil {
		return rd, result{end: s.from, err: err}
	}
	o, err := open(s.job.path)
	if err != nil {
		return rd, result{end: s.from, err: err}
	}
	defer o.Close()
	from := s.from
	if !s.first { // the line that goes on here belongs to the stretch before
		if from, err = nextLine(ctx, o, from, r.cfg.MaxLine); err != nil {
			return rd, result{end: s.from, err: err}
		}
	}
	if s.to >= 0 && from >= s.to {
		return rd, result{end: from}
	}
	return rd, rd.read(ctx, o, from, s.to)
}

// nextLine finds the first line that begins at a place or after it.
func nextLine(ctx context.Context, o *opened, at int64, bound int) (int64, error) {
	if err := o.skip(ctx, at-1); err != nil {
		return at, err
	}
	in := newLines(o.r, at-1, bound)
	if _, err := in.next(); err != nil {
		return at, err
	}
	return in.at, nil
}

// merge adds what a stretch gave to the note of its file.
func (r *run) merge(s stretch, rd *reader) {
	n := s.job.note
	n.Counts.add(rd.counts)
	for k, v := range rd.tally.sums {
		if have := n.sums[k]; have != nil {
			have.merge(v, r.cfg.MaxActors)
		} else if r.aggregates < maxAggregates {
			n.sums[k] = v
			r.aggregates++
		} else {
			n.Counts.Full = true
		}
		r.touch(n.Channel, k)
	}
	for d, which := range rd.tally.canaries {
		if n.Seen == nil {
			n.Seen = map[int32][]int{}
		}
		for i := range which {
			if !slices.Contains(n.Seen[d], i) {
				n.Seen[d] = append(n.Seen[d], i)
				slices.Sort(n.Seen[d])
			}
		}
	}
}

// note writes down how far a file was read, and returns how many bytes that
// were.
func (r *run) note(j *job, res []result) int64 {
	n := j.note
	was := n.Off
	n.Cut, n.Failed = false, ""
	for _, x := range res {
		n.Off = max(n.Off, x.end)
		n.Cut = n.Cut || x.cut
		if x.err != nil {
			j.err, n.Failed = x.err, x.err.Error()
		}
	}
	if j.err != nil && len(res) > 1 { // a hole in the middle: next time all of it
		n.Off, n.Counts, n.Seen = 0, counts{}, nil
		clear(n.sums)
	}
	r.keep(j)
	return max(n.Off-was, 0)
}

// keep writes down where a file was found.
func (r *run) keep(j *job) {
	n := j.note
	n.Path, n.Size, n.MTime = j.path, j.size, j.time.UnixNano()
	n.Live = !j.packed && r.now.Sub(j.time) < liveFor
	if size := min(len(j.head), printBytes); size > n.Len {
		n.Len, n.Hash, n.Start = size, fingerprint(j.head, size), fingerprint(j.head, min(size, startBytes))
	}
}
