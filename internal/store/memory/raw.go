package memory

import (
	"context"
	"iter"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// raw shows the data as a store on disk would keep it: one block of lines, one
// block for each payload, nothing left to index.
type raw struct {
	d      *data
	names  map[string]int64
	blocks map[evidence.Digest]int64
}

var _ store.Raw = (*raw)(nil)

func newRaw(d *data) *raw {
	r := &raw{d: d, names: map[string]int64{}, blocks: map[evidence.Digest]int64{}}
	name := func(s string) {
		if r.names[s] == 0 {
			r.names[s] = int64(len(r.names)) + 1
		}
	}
	for _, run := range d.runs {
		name(run.Provenance.Source)
	}
	for _, it := range d.items {
		name(it.ev.Kind)
	}
	for i, sum := range d.order {
		r.blocks[sum] = int64(i) + 1
	}
	return r
}

func (r *raw) Checkpoint(context.Context) (store.RawTip, error) {
	t := store.RawTip{Note: r.d.note, Size: int64(len(r.d.lines)), Indexed: int64(len(r.d.lines)), IndexedBlock: int64(len(r.d.order)) + 1}
	if n := len(r.d.at); n > 0 {
		t.At = r.d.at[n-1].UnixMicro()
	}
	return t, nil
}

func (r *raw) Lines(context.Context) iter.Seq2[store.RawLines, error] {
	return func(yield func(store.RawLines, error) bool) {
		if len(r.d.lines) == 0 {
			return
		}
		yield(store.RawLines{N: int64(len(r.d.lines)), Unpack: func(*[]byte) ([]byte, error) {
			var out []byte
			for _, line := range r.d.lines {
				out = append(append(out, line...), '\n')
			}
			return out, nil
		}}, nil)
	}
}

func (r *raw) Rows(context.Context) iter.Seq2[[]store.IndexRow, error] {
	return func(yield func([]store.IndexRow, error) bool) {
		opened := map[string]int64{}
		for _, run := range r.d.runs {
			opened[run.ID] = run.opened
		}
		var rows []store.IndexRow
		for _, it := range r.d.items {
			ev := &it.ev
			row := store.IndexRow{
				Seq: ev.Seq, KeyHash: store.KeyHash(ev.Source, ev.Kind, ev.Key), Subject: store.SubjectHash(ev.Subject),
				Kind: r.names[ev.Kind], Source: r.names[ev.Source], Run: opened[ev.Run], Block: r.blocks[ev.PayloadSum],
				Mark: store.Mark(ev.Source, ev.Kind, ev.Key, store.ContentOf(ev)), Next: it.next, Gone: it.gone,
			}
			if it.gone != 0 {
				row.GoneAt = ev.GoneAt.UnixMicro()
			}
			rows = append(rows, row)
		}
		yield(rows, nil)
	}
}

func (r *raw) Tiles(context.Context) iter.Seq2[ledger.Tile, error] {
	return func(yield func(ledger.Tile, error) bool) {
		list, err := tiles(r.d.lines)
		if err != nil {
			yield(ledger.Tile{}, err)
			return
		}
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (r *raw) Payloads(context.Context) iter.Seq2[store.RawPayloads, error] {
	return func(yield func(store.RawPayloads, error) bool) {
		for i, sum := range r.d.order {
			b := store.RawPayloads{Block: int64(i) + 1, Unpack: func(*[]byte, []store.RawPayload) ([]store.RawPayload, error) {
				body := r.d.payloads[sum]
				return []store.RawPayload{{Sum: sum, Size: r.d.sizes[sum], Erased: body == nil, Body: body}}, nil
			}}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (r *raw) Index(_ context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	return func(yield func([]store.IndexEntry, error) bool) {
		var out []store.IndexEntry
		switch which {
		case store.KeyIndex:
			for _, it := range r.d.items {
				out = append(out, store.IndexEntry{Hash: store.KeyHash(it.ev.Source, it.ev.Kind, it.ev.Key), Place: it.ev.Seq})
			}
		case store.SubjectIndex:
			for _, it := range r.d.items {
				out = append(out, store.IndexEntry{Hash: store.SubjectHash(it.ev.Subject), Place: it.ev.Seq})
			}
		case store.PayloadIndex:
			for i, sum := range r.d.order {
				out = append(out, store.IndexEntry{Hash: store.PayloadPrefix(sum), Place: int64(i) + 1})
			}
		}
		yield(out, nil)
	}
}

// Zones gives one zone for everything.
func (r *raw) Zones(context.Context) iter.Seq2[store.Zone, error] {
	return func(yield func(store.Zone, error) bool) {
		if len(r.d.lines) == 0 {
			return
		}
		b := store.NewZone(0)
		items := r.d.items
		for seq, line := range r.d.lines {
			b.Line(store.LineSum(line))
			if len(items) > 0 && items[0].ev.Seq == int64(seq) {
				ev := &items[0].ev
				b.Evidence(store.Pair{Source: r.names[ev.Source], Kind: r.names[ev.Kind]}, ev.CollectedAt.UnixMicro())
				items = items[1:]
			}
		}
		yield(b.Zone(), nil)
	}
}

func (r *raw) Tables(context.Context) (store.Tables, error) {
	t := store.Tables{Names: map[int64]string{}, Types: map[int64]evidence.EntryType{}, Counts: map[store.Pair]store.CountRow{}}
	for _, c := range counts(r.d) {
		t.Counts[store.Pair{Source: r.names[c.Source], Kind: r.names[c.Kind]}] = store.CountRow{Evidence: c.Evidence, Live: c.Live}
	}
	for name, id := range r.names {
		t.Names[id] = name
	}
	for _, run := range r.d.runs {
		t.Runs = append(t.Runs, store.RunRow{ID: run.ID, Opened: run.opened, Closed: run.closed, Source: r.names[run.Provenance.Source]})
		if run.closed != -1 {
			continue
		}
		for kind, k := range run.Kinds {
			t.Tally = append(t.Tally, store.TallyRow{Run: run.opened, Kind: kind, New: k.New, Revised: k.Revised, Unchanged: k.Unchanged})
		}
	}
	slices.SortFunc(t.Runs, func(a, b store.RunRow) int { return int(a.Opened - b.Opened) })
	for seq, typ := range r.d.types {
		if typ != evidence.EntryEvidence {
			t.Types[int64(seq)] = typ
		}
	}
	for source, st := range r.d.state {
		t.State = append(t.State, stateRows(st, r.names[source])...)
	}
	return t, nil
}

// stateRows gives a source's cursors and validators as its digest needs them.
func stateRows(st store.State, source int64) (out []store.StateRow) {
	for key, text := range st.Cursors {
		out = append(out, store.StateRow{Source: source, Cursor: true, Key: key, Sum: evidence.Sum([]byte(text))})
	}
	for key, value := range st.Validators {
		out = append(out, store.StateRow{Source: source, Key: key, Sum: evidence.Sum(value)})
	}
	return out
}
