package configfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// maxSecret is the size above which a file is not taken for a secret.
const maxSecret = 64 << 10

// Secret says where a secret is kept. It does not hold the secret, and prints
// as [secret].
type Secret struct {
	env  string
	file string // absolute
}

const hidden = "[secret]"

// String is always the same.
func (Secret) String() string { return hidden }

// GoString is always the same.
func (Secret) GoString() string { return hidden }

// MarshalText is always the same.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Place says for a person where the secret is kept.
func (s Secret) Place() string {
	if s.env != "" {
		return "environment variable " + s.env
	}
	return "file " + s.file
}

// ErrSecret: a secret is not where the configuration says, or is kept
// carelessly. The error's text says what to do.
var ErrSecret = errors.New("secret not available")

// Resolve reads the secret. A file must be readable by its owner, or its
// group, only; a line break at its end does not count.
func (s Secret) Resolve() (string, error) {
	if s.env != "" {
		v, ok := os.LookupEnv(s.env)
		if !ok || strings.TrimSpace(v) == "" {
			return "", fmt.Errorf("%w: environment variable %s is not set; set it for the process that runs exhibit", ErrSecret, s.env)
		}
		return v, nil
	}
	f, err := os.Open(s.file)
	if err != nil {
		return "", fmt.Errorf("%w: open %s: %w", ErrSecret, s.file, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSecret, err)
	}
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: %s is not a file", ErrSecret, s.file)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0:
		return "", fmt.Errorf("%w: %s is open to every user of this machine (mode %04o); run chmod 600 %s, and replace the secret if others may have read it",
			ErrSecret, s.file, info.Mode().Perm(), s.file)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("%w: read %s: %w", ErrSecret, s.file, errors.Unwrap(err))
	}
	v := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxSecret:
		return "", fmt.Errorf("%w: %s is larger than %d bytes", ErrSecret, s.file, maxSecret)
	case strings.TrimSpace(v) == "":
		return "", fmt.Errorf("%w: %s is empty", ErrSecret, s.file)
	}
	return v, nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// UnmarshalNode reads {env: NAME} or {file: path}. Messages never repeat what
// stands there: it may be a secret.
func (s *Secret) UnmarshalNode(n yamlfile.Node) {
	const hint = "write {env: NAME} or {file: path}; if this was the secret itself, replace it: it stood in a file"
	if n.Shape() != yamlfile.Mapping || n.Len() != 1 {
		n.Problemf("the place of a secret is a mapping with one key").Hint(hint)
		return
	}
	key := n.Keys()[0]
	text, ok := n.Child(key).Text()
	if !ok || (key != "env" && key != "file") {
		n.Problemf("the place of a secret is a mapping with env or file").Hint(hint)
		return
	}
	switch {
	case key == "env" && !envName.MatchString(text):
		n.Problemf("env is not the name of an environment variable").Hint(hint)
	case key == "env":
		s.env = text
	case strings.TrimSpace(text) == "" || strings.ContainsRune(text, '\n'):
		n.Problemf("file is not a path").Hint(hint)
	default:
		s.file = resolve(filepath.Dir(n.File().Name()), text)
	}
}
