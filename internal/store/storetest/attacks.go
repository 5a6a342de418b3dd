package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Attack changes what a store keeps, one thing at a time, and fails the test
// if verification does not notice.
func Attack(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	fill(f)
	f.append(store.Batch{Open: open("none", "d"), Close: closing("none", evidence.RunComplete, nil)})
	f.verify()
	v, err := ledger.ParseVerifier(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := f.s.(store.Verifiable)
	if !ok {
		t.Fatal("the store cannot be verified")
	}
	attacks := map[string]change{"nothing": {}}
	addLineAttacks(attacks)
	addPayloadAttacks(attacks)
	addRowAttacks(attacks)
	addTableAttacks(attacks)
	addStateAttacks(attacks)
	for name, c := range attacks {
		_, err := store.Verify(t.Context(), tampered{raw, c}, store.VerifyOptions{Verifier: v})
		if name == "nothing" {
			if err != nil {
				t.Fatalf("an untouched store, seen through the attack: %v", err)
			}
			continue
		}
		if !errors.Is(err, store.ErrTampered) {
			t.Errorf("%s: %v, want ErrTampered", name, err)
		}
	}
}

// change says how bytes differ from what was stored. Nil leaves them alone.
type change struct {
	lines    func([][]byte) [][]byte
	payloads func([]store.RawPayload) []store.RawPayload
	rows     func([]store.IndexRow) []store.IndexRow
	tiles    func([]ledger.Tile) []ledger.Tile
	index    func(store.HashIndex, []store.IndexEntry) []store.IndexEntry
	tables   func(*store.Tables)
	tip      func(*store.RawTip)
}

// tampered is a store after somebody changed it.
type tampered struct {
	store.Verifiable
	c change
}

func (s tampered) Snapshot(ctx context.Context, fn func(store.Raw) error) error {
	return s.Verifiable.Snapshot(ctx, func(r store.Raw) error { return fn(tamperedRaw{r, s.c}) })
}

type tamperedRaw struct {
	store.Raw
	c change
}

// gather reads all of a sequence, changes it and yields it again.
func gather[T any](seq iter.Seq2[T, error], fn func([]T) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []T
		for v, err := range seq {
			if err != nil {
				yield(v, err)
				return
			}
			all = append(all, v)
		}
		if fn != nil {
			all = fn(all)
		}
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// cloned yields pages that stay as they are.
func cloned[T any](seq iter.Seq2[[]T, error]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for page, err := range seq {
			if !yield(slices.Clone(page), err) {
				return
			}
		}
	}
}

func (r tamperedRaw) Lines(ctx context.Context) iter.Seq2[store.RawLines, error] {
	return gather(r.Raw.Lines(ctx), func(blocks []store.RawLines) []store.RawLines {
		var lines [][]byte
		for _, b := range blocks {
			raw, err := b.Unpack(nil)
			if err != nil {
				return blocks
			}
			lines = append(lines, bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))...)
		}
		if r.c.lines != nil {
			lines = r.c.lines(lines)
		}
		return []store.RawLines{{N: int64(len(lines)), Unpack: func(*[]byte) ([]byte, error) {
			return append(bytes.Join(lines, []byte("\n")), '\n'), nil
		}}}
	})
}

func (r tamperedRaw) Payloads(ctx context.Context) iter.Seq2[store.RawPayloads, error] {
	return gather(r.Raw.Payloads(ctx), func(blocks []store.RawPayloads) []store.RawPayloads {
		if r.c.payloads == nil || len(blocks) == 0 {
			return blocks
		}
		unpack := blocks[0].Unpack
		blocks[0].Unpack = func(into *[]byte, items []store.RawPayload) ([]store.RawPayload, error) {
			items, err := unpack(into, items)
			if err != nil {
				return nil, err
			}
			return r.c.payloads(slices.Clone(items)), nil
		}
		return blocks
	})
}

func (r tamperedRaw) Rows(ctx context.Context) iter.Seq2[[]store.IndexRow, error] {
	return gather(cloned(r.Raw.Rows(ctx)), func(pages [][]store.IndexRow) [][]store.IndexRow {
		rows := slices.Concat(pages...)
		if r.c.rows != nil {
			rows = r.c.rows(rows)
		}
		return [][]store.IndexRow{rows}
	})
}

func (r tamperedRaw) Tiles(ctx context.Context) iter.Seq2[ledger.Tile, error] {
	return gather(r.Raw.Tiles(ctx), r.c.tiles)
}

func (r tamperedRaw) Index(ctx context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	return gather(cloned(r.Raw.Index(ctx, which)), func(pages [][]store.IndexEntry) [][]store.IndexEntry {
		all := slices.Concat(pages...)
		if r.c.index != nil {
			all = r.c.index(which, all)
		}
		return [][]store.IndexEntry{all}
	})
}

func (r tamperedRaw) Tables(ctx context.Context) (store.Tables, error) {
	t, err := r.Raw.Tables(ctx)
	if err == nil && r.c.tables != nil {
		r.c.tables(&t)
	}
	return t, err
}

