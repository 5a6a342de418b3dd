package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"time"

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
	items          []checkedEntry
	keys, subjects multiset // what the indexes have to hold of it
}

// checkedEntry is one line. What verification keeps of it does not hold on to
// the line's memory.
type checkedEntry struct {
	leaf  tlog.Hash
	sum   [SumSize]byte // what a zone keeps of the line
	at    time.Time
	other *evidence.Entry // of another type than evidence; nil if it is evidence

	key         headKey
	run, kind   string
	payload     evidence.Digest
	size        int
	revision    int
	collectedAt int64    // microseconds
	want        IndexRow // as far as the line says: Seq, KeyHash, Subject, Mark
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
	worker := func() func(ledgerPart) (checkedPart, error) {
		w := &lineWorker{v: v}
		return w.parse
	}
	err = ordered(ctx, v.readParts, worker, func(p checkedPart) error {
		extra = append(extra, p.tiles...)
		rows := p.rows
		v.heads.ahead(p.items)
		for i := range p.items {
			if err := v.entry(&p.items[i], p.lines.First+int64(i), &p); err != nil {
				return err
			}
		}
		v.want[KeyIndex].join(p.keys)
		v.want[SubjectIndex].join(p.subjects)
		v.items.put(p.items)
		v.rows.put(rows)
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
		p.rows = v.rows.get(0)
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

// lineWorker does what needs one line only, one part at a time.
type lineWorker struct {
	v      *verifier
	parser evidence.Parser
	memory []byte // of unpacked lines
	fields []byte // of what is hashed
	view   evidence.View
	run    string // that came last
	source string // whose it is
}

func (w *lineWorker) parse(p ledgerPart) (checkedPart, error) {
	out := checkedPart{ledgerPart: p, keys: w.v.want[KeyIndex].part(), subjects: w.v.want[SubjectIndex].part()}
	if p.lines.Unpack == nil {
		return out, nil
	}
	if p.lines.N < 1 { // such a block stands before the lines that readers look for in the one before
		return out, differs(fmt.Sprintf("block of entries from %d", p.lines.First), "lines", fmt.Sprintf("%d", p.lines.N))
	}
	raw, err := p.lines.Unpack(&w.memory)
	if err != nil {
		return out, err
	}
	if n := len(raw); n > 0 && raw[n-1] != '\n' {
		return out, differs(fmt.Sprintf("block of entries from %d", p.lines.First), "lines that end", "one that does not")
	}
	out.items = w.v.items.get(bytes.Count(raw, []byte{'\n'}))
	seq := p.lines.First
	for at, i := 0, 0; at < len(raw); seq, i = seq+1, i+1 {
		n := bytes.IndexByte(raw[at:], '\n')
		it := &out.items[i]
		if err := w.line(it, seq, raw[at:at+n:at+n]); err != nil {
			return out, err
		}
		it.leaf = ledger.LeafHashIn(raw, at, at+n)
		if it.other == nil && seq < w.v.tip.Indexed {
			out.keys.add(IndexEntry{Hash: it.want.KeyHash, Place: seq})
			out.subjects.add(IndexEntry{Hash: it.want.Subject, Place: seq})
		}
		at += n + 1
	}
	if int64(len(out.items)) != p.lines.N {
		return out, differs(fmt.Sprintf("block of entries from %d", p.lines.First), fmt.Sprintf("%d lines", p.lines.N), len(out.items))
	}
	return out, nil
}

// line reads one line.
func (w *lineWorker) line(it *checkedEntry, seq int64, line []byte) error {
	it.sum = LineSum(line)
	e, err := evidence.SplitLine(seq, line)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	it.at, it.other = e.At, nil
	if e.Type != evidence.EntryEvidence {
		other, err := evidence.ParseLine(seq, bytes.Clone(line))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTampered, err)
		}
		it.other = &other
		return nil
	}
	if err := w.parser.CheckView(e, &w.view); err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrTampered, seq, err)
	}
	w.derive(it)
	return nil
}

// derive computes what an evidence line has in the index. The source comes
// from the table of runs, which the ledger is held against later.
func (w *lineWorker) derive(it *checkedEntry) {
	ev := &w.view
	if w.source == "" || w.run != ev.Run {
		w.run, w.source = ev.Run, w.v.tables.Names[w.v.runOf[ev.Run].Source]
	}
	if w.fields == nil {
		w.fields = make([]byte, 0, 512)
	}
	key, subject, mark := lineHashes(w.fields, w.source, ev)
	it.key = headKey(key[:])
	it.want = IndexRow{Seq: ev.Seq, KeyHash: hashNumber(key[:]), Subject: subject, Mark: mark}
	it.run, it.kind, it.revision = ev.Run, ev.Kind, ev.Revision
	it.payload, it.size, it.collectedAt = ev.PayloadSum, ev.PayloadSize, ev.CollectedAt.UnixMicro()
}

