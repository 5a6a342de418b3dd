package aiscan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// errUnsettled means that a file changed so recently that its times do not tell
// its contents apart yet.
var errUnsettled = errors.New("a file has just changed")

// survey takes a digest of all that a walk through a folder would hand over,
// without handing it over: each path, why it is not read, or what names its
// content. Where all of it is as it was, a scan finds what it found.
type survey struct {
	folder *folder
	now    time.Time
	others chan struct{} // holds one for each goroutine beside the first
}

// identity implements identified. What is told by times is asked for before any
// file is read, so that one which changes meanwhile is another one next time.
func (f *folder) identity(ctx context.Context, workers int) (place, state string) {
	if f.trouble != nil {
		return "", ""
	}
	place, err := filepath.Abs(f.dir)
	if err != nil {
		return "", ""
	}
	return "folder:" + place, f.state(ctx, workers, time.Now())
}

// state is that of all files at a time, empty if it cannot be said.
func (f *folder) state(ctx context.Context, workers int, now time.Time) string {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := &survey{folder: f, now: now, others: make(chan struct{}, max(workers-1, 0))}
	sum := v.walk(ctx, cancel, "", f.rootRules())
	if ctx.Err() != nil {
		return ""
	}
	return f.Commit() + " " + hex.EncodeToString(sum[:])
}

// walk returns the digest of a folder with all that is below it. Whatever fails
// ends the survey.
func (v *survey) walk(ctx context.Context, fail context.CancelCauseFunc, rel string, rules []gitignore.Pattern) (sum [sha256.Size]byte) {
	if ctx.Err() != nil {
		return sum
	}
	l, err := v.folder.list(rel, rules)
	h := sha256.New()
	below := 0
	if err == nil {
		below, err = v.own(h, rel, l)
	}
	l.close()
	if err != nil {
		fail(err)
		return sum
	}
	sums := make([][sha256.Size]byte, 0, below)
	var wait sync.WaitGroup
	for _, s := range l.items {
		if !s.enter {
			continue
		}
		sums = append(sums, [sha256.Size]byte{})
		at := &sums[len(sums)-1]
		select {
		case v.others <- struct{}{}:
			wait.Go(func() {
				*at = v.walk(ctx, fail, rel+s.name, l.rules)
				<-v.others
			})
		default:
			*at = v.walk(ctx, fail, rel+s.name, l.rules)
		}
	}
	wait.Wait()
	for i := range sums {
		h.Write(sums[i][:])
	}
	h.Sum(sum[:0])
	return sum
}

// own writes what stands in a folder itself, and counts the folders in it.
func (v *survey) own(h hash.Hash, rel string, l listed) (below int, err error) {
	b := text(binary.AppendUvarint(nil, uint64(len(l.items))), l.unread)
	h.Write(b)
	for _, s := range l.items {
		b = text(text(b[:0], s.name), s.unread)
		switch {
		case s.enter:
			below++
		case s.unread == "":
			if b, err = v.content(b, rel, l, s); err != nil {
				return 0, err
			}
		}
		h.Write(b)
	}
	return below, nil
}

// text adds a text that ends where it says.
func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// content adds what names the content of a file.
func (v *survey) content(b []byte, rel string, l listed, s item) ([]byte, error) {
	if v.folder.work == nil {
		return appendStat(b, l.dir, s.entry, v.now)
	}
	info, err := s.entry.Info()
	if err != nil {
		return b, err
	}
	id := v.folder.id(rel+s.name, info, v.now)
	if id == "" {
		return b, errUnsettled
	}
	return text(b, id), nil
}
