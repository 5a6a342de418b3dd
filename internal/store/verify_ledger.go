package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// ledgerPart is a block of lines with the index rows and tiles that belong to
// it. It is read by one goroutine, because a snapshot may be one connection.
type ledgerPart struct {
	lines RawLines
	rows  []IndexRow
	tiles []ledger.Tile
}

// checkedPart is the part with everything that can be computed from a line
// alone.
type checkedPart struct {
	ledgerPart
	items []checkedEntry
}

type checkedEntry struct {
	leaf  tlog.Hash
	sum   [SumSize]byte // what a zone keeps of the line
	entry evidence.Entry
	ev    evidence.Evidence // of an evidence entry
	key   [16]byte          // of source, kind and key
	want  IndexRow          // as far as the line says: Seq, KeyHash, Subject, Mark
}

// checkLedger checks every line, and every row and tile against the lines.
func (v *verifier) checkLedger(ctx context.Context) error {
	var err error
	if v.frontier, err = ledger.NewFrontier(0, nil); err != nil {
		return err
	}
	v.since = v.frontier.Root()
	v.goneAt, v.claimed = make(map[int64]goneMark), make(map[int64]goneMark)
	v.erasures = make(map[evidence.Digest]int64)
	var extra []ledger.Tile // stored tiles not yet compared
	work := func(p ledgerPart) (checkedPart, error) { return v.parse(p) }
	err = ordered(ctx, v.readParts, work, func(p checkedPart) error {
		extra = append(extra, p.tiles...)
		for i := range p.items {
			if err := v.entry(&p.items[i], &p); err != nil {
				return err
			}
		}
		if len(p.rows) > 0 {
			return differs(fmt.Sprintf("index row %d", p.rows[0].Seq), "an evidence entry", "none")
		}
		v.o.Progress("entries", v.out.Entries)
		extra, err = v.compareTiles(extra, v.frontier.Full(), false)
		return err
	})
	if err != nil {
		return err
	}
	_, err = v.compareTiles(extra, v.frontier.Drain(), true)
	return err
}

// readParts reads lines, rows and tiles side by side.
func (v *verifier) readParts(ctx context.Context, emit func(ledgerPart) error) error {
	nextRows, stopRows := iter.Pull2(v.raw.Rows(ctx))
	defer stopRows()
	nextTile, stopTiles := iter.Pull2(v.raw.Tiles(ctx))
	defer stopTiles()
	var rows []IndexRow
	var tile *ledger.Tile
	take := func(end int64) (p ledgerPart, err error) {
		for more := true; more; {
			n := 0
			for n < len(rows) && rows[n].Seq < end {
				n++
			}
			p.rows = append(p.rows, rows[:n]...)
			if rows = rows[n:]; len(rows) > 0 {
				break
			}
			if rows, err, more = nextRows(); err != nil {
				return p, err
			}
		}
		for {
			if tile == nil {
				t, err, more := nextTile()
				if err != nil || !more {
					return p, err
				}
				tile = &t
			}
			if end >= 0 && (tile.Level > 0 || tile.N<<ledger.TileHeight >= end) {
				return p, nil
			}
			p.tiles = append(p.tiles, *tile)
			tile = nil
		}
	}
	for b, err := range v.raw.Lines(ctx) {
		if err != nil {
			return err
		}
		p, err := take(b.First + b.N)
		if err != nil {
			return err
		}
		p.lines = b
		if err := emit(p); err != nil {
			return err
		}
	}
	// What is left belongs to no line: higher tiles, and rows too many.
	p, err := take(1<<62 - 1)
	if err != nil {
		return err
	}
	for ; tile != nil; tile = nil {
		p.tiles = append(p.tiles, *tile)
		for {
			t, err, more := nextTile()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			p.tiles = append(p.tiles, t)
		}
	}
	return emit(p)
}

