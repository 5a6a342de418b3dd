package pluginhost

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// binary is a connector's open file, which is executed once it is verified. It
// is read while its process is prepared, and nothing of it runs before.
type binary struct {
	name string
	file *os.File
	want evidence.Digest // which the lock file names
	stop func()          // ends the reading
	read chan struct{}   // closed when err is set
	err  error
}

// open finds the connector's binary and begins to verify it against the lock
// file, until ctx ends. The caller closes it.
func (h *Host) open(ctx context.Context, name string) (*binary, error) {
	want, err := h.locked(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(binaryPath(h.dir, name))
	if err != nil {
		return nil, fail(name, ErrStart, err.Error())
	}
	b := &binary{name: name, file: f, want: want, read: make(chan struct{})}
	if err := h.safe(name, f); err != nil {
		f.Close()
		return nil, err
	}
	ctx, b.stop = context.WithCancel(ctx)
	go func() {
		defer close(b.read)
		b.err = b.compare(ctx)
	}()
	return b, nil
}

// verified waits until the file is read, or for the end of ctx, and is nil if it
// is the locked one.
func (b *binary) verified(ctx context.Context) error {
	select {
	case <-b.read:
		return b.err
	case <-ctx.Done(): // a read may take as long as a disk does
		return ctx.Err()
	}
}

// close waits for a read that goes on, and ends the reading. Nobody executes the
// file any more: its descriptor may soon be another file's.
func (b *binary) close() {
	b.stop()
	<-b.read
	b.file.Close()
}

// reading is a function that reads.
type reading func([]byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

func (b *binary) compare(ctx context.Context) error {
	got, err := sumOpen(reading(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return b.file.Read(p)
	}))
	if cause := contextCause(err); cause != nil {
		return cause
	}
	if err != nil {
		return fail(b.name, ErrStart, err.Error())
	}
	if got != b.want {
		return checksumError(b.name, b.want, got)
	}
	return nil
}

// locked returns the digest that the lock file holds for name.
func (h *Host) locked(name string) (evidence.Digest, error) {
	if !wire.ValidName(name) {
		return evidence.Digest{}, fail(wire.Quote(name), ErrNotInstalled, "not a connector's name: want "+wire.ConnectorName)
	}
	if _, err := os.Stat(binaryPath(h.dir, name)); err != nil {
		return evidence.Digest{}, fail(name, ErrNotInstalled, "no "+binaryPath(h.dir, name))
	}
	lock, err := ReadLock(h.lock)
	if errors.Is(err, fs.ErrNotExist) {
		return evidence.Digest{}, fail(name, ErrNotLocked, "there is no lock file "+h.lock)
	}
	if err != nil {
		return evidence.Digest{}, err
	}
	locked, ok := lock.Connectors[name]
	if !ok {
		return evidence.Digest{}, fail(name, ErrNotLocked, h.lock+" does not name it")
	}
	return locked.SHA256, nil
}

// safe refuses a file that everybody may change or replace.
func (h *Host) safe(name string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fail(name, ErrStart, err.Error())
	}
	dir, err := os.Stat(filepath.Dir(binaryPath(h.dir, name)))
	if err != nil {
		return fail(name, ErrStart, err.Error())
	}
	if anybodyWrites(info, dir) {
		return fail(name, ErrUnsafe, binaryPath(h.dir, name)+" or its directory is writable for everybody")
	}
	return nil
}
