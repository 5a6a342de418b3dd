package sqlstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

const selectHits = "SELECT seq, source, pblock, COALESCE(gone, 0), COALESCE(gone_at, 0) FROM evidence WHERE "

func scanHit(out *[]hit) func(Rows) error {
	return func(r Rows) error {
		var h hit
		err := r.Scan(&h.seq, &h.source, &h.pblock, &h.gone, &h.goneAt)
		*out = append(*out, h)
		return err
	}
}

// rows selects rows of a stretch, no more than are likely to be needed.
func (p *pager) rows(ctx context.Context, lo, hi int64) error {
	return p.rowsWhere(ctx, lo, hi, selection{})
}

func (p *pager) rowsWhere(ctx context.Context, lo, hi int64, also selection) error {
	var edge int64
	if p.q.Oldest {
		hi = min(hi, lo+searchRows)
		edge = hi
	} else {
		lo = max(lo, hi-searchRows)
		edge = lo
	}
	limit := int64(p.q.Limit - len(p.page.Items) + 1)
	sel := p.where
	for _, a := range also.args {
		sel.args = append(slices.Clip(sel.args), a)
	}
	sel.where += strings.ReplaceAll(also.where, "$1", "$"+strconv.Itoa(len(sel.args)))
	n := len(sel.args)
	var hits []hit
	err := each(ctx, p.tx, scanHit(&hits), selectHits+"seq >= $"+strconv.Itoa(n+1)+" AND seq < $"+strconv.Itoa(n+2)+sel.where+
		" ORDER BY seq"+p.order()+" LIMIT $"+strconv.Itoa(n+3), append(slices.Clip(sel.args), lo, hi, limit)...)
	if err != nil {
		return err
	}
	if int64(len(hits)) == limit {
		edge = hits[len(hits)-1].seq
		if p.q.Oldest {
			edge++
		}
	}
	looked := hi - edge
	if p.q.Oldest {
		looked = edge - lo
	}
	p.left -= costScan*float64(looked) + costRow*float64(len(hits))
	return p.takeAll(ctx, hits, edge)
}

// takeAll takes hits in the order of the search, then passes the edge.
func (p *pager) takeAll(ctx context.Context, hits []hit, edge int64) error {
	for _, h := range hits {
		if err := p.take(ctx, h); err != nil {
			return err
		}
		if p.full || p.left <= 0 {
			return nil
		}
	}
	p.pass(edge)
	return nil
}

// take reads the line of a hit, and adds it to the page if it is what was
// asked for.
func (p *pager) take(ctx context.Context, h hit) error {
	line, err := p.line(ctx, h.seq)
	if err != nil {
		return err
	}
	e, err := evidence.SplitLine(h.seq, line)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	ev, err := p.parse.Evidence(e)
	if err != nil {
		return fmt.Errorf("entry %d: %w: %w", h.seq, store.ErrTampered, err)
	}
	ev.Source = p.names[h.source]
	if h.gone != 0 && (p.q.AsOf <= 0 || h.gone < p.q.AsOf) {
		ev.GoneAt = micros(h.goneAt)
	}
	if p.q.Matches(&ev) {
		if p.full = len(p.page.Items) == p.q.Limit; p.full {
			return nil
		}
		p.page.Items = append(p.page.Items, ev)
	}
	p.passed(h.seq)
	return nil
}

// line gives a line, from the blocks at hand if it is there.
func (p *pager) line(ctx context.Context, seq int64) ([]byte, error) {
	for _, k := range p.kept {
		if k.first <= seq && seq < k.first+int64(len(k.lines)) {
			return k.lines[seq-k.first], nil
		}
	}
	p.left -= costBlock
	b, err := readLineBlock(ctx, p.tx, seq)
	if err != nil {
		return nil, err
	}
	p.kept = nil // its space is used again
	lines, err := b.linesInto(&p.space[0])
	if err != nil {
		return nil, err
	}
	p.kept = []unpackedBlock{{b.first, lines}}
	return lines[seq-b.first], nil
}

// takeSeqs takes what the rows at some positions select.
func (p *pager) takeSeqs(ctx context.Context, seqs []int64, edge int64) error {
	values := make([]any, len(seqs))
	for i, seq := range seqs {
		values[i] = seq
	}
	var hits []hit
	if err := p.tx.In(ctx, values, scanHit(&hits), selectHits+"seq IN @IN"+p.where.where, p.where.args...); err != nil {
		return err
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if p.q.Oldest {
			return int(a.seq - b.seq)
		}
		return int(b.seq - a.seq)
	})
	// A list that was filled up has its last position more than once.
	hits = slices.Compact(hits)
	p.left -= 2 * costRow * float64(len(seqs))
	return p.takeAll(ctx, hits, edge)
}

