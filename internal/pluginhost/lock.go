package pluginhost

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// LockName is the lock file's usual name, beside the connectors.
const LockName = "connectors.lock"

// lockVersion is the version of the file's form.
const lockVersion = 1

// Lockfile says which binary each connector is, by name. Its file is JSON:
//
//	{"version": 1, "connectors": {"github": {"sha256": "…"}}}
type Lockfile struct {
	Version    int               `json:"version"`
	Connectors map[string]Locked `json:"connectors"`
}

// Locked is one connector's binary.
type Locked struct {
	SHA256 evidence.Digest `json:"sha256"`
}

// Lock returns the lock of every connector in dir as it is now. Whoever
// writes it to a file says: I trust these binaries.
func Lock(dir string) (Lockfile, error) {
	l := Lockfile{Version: lockVersion, Connectors: map[string]Locked{}}
	names, err := namesIn(dir)
	if err != nil {
		return Lockfile{}, err
	}
	for _, name := range names {
		sum, err := sumFile(binaryPath(dir, name))
		if err != nil {
			return Lockfile{}, fmt.Errorf("lock connector %s: %w", name, err)
		}
		l.Connectors[name] = Locked{SHA256: sum}
	}
	return l, nil
}

// ReadLock reads a lock file. Without one the error is fs.ErrNotExist.
func ReadLock(path string) (Lockfile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Lockfile{}, fmt.Errorf("read lock file: %w", err)
	}
	var l Lockfile
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Lockfile{}, fmt.Errorf("lock file %s: %w", path, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Lockfile{}, fmt.Errorf("lock file %s: more after the end", path)
	}
	if l.Version != lockVersion {
		return Lockfile{}, fmt.Errorf("lock file %s: version %d, want %d: write it again with `exhibit connectors lock`",
			path, l.Version, lockVersion)
	}
	for name, locked := range l.Connectors {
		if !wire.ValidName(name) || locked.SHA256.IsZero() {
			return Lockfile{}, fmt.Errorf("lock file %s: connector %s: want a name and its sha256", path, wire.Quote(name))
		}
	}
	return l, nil
}

// Write replaces the file at path, whole or not at all.
func (l Lockfile) Write(path string) error {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".connectors.lock-*")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	defer os.Remove(tmp.Name()) // nothing there once it was renamed
	_, err = tmp.Write(append(raw, '\n'))
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write lock file %s: %w", path, err)
	}
	return nil
}

// Verify checks that each locked connector in dir is still the locked binary
// and returns every difference.
func (l Lockfile) Verify(dir string) error {
	var errs []error
	names := make([]string, 0, len(l.Connectors))
	for name := range l.Connectors {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sum, err := sumFile(binaryPath(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, fail(name, ErrNotInstalled, "locked, but not in "+dir))
		case err != nil:
			errs = append(errs, fmt.Errorf("connector %s: %w", name, err))
		case sum != l.Connectors[name].SHA256:
			errs = append(errs, checksumError(name, l.Connectors[name].SHA256, sum))
		}
	}
	return errors.Join(errs...)
}

func checksumError(name string, want, got evidence.Digest) error {
	return fail(name, ErrChecksum, fmt.Sprintf("locked as sha256 %s, is %s", want, got))
}

func fail(name string, class error, detail string) *Error {
	return &Error{Connector: name, Class: class, Detail: detail, Hint: hint(class, name)}
}

// binaryPrefix begins the file name of every connector.
const binaryPrefix = "exhibit-connector-"

// binaryPath returns where the connector would be. The name must be valid.
func binaryPath(dir, name string) string {
	return filepath.Join(dir, binaryPrefix+name+exeSuffix)
}

// namesIn lists the connectors in dir, sorted.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list connectors: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Name(), binaryPrefix)
		name, suffixed := strings.CutSuffix(name, exeSuffix)
		if !ok || !suffixed || !wire.ValidName(name) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, entry.Name()))
		if err == nil && info.Mode().IsRegular() && executable(info) {
			names = append(names, name)
		}
	}
	return names, nil
}

func sumFile(path string) (evidence.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return evidence.Digest{}, err
	}
	defer f.Close()
	return sumOpen(f)
}

func sumOpen(f io.Reader) (evidence.Digest, error) {
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, struct{ io.Reader }{f}, make([]byte, 128<<10)); err != nil { // a file by itself takes less at a time
		return evidence.Digest{}, err
	}
	return evidence.Digest(hash.Sum(nil)), nil
}
