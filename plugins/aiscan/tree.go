package aiscan

import (
	"context"
	"io"
	"time"
)

// Tree is what a scan reads.
type Tree interface {
	// Walk calls visit for every entry, in the order of paths, until it returns
	// an error. Entry.Open may be called from several goroutines, also after
	// visit has returned, unless Streamed.
	Walk(ctx context.Context, visit func(Entry) error) error
	// Streamed reports that an entry can be opened only while visit runs.
	Streamed() bool
}

// Entry is one file of a tree, or something in its place that cannot be read.
type Entry struct {
	Path   string // slash-separated, relative, valid UTF-8
	Size   int64  // UnknownSize if it takes reading to know
	ID     string // names the content: a git object id; empty if not known without reading
	Unread string // why it is not read: a submodule, a link, too large, no permission
	Open   func() (io.ReadCloser, error)
	// Look, if there is one, fills in Size, ID and Unread, which then say nothing
	// yet: for trees where each costs a call to the system. It may be called from
	// any goroutine, once, before Open.
	Look func(*Entry)
	Time time.Time // when the content came to this path, if the tree knows it

	failed bool // Unread tells of an error, which may not be there the next time
}

// UnknownSize is the Size of an entry that only reading tells. What Open
// returns then has a method Size() int64.
const UnknownSize = -1

// Cache keeps what was found in a content, by its id. Implementations are safe
// for concurrent use. A cache that loses entries costs time, never a result.
type Cache interface {
	Get(key string) ([]byte, bool)
	Put(key string, value []byte)
}
