package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of this package up to date.
func Migrate(ctx context.Context, db *opsdb.DB) error {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("access: %w", err)
	}
	return db.Migrate(ctx, "access", fsys)
}

// letters writes secrets: lower case, no letter that is taken for another one
// by a shell, a URL or a double click.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// secretBytes is how much chance is in a secret.
const secretBytes = 32

// newSecret returns 256 random bits as text.
func newSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return letters.EncodeToString(b[:])
}

// isSecret reports whether s may have come from newSecret.
func isSecret(s string) bool {
	if len(s) != letters.EncodedLen(secretBytes) {
		return false
	}
	b, err := letters.DecodeString(s)
	return err == nil && letters.EncodeToString(b) == s
}

// sumOf is what is kept of a secret. Secrets have 256 random bits, so that a
// plain digest says nothing about them.
func sumOf(secret string) string {
	d := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(d[:])
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// list writes a list of names as JSON.
func list[T ~string](items []T) string {
	if items == nil {
		items = []T{}
	}
	b, err := json.Marshal(items)
	if err != nil { // strings always can be written
		return "[]"
	}
	return string(b)
}

func fromList[T ~string](s string) ([]T, error) {
	var out []T
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return nil, fmt.Errorf("access: a list in the operational database: %w", err)
	}
	return out, nil
}

// oneLine makes foreign text fit to be a name: printable, one line, not long.
func oneLine(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == ' ' }), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return strings.ToValidUTF8(s, "")
}
