package sqlite

import (
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

// unmoved refuses what was read while somebody wrote. Nil was not read so.
func (d *database) unmoved() error {
	if d.still == nil {
		return nil
	}
	now, ok := d.stillOf()
	if !ok || now.size != d.still.size || !now.modified.Equal(d.still.modified) {
		return fmt.Errorf("%w; the file was at rest, and somebody began to write it: read it again", store.ErrLocked)
	}
	return nil
}
