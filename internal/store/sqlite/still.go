package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// still is a file at rest that is read without SQLite's files beside it, which a
// full disk or one that cannot be written does not take. SQLite then watches
// nobody, so that this does: what was read counts if nobody wrote meanwhile.
type still struct {
	size     int64
	modified time.Time
}

// stillOf looks at the file at rest; false if it is not.
func (d *database) stillOf() (*still, bool) {
	info, err := os.Stat(d.path)
	if err != nil || !d.atRest() {
		return nil, false
	}
	return &still{info.Size(), info.ModTime()}, true
}

// moved reports whether somebody wrote since the file was looked at.
func (d *database) moved(since *still) bool {
	now, ok := d.stillOf()
	return !ok || now.size != since.size || !now.modified.Equal(since.modified)
}

// unmoved refuses what was read while somebody wrote. What was not read at rest
// has nil, and SQLite watched.
func (d *database) unmoved(since *still) error {
	if since == nil || !d.moved(since) {
		return nil
	}
	return fmt.Errorf("%w; the file was at rest, and somebody began to write it: read it again", store.ErrLocked)
}

// reading gives a connection that reads, and since when the file is at rest if it
// is read so. Where somebody wrote meanwhile, it is opened anew: whoever reads for
// days, from a disk that was full once, sees what comes later.
func (d *database) reading(ctx context.Context) (*sql.Conn, *still, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	if d.still != nil && d.moved(d.still) {
		if err := d.openReaders(true); err != nil {
			return nil, nil, err
		}
	}
	c, err := d.readers.Conn(ctx)
	return c, d.still, explain(err)
}