func (r tamperedRaw) Checkpoint(ctx context.Context) (store.RawTip, error) {
	t, err := r.Raw.Checkpoint(ctx)
	if err == nil && r.c.tip != nil {
		r.c.tip(&t)
	}
	return t, err
}

// replace gives a change that replaces text in the first line that has it.
func replace(from, to string) change {
	return change{lines: func(lines [][]byte) [][]byte {
		for i, line := range lines {
			if bytes.Contains(line, []byte(from)) {
				lines[i] = bytes.Replace(line, []byte(from), []byte(to), 1)
				return lines
			}
		}
		return lines
	}}
}

func addLineAttacks(attacks map[string]change) {
	for _, at := range []int{0, 3, 20} {
		attacks[fmt.Sprintf("entry %d dropped", at)] = change{lines: func(l [][]byte) [][]byte { return slices.Delete(l, at, at+1) }}
		attacks[fmt.Sprintf("entry %d twice", at)] = change{lines: func(l [][]byte) [][]byte { return slices.Insert(l, at, l[at]) }}
		attacks[fmt.Sprintf("entry %d swapped with the next", at)] = change{lines: func(l [][]byte) [][]byte {
			l[at], l[at+1] = l[at+1], l[at]
			return l
		}}
	}
	attacks["last entry dropped"] = change{lines: func(l [][]byte) [][]byte { return l[:len(l)-1] }}
	attacks["entry added"] = change{lines: func(l [][]byte) [][]byte { return append(l, l[len(l)-1]) }}
	attacks["entry re-dated"] = replace(`{"at":"2026-02-03T04:05:07`, `{"at":"2026-02-03T04:05:06`)
	attacks["entry dated before the one before"] = replace(`{"at":"2026-02-03T04:05:08`, `{"at":"2025-02-03T04:05:08`)
	attacks["event re-dated"] = replace(`"event_time":"2026`, `"event_time":"2025`)
	attacks["key changed"] = replace(`"key":"key 3"`, `"key":"key 4"`)
	attacks["revision changed"] = replace(`"revision":1`, `"revision":2`)
	attacks["run changed"] = replace(`"run":"r1"`, `"run":"imp"`)
	attacks["source changed"] = replace(`"source":"a"`, `"source":"b"`)
	attacks["status changed"] = replace(`"status":"complete"`, `"status":"partial"`)
	attacks["count changed"] = replace(`"new":20`, `"new":21`)
	attacks["imported forgotten"] = replace(`"imported":true,`, ``)
	attacks["type changed"] = replace(`"type":"assessment"`, `"type":"export"`)
	attacks["version changed"] = replace(`"v":1`, `"v":2`)
	attacks["space added"] = replace(`"v":1`, `"v": 1`)
	attacks["field added"] = replace(`"url":`, `"unknown":1,"url":`)
	attacks["body reordered"] = replace(`{"by":"x","payload"`, `{"payload":"x","by"`)
	attacks["gone key changed"] = replace(`"keys":["key 10"`, `"keys":["key 00"`)
}

func addPayloadAttacks(attacks map[string]change) {
	type items = []store.RawPayload
	attacks["payload changed"] = change{payloads: func(p items) items {
		p[2].Body = bytes.Replace(p[2].Body, []byte("text"), []byte("test"), 1)
		return p
	}}
	attacks["payload and digest changed"] = change{payloads: func(p items) items {
		p[2].Body = []byte(`{}`)
		p[2].Sum = evidence.Sum(p[2].Body)
		return p
	}}
	attacks["payload said to be larger"] = change{payloads: func(p items) items {
		p[2].Size++
		return p
	}}
	attacks["payload lost"] = change{payloads: func(p items) items { return slices.Delete(p, 2, 3) }}
	attacks["payload added"] = change{payloads: func(p items) items {
		return append(p, store.RawPayload{Sum: evidence.Sum([]byte("{}")), Body: []byte("{}")})
	}}
	attacks["payload twice"] = change{payloads: func(p items) items { return append(p, p[0]) }}
	attacks["payload erased without an entry"] = change{payloads: func(p items) items {
		p[0].Erased, p[0].Body = true, nil
		return p
	}}
	attacks["erased payload back"] = change{payloads: func(p items) items {
		for i := range p {
			if p[i].Erased {
				p[i].Erased, p[i].Body = false, []byte(`{"text":"5"}`)
			}
		}
		return p
	}}
}