// entry checks one entry in its place.
func (v *verifier) entry(it *checkedEntry, seq int64, p *checkedPart) error {
	if seq != v.out.Entries {
		return differs("ledger", fmt.Sprintf("entry %d", v.out.Entries), fmt.Sprintf("entry %d", seq))
	}
	if it.at.Before(v.lastAt) {
		return differs(fmt.Sprintf("entry %d", seq), "a time not before "+v.lastAt.String(), it.at)
	}
	if seq == 0 {
		v.out.First = it.at
	}
	v.lastAt, v.out.Last = it.at, it.at
	v.out.Entries++
	if it.other != nil && it.other.Type == evidence.EntryKey {
		root := v.frontier.Root()
		if err := AddHandover(&v.keys, *it.other, &root); err != nil {
			return fmt.Errorf("%w: entry %d: %w", ErrTampered, seq, err)
		}
	}
	v.frontier.Append(it.leaf)
	v.search.line(seq, it.sum)
	if v.o.Since != nil && v.out.Entries == v.o.Since.Size {
		v.since = v.frontier.Root()
	}
	if it.other == nil {
		if len(p.rows) == 0 || p.rows[0].Seq != seq {
			return differs(fmt.Sprintf("entry %d", seq), "an index row", "none")
		}
		row := &p.rows[0]
		p.rows = p.rows[1:]
		return v.evidence(it, row)
	}
	if v.tables.Types[seq] != it.other.Type {
		return differs(fmt.Sprintf("type of entry %d in the index", seq), it.other.Type, v.tables.Types[seq])
	}
	v.run = nil
	return v.other(*it.other)
}

// evidence checks an evidence entry and its index row.
func (v *verifier) evidence(it *checkedEntry, row *IndexRow) error {
	seq, place := it.want.Seq, fmt.Sprintf
	if v.run == nil || v.run.row.ID != it.run {
		v.run = v.runs[it.run]
	}
	run := v.run
	if run == nil {
		return differs(place("entry %d", seq), place("run %.80q to be open", it.run), "not open here")
	}
	if v.block == nil || v.blockAt != row.Block {
		v.block, v.blockAt = v.payloads[row.Block], row.Block
	}
	p := v.block.find(it.payload)
	if p == nil {
		return differs(place("entry %d", seq), "payload "+it.payload.String(), place("none such in block %d", row.Block))
	}
	if p.size != it.size {
		return differs(place("entry %d", seq), place("a payload of %d bytes, as its place says", p.size), it.size)
	}
	if !p.used {
		p.used = true
		v.used++
	}
	head := v.heads.at(it.key)
	if it.revision != int(head.revision)+1 {
		return differs(place("entry %d", seq), place("revision %d of its key", head.revision+1), place("revision %d", it.revision))
	}
	if head.revision > 0 && head.next != seq {
		return differs(place("index row %d", head.seq), place("next revision at %d", seq), head.next)
	}
	want := it.want
	want.Run, want.Block = run.row.Opened, row.Block
	want.Kind, want.Source = row.Kind, run.row.Source
	want.Next, want.Gone, want.GoneAt = row.Next, row.Gone, row.GoneAt
	if v.kindAt != row.Kind {
		v.kind, v.kindAt = v.tables.Names[row.Kind], row.Kind
	}
	if *row != want || v.kind != it.kind {
		return differs(place("index row %d", seq), place("%+v, kind %s", want, it.kind), place("%+v, kind %s", *row, v.kind))
	}
	if row.Gone != 0 || row.GoneAt != 0 {
		v.claimed[seq] = goneMark{row.Gone, row.GoneAt}
	}
	pair := Pair{Source: run.row.Source, Kind: row.Kind}
	v.search.evidence(pair, it.collectedAt, head.revision == 0 || head.gone)
	v.promised += promises(row.Next) - promises(head.next)
	*head = headState{seq: seq, next: row.Next, revision: int32(it.revision)}
	n := run.count(it.kind)
	if it.revision == 1 {
		n.new++
	} else {
		n.revised++
	}
	v.out.Evidence++
	return nil
}

// promises is 1 if a row says that there is a later revision.
func promises(next int64) int64 {
	if next != 0 {
		return 1
	}
	return 0
}

func (r *runState) count(kind string) *runCounts {
	if r.last != nil && r.lastKind == kind {
		return r.last
	}
	n := r.kinds[kind]
	if n == nil {
		n = &runCounts{}
		r.kinds[kind] = n
	}
	r.last, r.lastKind = n, kind
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
		h := v.heads.at(headKey(sum[:]))
		if h.revision == 0 || h.gone {
			return differs(fmt.Sprintf("entry %d", e.Seq), fmt.Sprintf("key %.80q to be live", key), "not live")
		}
		h.gone = true
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
		if !last {
			v.frontier.Reuse(t)
		}
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
