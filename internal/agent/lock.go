package agent

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// Locks are files beside the store, locked while somebody reads a source or
// runs the daemon. The system releases them when their process ends, however
// it ends.
type Locks struct {
	Dir string // made when first needed, mode 0700
}

// Acquire takes the lock called name, or returns store.ErrLocked at once.
func (l Locks) Acquire(name string) (release func(), err error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	f := flock.New(filepath.Join(l.Dir, name+".lock"))
	held, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if !held {
		return nil, fmt.Errorf("%s: %w", name, store.ErrLocked)
	}
	return func() { _ = f.Close() }, nil // a lock that cannot be given back ends with its process
}