func addRowAttacks(attacks map[string]change) {
	fields := map[string]func(*store.IndexRow){
		"position":      func(r *store.IndexRow) { r.Seq++ },
		"key hash":      func(r *store.IndexRow) { r.KeyHash++ },
		"subject":       func(r *store.IndexRow) { r.Subject++ },
		"kind":          func(r *store.IndexRow) { r.Kind++ },
		"source":        func(r *store.IndexRow) { r.Source++ },
		"run":           func(r *store.IndexRow) { r.Run++ },
		"block":         func(r *store.IndexRow) { r.Block++ },
		"mark":          func(r *store.IndexRow) { r.Mark[15]++ },
		"next revision": func(r *store.IndexRow) { r.Next++ },
		"gone":          func(r *store.IndexRow) { r.Gone++ },
		"gone at":       func(r *store.IndexRow) { r.GoneAt++ },
		"all of gone":   func(r *store.IndexRow) { r.Gone, r.GoneAt = 0, 0 },
		"all of next":   func(r *store.IndexRow) { r.Next = 0 },
	}
	for name, set := range fields {
		attacks["row: "+name] = change{rows: func(rows []store.IndexRow) []store.IndexRow {
			for i := range rows {
				was := rows[i]
				if set(&rows[i]); rows[i] != was && (rows[i].Next != 0 || was.Next != 0 || rows[i].Gone != 0 || was.Gone != 0) {
					return rows
				}
				rows[i] = was
			}
			set(&rows[0])
			return rows
		}}
	}
	attacks["row lost"] = change{rows: func(rows []store.IndexRow) []store.IndexRow { return slices.Delete(rows, 4, 5) }}
	attacks["last row lost"] = change{rows: func(rows []store.IndexRow) []store.IndexRow { return rows[:len(rows)-1] }}
	attacks["row added"] = change{rows: func(rows []store.IndexRow) []store.IndexRow {
		return append(rows, store.IndexRow{Seq: rows[len(rows)-1].Seq + 100})
	}}
	attacks["row twice"] = change{rows: func(rows []store.IndexRow) []store.IndexRow { return slices.Insert(rows, 4, rows[4]) }}
	for _, which := range []store.HashIndex{store.KeyIndex, store.SubjectIndex, store.PayloadIndex} {
		attacks[fmt.Sprintf("index %d: entry added", which)] = change{index: func(w store.HashIndex, all []store.IndexEntry) []store.IndexEntry {
			if w == which {
				all = append(all, store.IndexEntry{Hash: 1, Place: 1})
			}
			return all
		}}
	}
}

func addTableAttacks(attacks map[string]change) {
	attacks["tile changed"] = change{tiles: func(t []ledger.Tile) []ledger.Tile {
		t[0].Data = slices.Clone(t[0].Data)
		t[0].Data[40] ^= 1
		return t
	}}
	attacks["tile lost"] = change{tiles: func(t []ledger.Tile) []ledger.Tile { return t[1:] }}
	attacks["tile added"] = change{tiles: func(t []ledger.Tile) []ledger.Tile {
		return append(t, ledger.Tile{Level: 3, Data: make([]byte, 32)})
	}}
	attacks["tile longer"] = change{tiles: func(t []ledger.Tile) []ledger.Tile {
		t[0].Data = append(slices.Clone(t[0].Data), make([]byte, 32)...)
		return t
	}}
	attacks["name changed"] = change{tables: func(t *store.Tables) {
		for id, name := range t.Names {
			t.Names[id] = name + "x"
		}
	}}
	attacks["run row changed"] = change{tables: func(t *store.Tables) { t.Runs[0].Closed++ }}
	attacks["run row closed"] = change{tables: func(t *store.Tables) { t.Runs[1].Closed = 50 }}
	attacks["run row renamed"] = change{tables: func(t *store.Tables) { t.Runs[1].ID = "other" }}
	attacks["run row lost"] = change{tables: func(t *store.Tables) { t.Runs = t.Runs[:1] }}
	attacks["run row added"] = change{tables: func(t *store.Tables) { t.Runs = append(t.Runs, store.RunRow{ID: "x", Opened: 99, Closed: -1}) }}
	attacks["run row of another source"] = change{tables: func(t *store.Tables) { t.Runs[0].Source++ }}
	attacks["counts of an open run changed"] = change{tables: func(t *store.Tables) { t.Tally[0].New++ }}
	attacks["revised in an open run changed"] = change{tables: func(t *store.Tables) { t.Tally[0].Revised++ }}
	attacks["unchanged below zero"] = change{tables: func(t *store.Tables) { t.Tally[0].Unchanged = -1 }}
	attacks["counts of an open run lost"] = change{tables: func(t *store.Tables) { t.Tally = t.Tally[1:] }}
	attacks["counts of an open run twice"] = change{tables: func(t *store.Tables) { t.Tally = append(t.Tally, t.Tally[0]) }}
	attacks["counts of another kind"] = change{tables: func(t *store.Tables) { t.Tally[0].Kind = "another" }}
	attacks["counts of a run that is closed"] = change{tables: func(t *store.Tables) {
		t.Tally = append(t.Tally, store.TallyRow{Run: t.Runs[0].Opened, Kind: t.Tally[0].Kind})
	}}
	attacks["entry type changed"] = change{tables: func(t *store.Tables) { t.Types[0] = evidence.EntryExport }}
	attacks["entry type added"] = change{tables: func(t *store.Tables) { t.Types[1] = evidence.EntryExport }}
	attacks["size changed"] = change{tip: func(t *store.RawTip) { t.Size++ }}
	attacks["time changed"] = change{tip: func(t *store.RawTip) { t.At++ }}
	attacks["note changed"] = change{tip: func(t *store.RawTip) { t.Note = bytes.Replace(t.Note, []byte("\n5"), []byte("\n6"), 1) }}
	attacks["indexed too far"] = change{tip: func(t *store.RawTip) { t.Indexed = t.Size + 1 }}
}