// seqsAtOnce is how many rows are selected together by their positions.
const seqsAtOnce = 16

// takeSome is takeSeqs of any number of positions in any order, some at a time:
// the page may be full before.
func (p *pager) takeSome(ctx context.Context, seqs []int64, edge int64) error {
	slices.Sort(seqs)
	if !p.q.Oldest {
		slices.Reverse(seqs)
	}
	for ; len(seqs) > seqsAtOnce && !p.full && p.left > 0; seqs = seqs[seqsAtOnce:] {
		last := seqs[seqsAtOnce-1]
		if p.q.Oldest {
			last++
		}
		if err := p.takeSeqs(ctx, seqs[:seqsAtOnce], last); err != nil {
			return err
		}
	}
	if p.full || p.left <= 0 {
		return nil
	}
	return p.takeSeqs(ctx, seqs, edge)
}

// linesAtOnce is how many blocks of lines are looked at together.
const linesAtOnce = 16

// lines looks for lines by their text.
func (p *pager) lines(ctx context.Context, lo, hi int64) error {
	query, args := "SELECT first, n, raw, data FROM line_blocks WHERE first < $1 ORDER BY first DESC LIMIT $2", []any{hi, int64(linesAtOnce)}
	if p.q.Oldest {
		query = `SELECT first, n, raw, data FROM line_blocks
WHERE first >= (SELECT MAX(first) FROM line_blocks WHERE first <= $1) AND first < $2 ORDER BY first LIMIT $3`
		args = []any{lo, hi, int64(linesAtOnce)}
	}
	var blocks []lineBlock
	err := each(ctx, p.tx, func(r Rows) error {
		var b lineBlock
		err := r.Scan(&b.first, &b.n, &b.raw, &b.data)
		if b.first+b.n > lo && b.first < hi {
			b.data = bytes.Clone(b.data)
			blocks = append(blocks, b)
		}
		return err
	}, query, args...)
	if err != nil {
		return err
	}
	if len(blocks) == 0 {
		return fmt.Errorf("entries %d to %d: %w: no block holds them", lo, hi-1, store.ErrTampered)
	}
	p.left -= costBlock / 2 * float64(len(blocks))
	if err := p.sample(&blocks[0]); err != nil {
		return err
	}
	p.kept = nil // their space is used again
	found := make([]unpackedBlock, len(blocks))
	err = parallel(len(blocks), func(i int) error {
		raw, err := blocks[i].unpack(&p.space[i])
		if err != nil || !p.contains(raw) {
			return err
		}
		found[i].first = blocks[i].first
		found[i].lines, err = splitLines(raw, blocks[i].n)
		return err
	})
	if err != nil {
		return err
	}
	p.kept = found
	var seqs []int64
	for _, f := range found {
		for i, line := range f.lines {
			if seq := f.first + int64(i); seq >= lo && seq < hi && p.contains(line) {
				seqs = append(seqs, seq)
			}
		}
	}
	last := blocks[len(blocks)-1]
	edge := max(lo, last.first)
	if p.q.Oldest {
		edge = min(hi, last.first+last.n)
	}
	return p.takeSome(ctx, seqs, edge)
}

// sample makes ready to look for text in lines, by what these are like.
func (p *pager) sample(b *lineBlock) error {
	if len(p.find) == len(p.text) {
		return nil
	}
	raw, err := b.unpack(&p.space[0])
	for _, t := range p.text {
		p.find = append(p.find, newNeedle(t, raw))
	}
	return err
}

// nextZones says which zones come next, and how many: few at first, for they are
// mostly enough, and never more than may still be looked at.
func (p *pager) nextZones(lo, hi int64) (which string, at int64) {
	p.ahead = min(max(4*p.ahead, 32), zonesAhead, int64(p.left/costZone)+1)
	if p.q.Oldest {
		return zonesUp, lo
	}
	return zonesDown, hi - 1
}

// byZone walks over zones, passes those by that cannot hold what is asked for,
// and steps through the others.
func (p *pager) byZone(ctx context.Context, lo, hi int64, step func(ctx context.Context, lo, hi int64) error) error {
	if len(p.zones) == 0 {
		which, at := p.nextZones(lo, hi)
		var err error
		if p.zones, err = zoneRows(ctx, p.tx, which, at, p.ahead); err != nil {
			return err
		}
		if len(p.zones) == 0 {
			return noZone(lo, hi)
		}
	}
	n, err := p.stretch()
	if err != nil {
		return err
	}
	first, last := p.zones[0], p.zones[max(n, 1)-1]
	from, to := min(first.First, last.First), max(first.First+first.N, last.First+last.N)
	for n > 0 && !p.full && p.left > 0 && max(p.lo, from) < min(p.hi, to) {
		if err := step(ctx, max(p.lo, from), min(p.hi, to)); err != nil {
			return err
		}
	}
	if p.full || n > 0 && max(p.lo, from) < min(p.hi, to) {
		return nil
	}
	if p.q.Oldest {
		p.pass(to)
	} else {
		p.pass(from)
	}
	p.zones = p.zones[max(n, 1):]
	return nil
}

