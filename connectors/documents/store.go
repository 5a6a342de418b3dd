package documents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxDepth bounds how deep folders may nest.
const maxDepth = 128

// arrival is when a content came to where it lies, and through whom. In a
// folder only the time is known: when the connector first saw it.
type arrival struct {
	at     time.Time // in a repository with the committer's own offset
	commit string
	by     string // committer's name and address, as the commit states them
	signed string // what kind of signature the commit carries; empty if none
	signer string // whose signature it is, if a key from the settings proves it
	// beforeParent: dated before one that it follows, so one of the two dates is wrong.
	beforeParent bool
}

// file is a wanted file as it lies in the store now.
type file struct {
	blob    string // names its content within the store
	problem error  // why it cannot be read; nil if it can
}

// revision is one content that a path had.
type revision struct {
	path string
	file
	arrived *arrival
	inForce bool // it is what lies there now; told of repositories
}

// listing is what a store holds of what is wanted. Revisions run from the
// newest to the oldest.
type listing struct {
	current   map[string]file
	revisions []revision
	unseen    []unseen
}

// unseen is a part of the store that could not be looked at.
type unseen struct {
	scope  string
	below  string // a folder: kinds that may lie in it are missing; empty: all
	reason connector.Reason
	detail string
	heals  bool // may be otherwise next time though no file changes
}

// store is where the files lie.
type store interface {
	// state names what the store holds as a whole, if it can be told without
	// reading it; else it is empty.
	state() string
	// list looks at what the settings want. The cursors are the last run's.
	list(ctx context.Context, c *config, cursors map[string]string) (*listing, error)
	// read returns a file's content if it has at most limit bytes.
	read(path, blob string, limit int64) ([]byte, error)
	// cursors returns what the next run needs to know.
	cursors() map[string]string
	// describe says what is read, for coverage and for Check.
	describe() string
	// name is what stands for the newest content in an address: the branch.
	name() string
	// place says where a content lies, for good.
	place(path string, a *arrival) string
	// keeper is what the settings call it.
	keeper() string
	close() error
}

var (
	// errTooLarge means that a file exceeds its limit and was not read.
	errTooLarge = errors.New("larger than the limit")
	// errNotThere means that a content is listed but not there; it may come.
	errNotThere = errors.New("the content is not there")
	// errNotYet means that a commit is dated in the future, which passes.
	errNotYet = errors.New("dated in the future")
)

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%w: %d bytes, %d allowed", errTooLarge, size, limit)
}

// openStore opens the repository or the folder that the settings name. The
// caller closes it.
func openStore(c *config) (store, error) {
	if c.Folder != "" {
		return openFolder(c)
	}
	return openRepository(c)
}
