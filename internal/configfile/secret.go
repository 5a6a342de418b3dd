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
type Secret struct{ ref SecretRef }

// SecretRef is the place of a secret: one of its fields says which.
type SecretRef struct {
	Env     string // name of an environment variable
	File    string // absolute path
	Keyring KeyringRef
	AWS     AWSRef
	Vault   VaultRef
}

// KeyringRef is an item of the operating system's keyring.
type KeyringRef struct{ Service, Account string }

// AWSRef is a secret of AWS Secrets Manager.
type AWSRef struct {
	Secret string // name or ARN
	Field  string // of the JSON object that the secret is; empty: all of it
	Region string // empty: that of secrets.aws, of the ARN, or of the environment
	Stage  string // empty: AWSCURRENT
}

// VaultRef is a field of a secret of HashiCorp Vault's, or OpenBao's, engine kv.
type VaultRef struct {
	Path  string // as `vault kv get` takes it: mount and path
	Field string
}

const hidden = "[secret]"

// String is always the same.
func (Secret) String() string { return hidden }

// GoString is always the same.
func (Secret) GoString() string { return hidden }

// MarshalText is always the same.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Ref returns the place, for what reads secrets.
func (s Secret) Ref() SecretRef { return s.ref }

// Place says for a person where the secret is kept.
func (s Secret) Place() string {
	r := s.ref
	switch {
	case r.Env != "":
		return "environment variable " + r.Env
	case r.File != "":
		return "file " + r.File
	case r.Keyring != KeyringRef{}:
		return "keyring " + r.Keyring.Service + ", account " + r.Keyring.Account
	case r.AWS != AWSRef{}:
		return "AWS Secrets Manager " + r.AWS.Secret + fieldOf(r.AWS.Field)
	case r.Vault != VaultRef{}:
		return "Vault " + r.Vault.Path + fieldOf(r.Vault.Field)
	}
	return "no place"
}

func fieldOf(field string) string {
	if field == "" {
		return ""
	}
	return ", field " + field
}

// ErrSecret: a secret is not where the configuration says, or is kept
// carelessly. The error's text says what to do.
var ErrSecret = errors.New("secret not available")

// Resolve reads a secret that is kept on this machine, in the environment or in
// a file. A file must be readable by its owner, or its group, only; a line break
// at its end does not count. Those that are kept elsewhere need a
// secrets.Resolver, which reads all.
func (s Secret) Resolve() (string, error) {
	switch {
	case s.ref.Env != "":
		v, ok := os.LookupEnv(s.ref.Env)
		if !ok || strings.TrimSpace(v) == "" {
			return "", fmt.Errorf("%w: environment variable %s is not set; set it for the process that runs exhibit", ErrSecret, s.ref.Env)
		}
		return v, nil
	case s.ref.File != "":
		return readSecret(s.ref.File)
	}
	return "", fmt.Errorf("%w: %s is not on this machine", ErrSecret, s.Place())
}

func readSecret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%w: open %s: %w", ErrSecret, file, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSecret, err)
	}
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: %s is not a file", ErrSecret, file)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0:
		return "", fmt.Errorf("%w: %s is open to every user of this machine (mode %04o); run chmod 600 %s, and replace the secret if others may have read it",
			ErrSecret, file, info.Mode().Perm(), file)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("%w: read %s: %w", ErrSecret, file, errors.Unwrap(err))
	}
	v := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxSecret:
		return "", fmt.Errorf("%w: %s is larger than %d bytes", ErrSecret, file, maxSecret)
	case strings.TrimSpace(v) == "":
		return "", fmt.Errorf("%w: %s is empty", ErrSecret, file)
	}
	return v, nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// UnmarshalNode reads {env: NAME}, {file: path}, {keyring: …}, {aws: …} or
// {vault: …}. Messages never repeat what stands there: it may be a secret.
func (s *Secret) UnmarshalNode(n yamlfile.Node) {
	const hint = "write {env: NAME}, {file: path}, or one of keyring, aws and vault; if this was the secret itself, replace it: it stood in a file"
	n.File().Redact(n.Path())
	if n.Shape() != yamlfile.Mapping || n.Len() != 1 {
		n.Problemf("the place of a secret is a mapping with one key").Hint(hint)
		return
	}
	key := n.Keys()[0]
	where := n.Child(key)
	switch key {
	case "keyring":
		s.ref.Keyring = keyringRef(where)
		return
	case "aws":
		s.ref.AWS = awsRef(where)
		return
	case "vault":
		s.ref.Vault = vaultRef(where)
		return
	}
	text, ok := where.Text()
	if !ok || (key != "env" && key != "file") {
		n.Problemf("the place of a secret is a mapping with env, file, keyring, aws or vault").Hint(hint)
		return
	}
	switch {
	case key == "env" && !envName.MatchString(text):
		n.Problemf("env is not the name of an environment variable").Hint(hint)
	case key == "env":
		s.ref.Env = text
	case strings.TrimSpace(text) == "" || strings.ContainsRune(text, '\n'):
		n.Problemf("file is not a path").Hint(hint)
	default:
		s.ref.File = resolve(filepath.Dir(n.File().Name()), text)
	}
}
