package coverage

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Limits of a Table: how many cursors its entries are spread over, and how
// much one holds. A host keeps 64 KiB in each.
const (
	tableShards = 32
	shardBytes  = 60 << 10
)

// Table is memory of many things by name, such as when each was first seen. It
// is spread over several cursors, so that it may outgrow one. It is not safe for
// concurrent use.
type Table[T any] struct {
	book    *Book
	parts   []string
	shards  [tableShards]map[string]T
	changed [tableShards]bool
}

// OpenTable reads the table that stands for parts.
func OpenTable[T any](b *Book, parts ...string) *Table[T] {
	t := &Table[T]{book: b, parts: parts}
	for i := range t.shards {
		t.shards[i] = map[string]T{}
		if !b.Position(t.name(i), &t.shards[i]) || t.shards[i] == nil {
			t.shards[i] = map[string]T{}
		}
	}
	return t
}

func (t *Table[T]) name(shard int) string {
	return Memory(append(slices.Clone(t.parts), strconv.Itoa(shard))...)
}

func (t *Table[T]) shard(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % tableShards)
}

// Get returns what is remembered under a name.
func (t *Table[T]) Get(name string) (T, bool) {
	v, ok := t.shards[t.shard(name)][name]
	return v, ok
}

// Set remembers v under a name.
func (t *Table[T]) Set(name string, v T) {
	i := t.shard(name)
	t.shards[i][name], t.changed[i] = v, true
}

// Names returns all names, sorted.
func (t *Table[T]) Names() []string {
	var out []string
	for _, s := range t.shards {
		out = slices.AppendSeq(out, maps.Keys(s))
	}
	slices.Sort(out)
	return out
}

// Save keeps what was set. What is more than a host keeps is forgotten, and
// that is the error: a gap of reason truncated.
func (t *Table[T]) Save() error {
	lost := 0
	for i, s := range t.shards {
		if !t.changed[i] {
			continue
		}
		kept, n, err := within(s)
		if err != nil {
			return fmt.Errorf("memory of %s: %w", t.parts[0], err)
		}
		lost += n
		if err := t.book.Cursor(t.name(i), kept); err != nil {
			return err
		}
		t.changed[i] = false
	}
	if lost > 0 {
		return &fullError{lost}
	}
	return nil
}

// within returns the entries, in the order of their names, that one cursor
// holds, and how many it does not.
func within[T any](s map[string]T) (map[string]T, int, error) {
	kept, size := map[string]T{}, 2
	for _, name := range slices.Sorted(maps.Keys(s)) {
		raw, err := json.Marshal(map[string]T{name: s[name]})
		if err != nil {
			return nil, 0, err
		}
		if size += len(raw); size <= shardBytes {
			kept[name] = s[name]
		}
	}
	return kept, len(s) - len(kept), nil
}

// fullError is memory that was too small.
type fullError struct{ lost int }

func (e *fullError) Error() string {
	return fmt.Sprintf("%d things more than can be remembered: when they were first seen is not known to the next run", e.lost)
}

// Reason is Truncated.
func (*fullError) Reason() connector.Reason { return connector.Truncated }
