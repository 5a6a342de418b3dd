package api

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of this package up to date.
func Migrate(ctx context.Context, db *opsdb.DB) error {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return db.Migrate(ctx, "api", fsys)
}

// answerLife is how long the answer to a push is kept. The ledger knows the key
// for ever.
const answerLife = 48 * time.Hour

// answers keeps what was answered to pushes, by key.
type answers struct {
	db  *opsdb.DB
	now func() time.Time
}

// keyID is the name of a key of an account: keys are foreign text of any length.
func keyID(account, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(account), account, key))
	return hex.EncodeToString(sum[:])
}

// get returns the answer to a key, and of which body it is.
func (a *answers) get(ctx context.Context, id string) (sum string, answer *PushedRow, err error) {
	var text string
	err = a.db.QueryRowContext(ctx, a.db.Rebind("SELECT sum, answer FROM api_pushes WHERE id = ? AND expires_at > ?"), id, a.now().Unix()).Scan(&sum, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("idempotency key: %w", err)
	}
	answer = &PushedRow{}
	if err := json.Unmarshal([]byte(text), answer); err != nil {
		return "", nil, fmt.Errorf("idempotency key: %w", err)
	}
	return sum, answer, nil
}

// put keeps the answer to a key, and forgets those that are old.
func (a *answers) put(ctx context.Context, id, sum string, answer *PushedRow) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	now := a.now()
	return a.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, a.db.Rebind("DELETE FROM api_pushes WHERE expires_at <= ? OR id = ?"), now.Unix(), id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, a.db.Rebind("INSERT INTO api_pushes (id, sum, answer, expires_at) VALUES (?, ?, ?, ?)"), id, sum, string(text), now.Add(answerLife).Unix())
		return err
	})
}
