package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// LinkLife is how long a link to log in waits to be used.
const LinkLife = 15 * time.Minute

// Links makes the links by which the account of this machine logs in where no
// provider is configured. Whoever can make one can read the store as well.
type Links struct {
	DB  *opsdb.DB
	Now func() time.Time
}

// New makes a link's secret for an account of the operating system, user@host,
// and the person that it acts as, if one is named already.
func (l *Links) New(ctx context.Context, userAtHost, person string) (string, error) {
	secret := newSecret()
	_, err := l.DB.ExecContext(ctx, l.DB.Rebind("INSERT INTO access_links (sum, account, person, expires_at) VALUES (?,?,?,?)"),
		sumOf(secret), LocalAccount(userAtHost), person, millis(l.Now().Add(LinkLife)))
	if err != nil {
		return "", fmt.Errorf("access: link: %w", err)
	}
	return secret, nil
}

// use takes a link: it works once. The error is ErrUnauthenticated if it does
// not work.
func (l *Links) use(ctx context.Context, secret string) (account, person string, err error) {
	if !isSecret(secret) {
		return "", "", ErrUnauthenticated
	}
	var expires int64
	err = l.DB.QueryRowContext(ctx, l.DB.Rebind("DELETE FROM access_links WHERE sum = ? RETURNING account, person, expires_at"), sumOf(secret)).
		Scan(&account, &person, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", "", ErrUnauthenticated
	case err != nil:
		return "", "", fmt.Errorf("access: link: %w", err)
	}
	if wait := fromMillis(expires).Sub(l.Now()); wait <= 0 || wait > LinkLife+skew {
		return "", "", ErrUnauthenticated
	}
	return account, person, nil
}