// parse does what needs one line only. It may run beside itself.
func (v *verifier) parse(p ledgerPart) (checkedPart, error) {
	out := checkedPart{ledgerPart: p}
	if p.lines.Unpack == nil {
		return out, nil
	}
	raw, err := p.lines.Unpack()
	if err != nil {
		return out, err
	}
	out.items = make([]checkedEntry, 0, bytes.Count(raw, []byte{'\n'}))
	var parser evidence.Parser
	for seq := p.lines.First; len(raw) > 0; seq++ {
		end := bytes.IndexByte(raw, '\n')
		if end < 0 {
			return out, differs(fmt.Sprintf("entry %d", seq), "a line that ends", "one that does not")
		}
		line := raw[:end:end]
		raw = raw[end+1:]
		out.items = append(out.items, checkedEntry{leaf: ledger.LeafHash(line), sum: LineSum(line)})
		it := &out.items[len(out.items)-1]
		if it.entry, err = evidence.SplitLine(seq, line); err != nil {
			return out, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		if it.entry.Type != evidence.EntryEvidence {
			if _, err := evidence.ParseLine(seq, line); err != nil {
				return out, fmt.Errorf("%w: %w", ErrTampered, err)
			}
			continue
		}
		if it.ev, err = parser.Check(it.entry); err != nil {
			return out, fmt.Errorf("%w: entry %d: %w", ErrTampered, seq, err)
		}
		v.derive(it)
	}
	if int64(len(out.items)) != p.lines.N {
		return out, differs(fmt.Sprintf("block of entries from %d", p.lines.First), fmt.Sprintf("%d lines", p.lines.N), len(out.items))
	}
	return out, nil
}

// derive computes what an evidence line has in the index. The source comes
// from the table of runs, which the ledger is held against later.
func (v *verifier) derive(it *checkedEntry) {
	source := v.tables.Names[v.runOf[it.ev.Run].Source]
	var stack [512]byte
	sum := sha256.Sum256(appendStrings(stack[:0], source, it.ev.Kind, it.ev.Key))
	it.key = [16]byte(sum[:])
	it.want = IndexRow{
		Seq: it.ev.Seq, KeyHash: hashNumber(sum[:]), Subject: SubjectHash(it.ev.Subject),
		Mark: Mark(source, it.ev.Kind, it.ev.Key, ContentOf(&it.ev)),
	}
}

// entry checks one entry in its place.
func (v *verifier) entry(it *checkedEntry, p *checkedPart) error {
	e := &it.entry
	if e.Seq != v.out.Entries {
		return differs("ledger", fmt.Sprintf("entry %d", v.out.Entries), fmt.Sprintf("entry %d", e.Seq))
	}
	if e.At.Before(v.lastAt) {
		return differs(fmt.Sprintf("entry %d", e.Seq), "a time not before "+v.lastAt.String(), e.At)
	}
	if e.Seq == 0 {
		v.out.First = e.At
	}
	v.lastAt, v.out.Last = e.At, e.At
	v.out.Entries++
	if e.Type == evidence.EntryKey {
		root := v.frontier.Root()
		if err := AddHandover(&v.keys, *e, &root); err != nil {
			return fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
		}
	}
	v.frontier.Append(it.leaf)
	v.search.line(e.Seq, it.sum)
	if v.o.Since != nil && v.out.Entries == v.o.Since.Size {
		v.since = v.frontier.Root()
	}
	if e.Type == evidence.EntryEvidence {
		if len(p.rows) == 0 || p.rows[0].Seq != e.Seq {
			return differs(fmt.Sprintf("entry %d", e.Seq), "an index row", "none")
		}
		row := p.rows[0]
		p.rows = p.rows[1:]
		return v.evidence(it, row)
	}
	if v.tables.Types[e.Seq] != e.Type {
		return differs(fmt.Sprintf("type of entry %d in the index", e.Seq), e.Type, v.tables.Types[e.Seq])
	}
	return v.other(*e)
}

// evidence checks an evidence entry and its index row.
func (v *verifier) evidence(it *checkedEntry, row IndexRow) error {
	ev := &it.ev
	place := fmt.Sprintf
	run := v.runs[ev.Run]
	if run == nil {
		return differs(place("entry %d", ev.Seq), place("run %.80q to be open", ev.Run), "not open here")
	}
	p := v.payloads[row.Block].find(ev.PayloadSum)
	if p == nil {
		return differs(place("entry %d", ev.Seq), "payload "+ev.PayloadSum.String(), place("none such in block %d", row.Block))
	}
	if p.size != ev.PayloadSize {
		return differs(place("entry %d", ev.Seq), place("a payload of %d bytes, as its place says", p.size), ev.PayloadSize)
	}
	p.used = true
	head := v.heads[it.key]
	if int32(ev.Revision) != head.revision+1 {
		return differs(place("entry %d", ev.Seq), place("revision %d of its key", head.revision+1), place("revision %d", ev.Revision))
	}
	if head.revision > 0 && head.next != ev.Seq {
		return differs(place("index row %d", head.seq), place("next revision at %d", ev.Seq), head.next)
	}
	want := it.want
	want.Run, want.Block = run.row.Opened, row.Block
	want.Kind, want.Source = row.Kind, run.row.Source
	want.Next, want.Gone, want.GoneAt = row.Next, row.Gone, row.GoneAt
	if row != want || v.tables.Names[row.Kind] != ev.Kind {
		return differs(place("index row %d", ev.Seq), place("%+v, kind %s", want, ev.Kind), place("%+v, kind %s", row, v.tables.Names[row.Kind]))
	}
	if row.Gone != 0 || row.GoneAt != 0 {
		v.claimed[ev.Seq] = goneMark{row.Gone, row.GoneAt}
	}
	v.heads[it.key] = headState{seq: ev.Seq, next: row.Next, revision: int32(ev.Revision)}
	if ev.Seq < v.tip.Indexed {
		v.want[KeyIndex].add(IndexEntry{Hash: row.KeyHash, Place: ev.Seq})
		v.want[SubjectIndex].add(IndexEntry{Hash: row.Subject, Place: ev.Seq})
	}
	pair := Pair{Source: run.row.Source, Kind: row.Kind}
	v.search.evidence(pair, ev.CollectedAt.UnixMicro(), head.revision == 0 || head.gone)
	n := run.count(ev.Kind)
	if ev.Revision == 1 {
		n.new++
	} else {
		n.revised++
	}
	v.out.Evidence++
	return nil
}

func (r *runState) count(kind string) *runCounts {
	n := r.kinds[kind]
	if n == nil {
		n = &runCounts{}
		r.kinds[kind] = n
	}
	return n
}

// other checks an entry of a type that says something about others.
func (v *verifier) other(e evidence.Entry) error {
	switch e.Type {
	case evidence.EntryRunOpened:
		return v.opened(e)
	case evidence.EntryRunClosed:
		return v.closed(e)
	case evidence.EntryGone:
		return v.gone(e)
	case evidence.EntryErasure:
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
		}
		if _, again := v.erasures[er.Payload]; again {
			return differs(fmt.Sprintf("entry %d", e.Seq), "a payload not erased before", er.Payload)
		}
		v.erasures[er.Payload] = e.Seq
	}
	return nil
}

