package netlogs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// reader reads the lines of one file, or of a stretch of it.
type reader struct {
	parser parser
	wrap   envelope
	event  event
	tally  *tally
	counts counts
	since  int32 // days before it are not asked for
	from   int32 // days from here …
	to     int32 // … to here are closed
	again  bool  // what is closed was counted before
	bound  int   // of a line, in bytes
	final  bool  // a last line without an end is one
	skip   bool  // the first line is the rest of one that was read
	sample []byte
}

// maxStream is how much of one packed file is read.
const maxStream = 256 << 30

// result is what reading a stretch gave.
type result struct {
	end int64 // what comes next
	cut bool  // the last line had no end and was read
	err error
}

// read reads lines from from to to, or to the end if to is negative. A line
// that begins before to is read whole.
func (r *reader) read(ctx context.Context, o *opened, from, to int64) result {
	if err := o.skip(ctx, from); err != nil {
		return result{end: from, err: short(err)}
	}
	in := newLines(o.r, from, r.bound)
	out := result{end: from}
	for n := 0; ; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			out.err = ctx.Err()
			return out
		}
		if to >= 0 && in.at >= to || in.at-from > maxStream {
			if in.at-from > maxStream {
				out.err = fmt.Errorf("only the first %d GiB are read", maxStream>>30)
			}
			break
		}
		l, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			out.err = short(err)
			break
		}
		if !l.whole && !r.final {
			break
		}
		if r.skip {
			r.skip = false
			if len(l.text) > 0 || l.long {
				r.counts.Lines, r.counts.Bad, r.counts.BadAt = r.counts.Lines+1, r.counts.Bad+1, l.at
			}
		} else {
			r.line(l)
		}
		out.end, out.cut = in.at, !l.whole
	}
	r.last()
	return out
}

// short says that a packed file ends too early.
func short(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle of its packing: it is cut, or still being written")
	}
	return err
}

// line counts one line.
func (r *reader) line(l line) {
	r.counts.Lines++
	if l.long {
		r.counts.Long++
		return
	}
	b := l.text
	if l.at == 0 {
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	if len(b) > 0 && b[0] == 0 {
		b = bytes.TrimLeft(b, "\x00")
	}
	e := &r.event
	e.reset()
	v, ok := bad, true
	if r.wrap != bareLines {
		b, ok = r.wrap.open(b, e)
	}
	if ok {
		v = r.parser.parse(b, e)
	}
	switch v {
	case miss:
		r.counts.Requests++
		if r.counts.Requests == 1 {
			r.when(l.text)
		} else if len(l.text) < 4096 {
			r.sample = append(r.sample[:0], l.text...)
		}
	case hit:
		r.hit(e)
	case canary:
		r.counts.Requests++
		r.counts.saw(e.at)
		r.tally.canary(dayOf(e.at), e.canary)
	case other:
		r.counts.Other++
	case undated:
		r.counts.Undated++
	case untimely:
		r.counts.Untimely++
	default:
		if len(bytes.TrimSpace(b)) == 0 && len(l.text) == len(b) {
			r.counts.Other++
			return
		}
		if r.counts.Bad++; r.counts.Bad == 1 {
			r.counts.BadAt = l.at
		}
	}
}

func (r *reader) hit(e *event) {
	r.counts.Requests++
	r.counts.saw(e.at)
	switch day := dayOf(e.at); {
	case day < r.since:
	case r.to > 0 && day >= r.from && day <= r.to:
		if !r.again {
			r.counts.Late++
		}
	default:
		r.tally.add(e)
	}
}

// last learns the time of the last line, whatever host it is about.
func (r *reader) last() {
	if len(r.sample) > 0 {
		r.when(r.sample)
	}
	r.counts.Full = r.tally.full
}

// when reads the time of a line whose host nobody wants.
func (r *reader) when(b []byte) {
	e := event{table: r.event.table, clock: r.event.clock, any: true}
	e.reset()
	body, ok := b, true
	if r.wrap != bareLines {
		body, ok = r.wrap.open(b, &e)
	}
	if !ok {
		return
	}
	switch r.parser.parse(body, &e) {
	case hit, miss, canary:
		r.counts.saw(e.at)
	}
}
