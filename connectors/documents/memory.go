package documents

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// memoryFiles begins the names of the cursors that hold a memory.
const memoryFiles = connector.MemoryPrefix + "files/"

// maxMemory is the longest value of one such cursor, in bytes.
const maxMemory = 60 << 10

// sighting is which content a path had, and since when.
type sighting struct {
	sum   string
	since time.Time
}

// memory is what a folder's files held in the last run, by path.
type memory map[string]sighting

// next returns the memory after a run that found sums. A content that lies
// where it lay, or that moved here from a path that is gone, is as old as it
// was; any other is seen now for the first time. What was there once, went
// away and came back is new: it is in force since now. What is hidden this time
// is remembered for the next, and so is everything if nothing is there at all: a
// share that is not mounted looks like an empty folder.
func (m memory) next(sums map[string]string, hidden func(path string) bool, now time.Time) memory {
	if len(sums) == 0 {
		return m
	}
	moved, out := map[string]time.Time{}, make(memory, len(sums))
	for p, s := range m {
		if _, still := sums[p]; still {
			continue
		}
		if hidden(p) {
			out[p] = s
			continue
		}
		if t, twice := moved[s.sum]; !twice || s.since.Before(t) {
			moved[s.sum] = s.since
		}
	}
	for p, sum := range sums {
		out[p] = sighting{sum: sum, since: now}
		since, isMoved := moved[sum]
		old, known := m[p]
		switch {
		case known && old.sum == sum:
			out[p] = old
		case isMoved && !known:
			out[p] = sighting{sum: sum, since: since}
		}
		if out[p].since.After(now) { // the clock went wrong then, or now
			out[p] = sighting{sum: sum, since: now}
		}
	}
	return out
}

// parseMemory reads what an earlier run stored. A value that cannot be read is
// as good as absent: its files are seen for the first time.
func parseMemory(cursors map[string]string) memory {
	m := memory{}
	for name, value := range cursors {
		if !strings.HasPrefix(name, memoryFiles) || value == "" {
			continue
		}
		var entries map[string][2]string
		if json.Unmarshal([]byte(value), &entries) != nil {
			continue
		}
		for p, e := range entries {
			if at, err := time.Parse(time.RFC3339, e[1]); err == nil {
				m[p] = sighting{sum: e[0], since: at}
			}
		}
	}
	return m
}

// cursors returns the values that differ from those of the last run, by name.
// An empty value takes the place of one that is no longer needed.
func (m memory) cursors(before map[string]string) map[string]string {
	values := m.shards()
	out := map[string]string{}
	for name, v := range values {
		if before[name] != v {
			out[name] = v
		}
	}
	for name, v := range before {
		if _, kept := values[name]; !kept && v != "" && strings.HasPrefix(name, memoryFiles) {
			out[name] = ""
		}
	}
	return out
}

// shards spreads the memory over as many values as it takes; a path stays in
// the same one while their number is the same.
func (m memory) shards() map[string]string {
	for n := uint32(1); ; n *= 4 {
		parts := make([]map[string][2]string, n)
		for _, p := range slices.Sorted(maps.Keys(m)) {
			h := fnv.New32a()
			_, _ = h.Write([]byte(p)) // never fails
			i := h.Sum32() % n
			if parts[i] == nil {
				parts[i] = map[string][2]string{}
			}
			parts[i][p] = [2]string{m[p].sum, m[p].since.UTC().Format(time.RFC3339Nano)}
		}
		out := map[string]string{}
		fits := true
		for i, part := range parts {
			if part == nil {
				continue
			}
			b, _ := json.Marshal(part) // plain values: cannot fail
			fits = fits && len(b) <= maxMemory
			out[fmt.Sprintf("%s%d/%d", memoryFiles, n, i)] = string(b)
		}
		if fits || n > 1<<16 {
			return out
		}
	}
}