func (v *verifier) opened(e evidence.Entry) error {
	r, err := evidence.ParseRunOpened(e)
	if err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
	}
	if v.runRows >= len(v.tables.Runs) || v.tables.Runs[v.runRows].ID != r.ID || v.tables.Runs[v.runRows].Opened != e.Seq {
		return differs(fmt.Sprintf("row %d of the table of runs", v.runRows), fmt.Sprintf("run %.80q at %d", r.ID, e.Seq), "another")
	}
	row := v.tables.Runs[v.runRows]
	v.runRows++
	if name := v.tables.Names[row.Source]; name != r.Provenance.Source {
		return differs(fmt.Sprintf("row of run %.80q", r.ID), "source "+r.Provenance.Source, name)
	}
	if v.runOf[r.ID] != row {
		return differs(fmt.Sprintf("run %.80q", r.ID), "opened once", fmt.Sprintf("again at entry %d", e.Seq))
	}
	v.runs[r.ID] = &runState{row: row, source: r.Provenance.Source, kinds: make(map[string]*runCounts)}
	v.out.Runs++
	return nil
}

func (v *verifier) closed(e evidence.Entry) error {
	c, err := evidence.ParseRunClosed(e)
	if err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
	}
	r := v.runs[c.ID]
	if r == nil {
		return differs(fmt.Sprintf("entry %d", e.Seq), fmt.Sprintf("run %.80q to be open", c.ID), "not open here")
	}
	if r.row.Closed != e.Seq {
		return differs(fmt.Sprintf("row of run %.80q", c.ID), fmt.Sprintf("closed at %d", e.Seq), r.row.Closed)
	}
	for kind, k := range c.Kinds {
		n := r.count(kind)
		if k.New != n.new || k.Revised != n.revised || k.Gone != n.gone {
			return differs(fmt.Sprintf("entry %d: counts of %s", e.Seq, kind),
				fmt.Sprintf("%d new, %d revised, %d gone, as the run's entries have it", n.new, n.revised, n.gone),
				fmt.Sprintf("%d, %d, %d", k.New, k.Revised, k.Gone))
		}
	}
	for kind, n := range r.kinds {
		if _, ok := c.Kinds[kind]; !ok {
			return differs(fmt.Sprintf("entry %d", e.Seq), fmt.Sprintf("counts of %s: %+v", kind, *n), "none")
		}
	}
	v.closings[r.row.Source] = closing{run: c.ID, entry: e.Seq, state: c.State}
	delete(v.runs, c.ID)
	return nil
}

