// Package unfinished is where a file grows that gets its name only when it is
// whole: a hidden folder beside it, with a lock that ends with its process,
// however it ends. So the next one can tell what a dead process left from what
// a living one writes.
//
// What programs before this form left, hidden files called like what was to be
// written and a number (.exhibit-2026-11.backup.123456789, .exhibit-room-123456789), stays: they have no
// lock, so that nobody can tell whether a process still writes one, and no name
// that only Exhibit gives. Whoever knows that none runs may remove them.
//
// It may import the standard library and a library of file locks. It promises
// that Sweep never removes what a living process writes.
package unfinished

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/gofrs/flock"
)

// prefix begins the names of locks; that of the folder is the lock's with suffix.
const (
	prefix = ".exhibit-unfinished-"
	suffix = ".d"
)

// lockName is the form of a lock's name. What is called otherwise is somebody's own.
var lockName = regexp.MustCompile(`^` + regexp.QuoteMeta(prefix) + `[0-9a-f]{16}$`)

// Place is a hidden folder that one process writes to.
type Place struct {
	Dir  string
	lock *flock.Flock
}

// Begin makes a place in a folder, readable by its owner only.
func Begin(in string) (*Place, error) {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
		name := filepath.Join(in, prefix+hex.EncodeToString(b[:]))
		p := &Place{Dir: name + suffix, lock: flock.New(name, flock.SetPermissions(0o600))}
		held, err := p.lock.TryLock()
		if err == nil && held {
			_, err = os.Lstat(name)
		}
		if errors.Is(err, fs.ErrNotExist) && held || err == nil && !held {
			_ = p.lock.Close() // somebody swept between making it and locking it
			continue
		}
		if err == nil {
			err = os.Mkdir(p.Dir, 0o700)
		}
		if err != nil {
			return nil, errors.Join(err, p.End())
		}
		return p, nil
	}
}

// Path is where a file of the place is.
func (p *Place) Path(name string) string { return filepath.Join(p.Dir, name) }

// End removes the place and all that is in it.
func (p *Place) End() error { return remove(p.lock) }

// earlier is what programs before this form called an unfinished backup, and what
// they wrote to see whether there is room.
var earlier = regexp.MustCompile(`^\..+\.backup\.[0-9]+$|^\.exhibit-room-[0-9]+$`)

// Left lists what is in a folder that processes which died seem to have left: what
// Sweep would remove, and what it cannot tell from somebody's own file.
func Left(in string) ([]string, error) {
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case !e.Type().IsRegular():
		case earlier.MatchString(name):
			out = append(out, name)
		case lockName.MatchString(name):
			lock := flock.New(filepath.Join(in, name))
			held, err := lock.TryLock()
			if err = errors.Join(err, lock.Close()); err != nil {
				return out, err
			}
			if held {
				out = append(out, name+suffix)
			}
		}
	}
	return out, nil
}

// Sweep removes what processes that died left in a folder, and returns how many
// of them there were.
func Sweep(in string) (n int, err error) {
	entries, err := os.ReadDir(in)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if !lockName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		lock := flock.New(filepath.Join(in, e.Name()))
		held, lockErr := lock.TryLock()
		if !held { // a living process writes there, or it is not ours to judge
			err = errors.Join(err, lockErr)
			continue
		}
		n++
		err = errors.Join(err, remove(lock))
	}
	if err != nil {
		err = fmt.Errorf("what an earlier run left in %s: %w", in, err)
	}
	return n, err
}

// remove takes the lock's file away last: without it nobody would look for the
// folder. Some systems remove no file that is open.
func remove(lock *flock.Flock) error {
	err := os.RemoveAll(lock.Path() + suffix)
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	gone := os.Remove(lock.Path())
	err = lock.Close()
	if gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		gone = os.Remove(lock.Path())
	}
	if errors.Is(gone, fs.ErrNotExist) {
		gone = nil
	}
	return errors.Join(err, gone)
}
