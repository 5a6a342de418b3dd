package ledger

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key signs checkpoints. It never prints its secret.
type Key struct {
	signer note.Signer
	public string
}

// Signer is what a store signs checkpoints with.
func (k *Key) Signer() note.Signer { return k.signer }

// Public is the verifier key, one line without newline, for exhibit.pub.
func (k *Key) Public() string { return k.public }

// Origin is the name of the log that this key signs.
func (k *Key) Origin() string { return k.signer.Name() }

// String names the key by its public half.
func (k *Key) String() string { return k.public }

// GoString keeps %#v from printing the secret.
func (k *Key) GoString() string { return "ledger.Key(" + k.public + ")" }

// GenerateKey makes a new key, named exhibit/ and eight random bytes.
func GenerateKey() (*Key, error) {
	secret, err := newSecret()
	if err != nil {
		return nil, err
	}
	return parseKey(secret)
}

// GenerateNext makes a key of the same name, to follow k.
func GenerateNext(k *Key) (*Key, error) {
	secret, _, err := note.GenerateKey(rand.Reader, k.Origin())
	if err != nil {
		return nil, err
	}
	return parseKey(secret)
}

// CreateNext makes a key that can follow k in a new file at path.
func CreateNext(path string, k *Key) (*Key, error) {
	secret, _, err := note.GenerateKey(rand.Reader, k.Origin())
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, []byte(secret+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("create signing key: %w", err)
	}
	return LoadKey(path)
}

func newSecret() (string, error) {
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	secret, _, err := note.GenerateKey(rand.Reader, "exhibit/"+hex.EncodeToString(id))
	return secret, err
}

// LoadOrCreateKey reads the signing key at path, or makes one there if nothing
// is: mode 0600, complete or not at all, and never over another one.
func LoadOrCreateKey(path string) (*Key, error) {
	k, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	secret, err := newSecret()
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, []byte(secret+"\n"), 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create signing key: %w", err)
	}
	return LoadKey(path) // the one that is there now, ours or a faster process's
}

// LoadKey reads the signing key at path. A file that others than its owner and
// its group may read, or others than its owner may change, is refused.
func LoadKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0 {
		return nil, fmt.Errorf("signing key %s: mode %04o lets others read it; chmod 600 it, or replace it if somebody did",
			path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	k, err := parseKey(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	return k, nil
}

func parseKey(secret string) (*Key, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("not a signing key; restore it from a backup")
	}
	public, err := publicOf(secret)
	if err != nil {
		return nil, err
	}
	return &Key{signer: signer, public: public}, nil
}

// ParseVerifier reads a verifier key as exhibit.pub holds it.
func ParseVerifier(text string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("not a verifier key; want one line of the form name+hash+key, as in exhibit.pub")
	}
	return v, nil
}

// LoadVerifier reads a verifier key from a file.
func LoadVerifier(path string) (note.Verifier, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	v, err := ParseVerifier(string(b))
	if err != nil {
		return nil, fmt.Errorf("verifier key %s: %w", path, err)
	}
	return v, nil
}

// writeNew makes a file that is complete as soon as it exists, and fails with
// fs.ErrExist if there is one.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