func (v *verifier) gone(e evidence.Entry) error {
	g, err := evidence.ParseGone(e)
	if err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
	}
	r := v.runs[g.Run]
	if r == nil {
		return differs(fmt.Sprintf("entry %d", e.Seq), fmt.Sprintf("run %.80q to be open", g.Run), "not open here")
	}
	for _, key := range g.Keys {
		var stack [512]byte
		sum := sha256.Sum256(appendStrings(stack[:0], r.source, g.Kind, key))
		h, ok := v.heads[[16]byte(sum[:])]
		if !ok || h.gone {
			return differs(fmt.Sprintf("entry %d", e.Seq), fmt.Sprintf("key %.80q to be live", key), "not live")
		}
		h.gone = true
		v.heads[[16]byte(sum[:])] = h
		v.goneAt[h.seq] = goneMark{e.Seq, g.At.UnixMicro()}
	}
	if len(g.Keys) > 0 {
		v.search.gone(Pair{Source: r.row.Source, Kind: v.kindNumber(g.Kind)}, int64(len(g.Keys)))
	}
	r.count(g.Kind).gone += int64(len(g.Keys))
	return nil
}

// compareTiles compares stored tiles with those computed, level 0 in its
// order as it comes; the others wait until the last call. It returns the
// stored tiles that are left.
func (v *verifier) compareTiles(stored, computed []ledger.Tile, last bool) ([]ledger.Tile, error) {
	for _, t := range computed {
		if t.Level > 0 {
			v.upper = append(v.upper, t)
			continue
		}
		if len(stored) == 0 {
			return nil, differs(fmt.Sprintf("tile 0/%d", t.N), "stored", "missing")
		}
		if err := sameTile(t, stored[0]); err != nil {
			return nil, err
		}
		stored = stored[1:]
	}
	if !last {
		return stored, nil
	}
	byPlace := make(map[[2]int64]ledger.Tile, len(stored))
	for _, t := range stored {
		byPlace[[2]int64{int64(t.Level), t.N}] = t
	}
	for _, t := range v.upper {
		got, ok := byPlace[[2]int64{int64(t.Level), t.N}]
		if !ok {
			return nil, differs(fmt.Sprintf("tile %d/%d", t.Level, t.N), "stored", "missing")
		}
		if err := sameTile(t, got); err != nil {
			return nil, err
		}
	}
	if len(stored) != len(v.upper) {
		return nil, differs("tiles", fmt.Sprintf("%d above level 0", len(v.upper)), len(stored))
	}
	return nil, nil
}

func sameTile(want, got ledger.Tile) error {
	if want.Level != got.Level || want.N != got.N {
		return differs(fmt.Sprintf("tile %d/%d", want.Level, want.N), "stored", fmt.Sprintf("tile %d/%d instead", got.Level, got.N))
	}
	if !bytes.Equal(want.Data, got.Data) {
		return differs(fmt.Sprintf("tile %d/%d", want.Level, want.N), fmt.Sprintf("%d hashes that follow from the entries", len(want.Data)/tlog.HashSize), "others")
	}
	return nil
}
