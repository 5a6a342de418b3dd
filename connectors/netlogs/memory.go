package netlogs

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Names and bounds of the cursors that hold the memory. There are two sets of
// them, used in turn; the index, which is written last, says which one holds.
const (
	memoryIndex = connector.MemoryPrefix + "index"
	memoryPart  = connector.MemoryPrefix + "part/"
	// position names the memory whose places in files hold. Without it, all is
	// read anew, and takes the place of what the memory says about the same files.
	position    = "position"
	partBytes   = 60 << 10
	maxMemory   = 24 << 20 // of the memory as cursors hold it
	maxUnpacked = 1 << 30
)

// memory is what a source remembers from run to run: how far each file was
// read, and what its days say that may still grow.
type memory struct {
	Settings string           `json:"settings,omitempty"` // digest of the settings and signatures that the sums were made with
	Since    int32            `json:"since,omitempty"`
	Key      []byte           `json:"key,omitempty"`  // of the hashes of actors, where there is no salt
	From     int32            `json:"from,omitempty"` // days From to To are closed: what comes late is not added
	To       int32            `json:"to,omitempty"`
	Oldest   map[string]int64 `json:"oldest,omitempty"` // by log: how far back it was read
	Files    []*fileNote      `json:"files,omitempty"`
}

// fileNote is what is remembered of one file.
type fileNote struct {
	Log     string `json:"log"`
	Path    string `json:"path"`
	Hash    string `json:"hash"` // of its first Len bytes, unpacked
	Len     int    `json:"len"`
	Start   string `json:"start,omitempty"` // the same of its very first bytes
	Off     int64  `json:"off"`             // how far its content was read
	Size    int64  `json:"size"`            // on disk, when it was last seen
	MTime   int64  `json:"mtime"`
	Live    bool   `json:"live,omitempty"` // it was still being written to
	Cut     bool   `json:"cut,omitempty"`  // its last line was read though it had no end
	Failed  string `json:"failed,omitempty"`
	Format  string `json:"format,omitempty"`
	Channel string `json:"channel,omitempty"`
	Note    string `json:"note,omitempty"` // how its form was told

	Counts counts          `json:"counts"`
	Sums   []noted         `json:"sums,omitempty"`
	Seen   map[int32][]int `json:"canaries,omitempty"`
	sums   map[key]*sum    // Sums, while a run works
	gone   bool            // it was not found in this run
}

// counts are of all lines of a file that were read so far.
type counts struct {
	Lines    int64 `json:"n,omitempty"`
	Requests int64 `json:"r,omitempty"` // of any host
	Other    int64 `json:"o,omitempty"`
	Bad      int64 `json:"b,omitempty"`
	BadAt    int64 `json:"ba,omitempty"` // where the first one is, in bytes
	Long     int64 `json:"l,omitempty"`
	Undated  int64 `json:"u,omitempty"`
	Untimely int64 `json:"f,omitempty"`
	Late     int64 `json:"late,omitempty"`
	Oldest   int64 `json:"from,omitempty"` // times of lines, of any host
	Newest   int64 `json:"to,omitempty"`
	Full     bool  `json:"full,omitempty"`
}

func (c *counts) add(o counts) {
	if o.Bad > 0 && (c.Bad == 0 || o.BadAt < c.BadAt) {
		c.BadAt = o.BadAt
	}
	c.Lines, c.Requests, c.Other, c.Bad = c.Lines+o.Lines, c.Requests+o.Requests, c.Other+o.Other, c.Bad+o.Bad
	c.Long, c.Undated, c.Untimely, c.Late = c.Long+o.Long, c.Undated+o.Undated, c.Untimely+o.Untimely, c.Late+o.Late
	c.Full = c.Full || o.Full
	c.saw(o.Oldest)
	c.saw(o.Newest)
}

// saw notes the time of a line.
func (c *counts) saw(at int64) {
	if at == 0 {
		return
	}
	if c.Oldest == 0 || at < c.Oldest {
		c.Oldest = at
	}
	c.Newest = max(c.Newest, at)
}

// noted is a sum with its key.
type noted struct {
	Day   int32  `json:"d"`
	Rule  string `json:"r"`
	Group string `json:"g"`
	Actor string `json:"a,omitempty"`
	Sum   *sum   `json:"s"`
}

