package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

// readTimeout is how long a place of secrets has to answer.
const readTimeout = 30 * time.Second

// Options say how places are reached.
type Options struct {
	Config configfile.Secrets
	Client *http.Client        // for Vault and AWS: proxy and authorities; nil: the environment's
	Getenv func(string) string // reads the standard variables of Vault and AWS
	Mask   *Mask               // learns of every value; nil: nobody masks
	Clock  func() time.Time
}

// Resolver reads secrets. It may be used by many at once.
type Resolver struct {
	mask  *Mask
	keys  func(service, account string) (string, error)
	vault *vault
	aws   *manager
}

// New returns a resolver. It asks nobody yet.
func New(o Options) *Resolver {
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	return &Resolver{mask: o.Mask, keys: fromKeyring, vault: newVault(o), aws: newManager(o)}
}

// Session returns what reads secrets for one run.
func (r *Resolver) Session() *Session {
	return &Session{r: r, values: map[configfile.SecretRef]string{}}
}

// Resolve reads one secret, for what is no run.
func (r *Resolver) Resolve(ctx context.Context, s configfile.Secret) (string, error) {
	return r.Session().Resolve(ctx, s)
}

// Session keeps what it read until it is dropped. It may be used by many at once.
type Session struct {
	r      *Resolver
	mu     sync.Mutex
	values map[configfile.SecretRef]string
}

// Resolve reads a secret. The error is a configfile.ErrSecret, and says where
// the secret should be and what to do.
func (s *Session) Resolve(ctx context.Context, secret configfile.Secret) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[secret.Ref()]; ok {
		return v, nil
	}
	v, err := s.r.read(ctx, secret)
	if err != nil {
		if errors.Is(err, configfile.ErrSecret) {
			return "", err
		}
		return "", fmt.Errorf("%w: %s: %w", configfile.ErrSecret, secret.Place(), err)
	}
	s.r.mask.Add(v)
	s.values[secret.Ref()] = v
	return v, nil
}

// ResolveAll reads secrets by name. The error tells of all that are not there.
func (s *Session) ResolveAll(ctx context.Context, named map[string]configfile.Secret) (map[string]string, error) {
	out := make(map[string]string, len(named))
	var problems []error
	for _, name := range sortedNames(named) {
		v, err := s.Resolve(ctx, named[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("secret %s: %w", name, err))
			continue
		}
		out[name] = v
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return out, nil
}

func (r *Resolver) read(ctx context.Context, s configfile.Secret) (string, error) {
	ref := s.Ref()
	if ref.Env != "" || ref.File != "" {
		return s.Resolve()
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var v string
	var err error
	switch {
	case ref.Keyring != configfile.KeyringRef{}:
		v, err = r.readKeyring(ctx, ref.Keyring)
	case ref.AWS != configfile.AWSRef{}:
		v, err = r.aws.read(ctx, ref.AWS)
	case ref.Vault != configfile.VaultRef{}:
		v, err = r.vault.read(ctx, ref.Vault)
	default:
		err = errors.New("nothing says where it is kept")
	}
	if err == nil && strings.TrimSpace(v) == "" {
		err = errors.New("it is empty")
	}
	return v, err
}

// errNotText: what is in a field is more than one value.
var errNotText = errors.New("it is neither text nor a number")

// scalar returns a JSON value as text.
func scalar(raw json.RawMessage) (string, error) {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", errNotText // what is wrong with it could hold it
	}
	switch x := v.(type) {
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return fmt.Sprint(x), nil
	}
	return "", errNotText
}
