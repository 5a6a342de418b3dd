package netlogs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// job is a file of this run, with what is remembered of it.
type job struct {
	found
	note   *fileNote
	head   []byte
	from   int64
	format format
	wrap   envelope
	packed bool
	same   bool  // it is as it was: nothing is read
	err    error // it cannot be read
	cut    bool  // it holds less than was read of it
	twin   string
}

// liveFor is how long after its last line a file counts as still written to.
const liveFor = 36 * time.Hour

// settled is how long a file has to be left alone before a last line without an
// end is read as it is.
const settled = 10 * time.Minute

// known finds which files the memory knows, by their beginning: a file that was
// renamed or packed is still the same one.
type known struct {
	notes   []*fileNote
	claimed map[*fileNote]bool
	heads   map[string][]*job // of this run, by a hash of the first bytes
	byPath  map[string][]*fileNote
}

func newKnown(notes []*fileNote) *known {
	k := &known{notes: notes, claimed: map[*fileNote]bool{}, heads: map[string][]*job{}, byPath: map[string][]*fileNote{}}
	for _, n := range notes {
		at := n.Log + "\x00" + n.Path
		k.byPath[at] = append(k.byPath[at], n)
	}
	return k
}

// unchanged returns the note of a file whose path, size and time are as they
// were.
func (k *known) unchanged(log string, f found) *fileNote {
	for _, n := range k.byPath[log+"\x00"+f.path] {
		if n.Size == f.size && n.MTime == f.time.UnixNano() && n.Failed == "" {
			return n
		}
	}
	return nil
}

// find claims the note of the longest beginning that a file shares; of several,
// that of its own path.
func (k *known) find(log string, j *job) *fileNote {
	var best *fileNote
	prints := map[int]string{}
	for _, n := range k.notes {
		if n.Log != log || k.claimed[n] || n.Len > len(j.head) || n.Len == 0 {
			continue
		}
		if best != nil && (n.Len < best.Len || n.Len == best.Len && n.Path != j.path) {
			continue
		}
		if prints[n.Len] == "" {
			prints[n.Len] = fingerprint(j.head, n.Len)
		}
		if prints[n.Len] == n.Hash {
			best = n
		}
	}
	if best == nil { // shorter by now than what it was known by
		for _, n := range k.byPath[log+"\x00"+j.path] {
			size := min(n.Len, startBytes)
			if !k.claimed[n] && len(j.head) < n.Len && len(j.head) >= size && fingerprint(j.head, size) == n.Start {
				best = n
			}
		}
	}
	if best != nil {
		k.claimed[best] = true
	}
	return best
}

// twinOf returns the file of this run that a file is a copy of, or begins like.
func (k *known) twinOf(j *job) *job {
	n := min(len(j.head), 64)
	at := fmt.Sprint(j.log) + fingerprint(j.head, n)
	for _, o := range k.heads[at] {
		n := min(len(o.head), len(j.head), printBytes)
		if bytes.Equal(o.head[:n], j.head[:n]) {
			return o
		}
	}
	k.heads[at] = append(k.heads[at], j)
	return nil
}

// longer reports whether a file holds more than one that begins like it.
func (j *job) longer(o *job) bool {
	if j.packed == o.packed {
		return j.size > o.size
	}
	return len(j.head) > len(o.head)
}

// replace puts a longer file in the place of one that it is a copy of, and
// returns the note of that one, which holds for the longer as well.
func (k *known) replace(short, long *job) *fileNote {
	for _, all := range k.heads {
		for i := range all {
			if all[i] == short {
				all[i] = long
			}
		}
	}
	n := short.note
	short.note, short.twin = nil, long.path
	return n
}

// copies reports whether the shorter of two files that begin alike ends as the
// other goes on: then it is a copy, made while the other grew.
func copies(ctx context.Context, a, b *job) bool {
	if len(a.head) < printBytes || len(b.head) < printBytes {
		return true // one is whole in the beginning of the other
	}
	one, two, err := openBoth(a.path, b.path)
	if err != nil {
		return false
	}
	defer one.Close()
	defer two.Close()
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for range compared >> 16 {
		if ctx.Err() != nil {
			return false
		}
		n, errX := io.ReadFull(one.r, x)
		m, errY := io.ReadFull(two.r, y)
		if k := min(n, m); !bytes.Equal(x[:k], y[:k]) {
			return false
		}
		if errX != nil || errY != nil {
			return true
		}
	}
	return true
}

// compared is how much of two files is.
const compared = 16 << 20

func openBoth(a, b string) (one, two *opened, err error) {
	if one, err = open(a); err != nil {
		return nil, nil, err
	}
	if two, err = open(b); err != nil {
		one.Close()
		return nil, nil, err
	}
	return one, two, nil
}