// MarshalJSON writes the hashes as bytes, six of each.
func (a actorSet) MarshalJSON() ([]byte, error) {
	all := make([]uint64, 0, len(a))
	for h := range a {
		all = append(all, h)
	}
	slices.Sort(all)
	b := make([]byte, 0, 6*len(all))
	for _, h := range all {
		b = append(b, byte(h>>40), byte(h>>32), byte(h>>24), byte(h>>16), byte(h>>8), byte(h))
	}
	return json.Marshal(b)
}

// UnmarshalJSON reads them.
func (a *actorSet) UnmarshalJSON(raw []byte) error {
	var b []byte
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	if len(b)%6 != 0 {
		return errors.New("hashes of actors are cut")
	}
	*a = actorSet{}
	for ; len(b) > 0; b = b[6:] {
		(*a)[uint64(b[0])<<40|uint64(b[1])<<32|uint64(b[2])<<24|uint64(b[3])<<16|uint64(b[4])<<8|uint64(b[5])] = struct{}{}
	}
	return nil
}

// index says where the memory is.
type index struct {
	Set   int    `json:"set"` // 0 or 1
	Parts int    `json:"parts"`
	Bytes int    `json:"bytes"`
	Sum   string `json:"sum"` // of the packed memory
}

// loadMemory reads what the last run stored. lost is true if there was
// something and it cannot be read.
func loadMemory(cursors map[string]string) (m *memory, at index, lost bool) {
	m = &memory{}
	raw, ok := cursors[memoryIndex]
	if !ok || raw == "" {
		return m, at, false
	}
	if json.Unmarshal([]byte(raw), &at) != nil || at.Parts < 0 || at.Parts > maxMemory/partBytes+1 {
		return m, index{}, true
	}
	var b strings.Builder
	for i := range at.Parts {
		b.WriteString(cursors[partName(at.Set, i)])
	}
	packed, err := base64.StdEncoding.DecodeString(b.String())
	if err != nil || len(packed) != at.Bytes || fingerprint(packed, len(packed)) != at.Sum {
		return m, at, true
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked))
	if err != nil || json.Unmarshal(plain, m) != nil {
		return &memory{}, at, true
	}
	for _, f := range m.Files {
		f.sums = map[key]*sum{}
		for _, n := range f.Sums {
			if n.Sum != nil {
				f.sums[key{n.Day, n.Rule, n.Group, n.Actor}] = n.Sum
			}
		}
		f.Sums = nil
	}
	return m, at, false
}

func partName(set, i int) string { return fmt.Sprintf("%s%d/%d", memoryPart, set, i) }

// pack returns the memory as cursors hold it.
func (m *memory) pack() ([]byte, error) {
	slices.SortFunc(m.Files, func(a, b *fileNote) int {
		return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Hash, b.Hash))
	})
	for _, f := range m.Files {
		f.Sums = f.Sums[:0]
		for k, s := range f.sums {
			f.Sums = append(f.Sums, noted{k.day, k.rule, k.group, k.actor, s})
		}
		slices.SortFunc(f.Sums, func(a, b noted) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Actor, b.Actor))
		})
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// store writes the memory as cursors: into the set that does not hold, and the
// index last. One that is as it was is not written.
func (m *memory) store(old index, cursors map[string]string, put func(name, value string) error) error {
	packed, err := m.pack()
	if err != nil {
		return fmt.Errorf("netlogs: memory: %w", err)
	}
	next := index{Set: 1 - old.Set, Bytes: len(packed), Sum: fingerprint(packed, len(packed))}
	if old.Sum == next.Sum && old.Bytes == next.Bytes {
		return at(cursors, next.Sum, put)
	}
	text := base64.StdEncoding.EncodeToString(packed)
	for ; len(text) > 0; next.Parts++ {
		n := min(len(text), partBytes)
		if err := put(partName(next.Set, next.Parts), text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := put(memoryIndex, string(raw)); err != nil {
		return err
	}
	if err := at(cursors, next.Sum, put); err != nil {
		return err
	}
	for i := 0; i < maxMemory/partBytes+1; i++ { // what no longer holds
		for set, from := range map[int]int{old.Set: 0, next.Set: next.Parts} {
			if name := partName(set, i); i >= from && cursors[name] != "" {
				if err := put(name, ""); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func at(cursors map[string]string, sum string, put func(name, value string) error) error {
	if cursors[position] == sum {
		return nil
	}
	return put(position, sum)
}