// stretch gives how many of the next zones may hold what is asked for, one
// after the other.
func (p *pager) stretch() (n int, err error) {
	total := int64(0)
	for n < len(p.zones) && total < searchRows {
		p.left -= costZone
		holds, err := p.holds(&p.zones[n])
		if err != nil || !holds {
			return n, err
		}
		total += p.zones[n].N
		n++
	}
	return n, nil
}

// holds reports whether a zone may hold what is asked for.
func (p *pager) holds(z *store.Zone) (bool, error) {
	if len(z.Pairs) == 0 {
		return false, nil
	}
	if !p.q.CollectedFrom.IsZero() && z.High < p.q.CollectedFrom.UnixMicro() || !p.q.CollectedTo.IsZero() && z.Low > p.q.CollectedTo.UnixMicro() {
		return false, nil
	}
	if p.pairs == nil {
		return true, nil
	}
	found := false
	err := z.EachPair(func(pair store.Pair) bool {
		found = p.pairs[pair]
		return !found
	})
	return found, err
}

// sums looks for the beginning of a digest in the next zones.
func (p *pager) sums(ctx context.Context, lo, hi int64) error {
	which, at := p.nextZones(lo, hi)
	begins := sumBeginning(p.q.Digest)
	var seqs []int64
	edge, zones := hi, 0
	err := eachZone(ctx, p.tx, func(z *store.Zone) error {
		zones++
		from, to := max(lo, z.First), min(hi, z.First+z.N)
		if edge = from; p.q.Oldest {
			edge = to
		}
		holds, err := p.holds(z)
		if err != nil || !holds {
			return err
		}
		for seq := from; seq < to; seq++ {
			if begins.of(z.Sums[(seq-z.First)*store.SumSize:]) {
				seqs = append(seqs, seq)
			}
		}
		return nil
	}, selectZones+which, at, p.ahead)
	if err == nil && zones == 0 {
		err = noZone(lo, hi)
	}
	if err == nil {
		err = p.takeSome(ctx, seqs, edge)
	}
	p.left -= costZone * float64(zones) // no more than there were left to pay
	return err
}

// sumBegins is how a digest begins, as far as zones keep digests.
type sumBegins struct{ want, mask uint32 }

// sumBeginning reads hexadecimal digits in lower case, of which more than a zone
// keeps are left out.
func sumBeginning(prefix string) sumBegins {
	digits := prefix[:min(len(prefix), 2*store.SumSize)]
	var b sumBegins
	for i := range 2 * store.SumSize {
		b.want, b.mask = b.want<<4, b.mask<<4
		if i < len(digits) {
			b.want |= uint32(strings.IndexByte("0123456789abcdef", digits[i])) & 15
			b.mask |= 15
		}
	}
	return b
}

// of reports whether what a zone keeps of a digest may be of one that begins so.
func (b sumBegins) of(sum []byte) bool { return (binary.BigEndian.Uint32(sum)^b.want)&b.mask == 0 }

// subjectStages finds evidence of one subject by its index, and in the tail by
// looking at all rows.
func (p *pager) subjectStages(t tip) []stage {
	hash := store.SubjectHash(evidence.Subject{Type: p.q.SubjectType, ID: p.q.SubjectID})
	indexed := stage{0, t.indexed, func(ctx context.Context, lo, hi int64) error {
		var seqs []int64
		err := each(ctx, p.tx, func(r Rows) error {
			var seq int64
			err := r.Scan(&seq)
			seqs = append(seqs, seq)
			return err
		}, "SELECT seq FROM subject_index WHERE shash = $1 AND seq >= $2 AND seq < $3 ORDER BY seq"+p.order()+" LIMIT $4", hash, lo, hi, int64(inSizes[len(inSizes)-1]))
		if err != nil {
			return err
		}
		edge := lo
		if p.q.Oldest {
			edge = hi
		}
		if len(seqs) == inSizes[len(inSizes)-1] {
			edge = seqs[len(seqs)-1]
			if p.q.Oldest {
				edge++
			}
		}
		return p.takeSeqs(ctx, seqs, edge)
	}}
	tail := stage{t.indexed, t.size, func(ctx context.Context, lo, hi int64) error {
		return p.rowsWhere(ctx, lo, hi, selection{where: " AND substr(hashes, 9, 8) = $1", args: []any{binary.BigEndian.AppendUint64(nil, uint64(hash))}})
	}}
	if p.q.Oldest {
		return []stage{indexed, tail}
	}
	return []stage{tail, indexed}
}
