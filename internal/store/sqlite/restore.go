package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/unfinished"
)

// Restore makes a store at path, where there must be nothing: beside it first,
// and under its name only when it was verified and is on disk. What fails
// leaves nothing; of a process that was killed, unfinished.Sweep removes it.
func Restore(ctx context.Context, path string, o portable.Restoring) (v store.Verified, err error) {
	for _, taken := range []string{path, path + "-wal", path + "-shm"} {
		if _, err := os.Lstat(taken); !errors.Is(err, fs.ErrNotExist) {
			return v, fmt.Errorf("store %s: %w", path, errors.Join(store.ErrNotEmpty, err))
		}
	}
	beside, err := unfinished.Begin(filepath.Dir(path))
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, beside.End()) }()
	made := beside.Path("store.db")
	s, err := Open(made, Options{Create: true}) //nolint:contextcheck // an upgrade is made to its end
	if err != nil {
		return v, err
	}
	v, err = s.Restore(ctx, o)
	if err = errors.Join(err, s.Close()); err != nil {
		return v, err
	}
	return v, publish(made, path)
}

// publish gives a finished file its name, unless something has it.
func publish(made, path string) error {
	for _, rest := range []string{made + "-wal", made + "-shm"} {
		if info, err := os.Stat(rest); err == nil && info.Size() > 0 {
			return fmt.Errorf("%s was left behind: the store is not complete in its file", rest)
		}
	}
	if err := syncPath(made); err != nil {
		return err
	}
	err := os.Link(made, path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("store %s: %w", path, store.ErrNotEmpty)
	}
	if err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
