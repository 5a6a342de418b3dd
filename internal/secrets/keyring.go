package secrets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zalando/go-keyring"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

func sortedNames(m map[string]configfile.Secret) []string { return slices.Sorted(maps.Keys(m)) }

// fromKeyring reads an item of the keyring of the account that runs exhibit:
// macOS Keychain, Windows Credential Manager, or the Secret Service of D-Bus.
func fromKeyring(service, account string) (string, error) { return keyring.Get(service, account) }

// readKeyring waits no longer than ctx: a keyring may be asking somebody at the
// screen for a password.
func (r *Resolver) readKeyring(ctx context.Context, ref configfile.KeyringRef) (string, error) {
	type answer struct {
		value string
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		v, err := r.keys(ref.Service, ref.Account)
		got <- answer{v, err}
	}()
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("the keyring does not answer; it may be locked: %w", ctx.Err())
	case a := <-got:
		switch {
		case errors.Is(a.err, keyring.ErrNotFound):
			return "", errors.New("the keyring has no such item")
		case errors.Is(a.err, keyring.ErrUnsupportedPlatform):
			return "", errors.New("this system has no keyring; write {file: path}")
		case a.err != nil:
			return "", fmt.Errorf("the keyring cannot be reached; a service of the system has none, write {file: path} there: %w", a.err)
		}
		return a.value, nil
	}
}
