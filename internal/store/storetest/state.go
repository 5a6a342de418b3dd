package storetest

import (
	"encoding/json"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// testStateSealed holds the digest in a closing entry against its text form,
// written out here, and counts what verification compared.
func testStateSealed(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	set := func(cursor bool, key, value string) store.StateChange {
		return store.StateChange{Cursor: cursor, Key: key, Value: json.RawMessage(value)}
	}
	line := func(key, value, what string) string {
		return `{"key":"` + key + `","sha256":"` + evidence.Sum([]byte(value)).String() + `","type":"` + what + `"}` + "\n"
	}
	states := func() (out []evidence.Digest) {
		for _, r := range collect(t, f.s.Runs(t.Context(), "")) {
			out = append(out, r.State)
		}
		return out
	}
	compared := func(states, open int64) {
		t.Helper()
		v := f.verify()
		f.want("sources compared, and not compared", []int64{v.States, v.StatesOpen}, []int64{states, open})
	}
	f.append(store.Batch{Open: open("r1", "a"), State: []store.StateChange{set(true, "z", `"1"`), set(true, "gone", `7`), set(false, "/é<", `{"etag": "1"}`)}})
	f.append(store.Batch{Open: open("other", "b")})
	compared(0, 2)
	lying := closing("r1", evidence.RunComplete, nil)
	lying.Run.State = evidence.Sum([]byte("what the caller says does not count"))
	f.append(store.Batch{Run: "r1", State: []store.StateChange{set(true, "gone", ""), set(true, "B", `{"n":1}`), set(false, "A", `"x"`)}, Close: lying})
	// Sorted by bytes: "/" comes before "A".
	first := evidence.Sum([]byte(line("B", `{"n":1}`, "cursor") + line("z", "1", "cursor") +
		line("/é<", `{"etag": "1"}`, "validator") + line("A", `"x"`, "validator")))
	f.want("state", states(), []evidence.Digest{first, {}})
	f.append(store.Batch{Close: closing("other", evidence.RunPartial, nil)})
	f.want("without any", states(), []evidence.Digest{first, {}})
	compared(2, 0)
	// While a run is open its source may move on; the one that ends last counts.
	f.append(store.Batch{Open: open("r2", "a"), State: []store.StateChange{set(true, "z", `"2"`)}})
	f.append(store.Batch{Open: open("r3", "a")})
	compared(1, 1)
	f.append(store.Batch{Close: closing("r3", evidence.RunFailed, nil)})
	f.append(store.Batch{Run: "r2", State: []store.StateChange{set(true, "z", ""), set(true, "B", ""), set(false, "A", ""), set(false, "/é<", "")}})
	compared(1, 1)
	f.append(store.Batch{Close: closing("r2", evidence.RunComplete, nil)})
	third := evidence.Sum([]byte(line("B", `{"n":1}`, "cursor") + line("z", "2", "cursor") +
		line("/é<", `{"etag": "1"}`, "validator") + line("A", `"x"`, "validator")))
	f.want("of all runs", states(), []evidence.Digest{first, {}, {}, third})
	if err := f.s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	compared(2, 0)
}

// addStateAttacks changes what a connector would get back on its next run.
func addStateAttacks(attacks map[string]change) {
	of := func(name string, fn func(rows []store.StateRow, i int) []store.StateRow) {
		attacks["state: "+name] = change{tables: func(t *store.Tables) {
			for i, r := range t.State {
				if t.Names[r.Source] == "c" && r.Cursor {
					t.State = fn(t.State, i)
					return
				}
			}
		}}
	}
	of("cursor moved", func(rows []store.StateRow, i int) []store.StateRow {
		rows[i].Sum = evidence.Sum([]byte("2026-03-03"))
		return rows
	})
	of("cursor renamed", func(rows []store.StateRow, i int) []store.StateRow {
		rows[i].Key = "until"
		return rows
	})
	of("key that is no text", func(rows []store.StateRow, i int) []store.StateRow {
		rows[i].Key = "\xff"
		return rows
	})
	of("cursor made a validator", func(rows []store.StateRow, i int) []store.StateRow {
		rows[i].Cursor = false
		return rows
	})
	of("cursor lost", func(rows []store.StateRow, i int) []store.StateRow { return append(rows[:i:i], rows[i+1:]...) })
	of("all lost", func(rows []store.StateRow, i int) (out []store.StateRow) {
		for _, r := range rows {
			if r.Source != rows[i].Source {
				out = append(out, r)
			}
		}
		return out
	})
	of("cursor twice", func(rows []store.StateRow, i int) []store.StateRow { return append(rows, rows[i]) })
	of("validator added", func(rows []store.StateRow, i int) []store.StateRow {
		return append(rows, store.StateRow{Source: rows[i].Source, Key: "/new"})
	})
	of("cursor of no source", func(rows []store.StateRow, i int) []store.StateRow {
		return append(rows, store.StateRow{Source: 1000, Cursor: true, Key: "since"})
	})
	attacks["state: added where there was none"] = change{tables: func(t *store.Tables) {
		for id, name := range t.Names {
			if name == "d" {
				t.State = append(t.State, store.StateRow{Source: id, Cursor: true, Key: "since"})
			}
		}
	}}
}
