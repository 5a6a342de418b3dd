package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// Limits slows down whoever guesses: after some failures the next attempt is
// looked at only after a while, which doubles. What is counted is in the
// operational database, so that all nodes count together.
type Limits struct {
	DB  *opsdb.DB
	Now func() time.Time
}

// limit says how many failures are free, and how long one waits at most.
type limit struct {
	free    int64
	longest time.Duration
}

// An account can be named by anybody, so that locking it for long would let
// anybody lock its owner out.
var (
	byAddress = limit{free: 10, longest: 15 * time.Minute}
	byAccount = limit{free: 20, longest: time.Minute}
)

// forgottenAfter is how long after the last failure counting begins anew.
const forgottenAfter = 15 * time.Minute

// attempt is who tries: from an address, and for an account if one is named.
type attempt struct {
	address netip.Addr
	account string
	start   bool // of a login at the provider, which is counted though nothing failed
}

func (a attempt) keys() map[string]limit {
	keys := map[string]limit{}
	switch {
	case !a.address.IsValid():
	case a.start:
		keys["login:"+network(a.address)] = loginStarts
	default:
		keys["address:"+network(a.address)] = byAddress
	}
	if a.account != "" {
		keys["account:"+a.account] = byAccount
	}
	return keys
}

// network is what counts as one address: of IPv6, what one customer has.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// check returns a LockedOut if the attempt has to wait.
func (l *Limits) check(ctx context.Context, a attempt) error {
	now := l.Now()
	for key, lim := range a.keys() {
		var until int64
		err := l.DB.QueryRowContext(ctx, l.DB.Rebind("SELECT until_at FROM access_failures WHERE who = ?"), key).Scan(&until)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("access: failed attempts: %w", err)
		}
		// A wait that is longer than any is of a clock that was set back.
		if wait := fromMillis(until).Sub(now); wait > 0 && wait <= lim.longest {
			return &LockedOut{Until: fromMillis(until)}
		}
	}
	return nil
}

// failed counts a failure.
func (l *Limits) failed(ctx context.Context, a attempt) error {
	now := l.Now()
	for key, lim := range a.keys() {
		var n int64
		err := l.DB.QueryRowContext(ctx, l.DB.Rebind(`INSERT INTO access_failures (who, failures, last_at, until_at) VALUES (?, 1, ?, 0)
			ON CONFLICT (who) DO UPDATE SET last_at = excluded.last_at,
			failures = CASE WHEN access_failures.last_at < ? THEN 1 ELSE access_failures.failures + 1 END
			RETURNING failures`), key, millis(now), millis(now.Add(-forgottenAfter))).Scan(&n)
		if err != nil {
			return fmt.Errorf("access: failed attempts: %w", err)
		}
		if n < lim.free {
			continue
		}
		wait := lim.longest
		if over := n - lim.free; over < 20 {
			wait = min(time.Second<<over, lim.longest)
		}
		if _, err := l.DB.ExecContext(ctx, l.DB.Rebind("UPDATE access_failures SET until_at = ? WHERE who = ?"), millis(now.Add(wait)), key); err != nil {
			return fmt.Errorf("access: failed attempts: %w", err)
		}
	}
	return nil
}

// Sweep removes what has ended: sessions, logins that nobody finished, links
// that nobody used, failures of yesterday. Tokens stay, to be listed.
func Sweep(ctx context.Context, db *opsdb.DB, now time.Time) error {
	for _, s := range []struct {
		query string
		at    time.Time
	}{
		{"DELETE FROM access_sessions WHERE expires_at < ?", now},
		{"DELETE FROM access_logins WHERE expires_at < ?", now},
		{"DELETE FROM access_links WHERE expires_at < ?", now},
		{"DELETE FROM access_failures WHERE last_at < ?", now.Add(-24 * time.Hour)},
	} {
		if _, err := db.ExecContext(ctx, db.Rebind(s.query), millis(s.at)); err != nil {
			return fmt.Errorf("access: sweeping: %w", err)
		}
	}
	return nil
}
