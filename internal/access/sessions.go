package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// How long sessions last where the configuration says nothing.
const (
	DefaultSessionAge  = 12 * time.Hour
	DefaultSessionIdle = time.Hour
)

// Session is a login of a browser. Its cookie's value is kept as a digest only.
type Session struct {
	ID      string // to be listed and ended by
	Account string
	Name    string
	Via     Via
	Person  string // of a local session: who was chosen
	Email   string // that the provider vouches for
	Groups  []string
	Token   string // id of the API token that it was begun with
	IDToken string // for logging out at the provider
	CSRF    string
	Created time.Time
	Seen    time.Time // exact to a minute
	Expires time.Time
}

// Sessions keeps the logins. What they may do is looked up at each request: a
// person who left, a token that was revoked, a group that the configuration no
// longer names ends at once.
type Sessions struct {
	DB       *opsdb.DB
	Now      func() time.Time
	Age      time.Duration // since login; 0: DefaultSessionAge
	Idle     time.Duration // since the last request; 0: DefaultSessionIdle
	Register func() *register.Register
	Grants   func() Grants
	Tokens   *Tokens
	Local    bool // sessions of this machine's account are accepted
}

func (s *Sessions) age() time.Duration {
	if s.Age > 0 {
		return s.Age
	}
	return DefaultSessionAge
}

func (s *Sessions) idle() time.Duration {
	if s.Idle > 0 {
		return s.Idle
	}
	return DefaultSessionIdle
}

// Start begins a session and returns its cookie's value. The session of the
// cookie that the browser sent before, if any, ends: nothing that was known
// before a login is worth anything after it.
func (s *Sessions) Start(ctx context.Context, in Session, before string) (Session, string, error) {
	if before != "" {
		if err := s.End(ctx, before); err != nil {
			return Session{}, "", err
		}
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	secret := newSecret()
	in.ID, in.CSRF = newSecret()[:tokenID], newSecret()
	in.Created, in.Seen, in.Expires = now, now, now.Add(s.age())
	in.Name = oneLine(in.Name, 120)
	_, err := s.DB.ExecContext(ctx, s.DB.Rebind(`INSERT INTO access_sessions
		(sum, id, account, name, via, person, email, grps, token, id_token, csrf, created_at, seen_at, expires_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`),
		sumOf(secret), in.ID, in.Account, in.Name, string(in.Via), in.Person, in.Email, list(in.Groups), in.Token, in.IDToken, in.CSRF,
		millis(in.Created), millis(in.Seen), millis(in.Expires))
	if err != nil {
		return Session{}, "", fmt.Errorf("access: session: %w", err)
	}
	return in, secret, nil
}

const sessionColumns = "id, account, name, via, person, email, grps, token, id_token, csrf, created_at, seen_at, expires_at"

// Get returns the session of a cookie and who acts in it, or ErrUnauthenticated.
func (s *Sessions) Get(ctx context.Context, cookie string) (Session, Principal, error) {
	sum := sumOf(cookie)
	in, err := s.row(ctx, cookie)
	if err != nil {
		return Session{}, Principal{}, err
	}
	p, err := s.principal(ctx, in)
	if err != nil {
		if errors.Is(err, ErrUnauthenticated) {
			err = errors.Join(err, s.End(ctx, cookie))
		}
		return Session{}, Principal{}, err
	}
	if now := s.Now(); now.Sub(in.Seen) > min(usedEvery, s.idle()/4) {
		_, err := s.DB.ExecContext(ctx, s.DB.Rebind("UPDATE access_sessions SET seen_at = ? WHERE sum = ? AND seen_at < ?"), millis(now), sum, millis(now))
		if err != nil {
			return Session{}, Principal{}, fmt.Errorf("access: session: %w", err)
		}
	}
	return in, p, nil
}

// look is Get for somebody who only waits: it renews nothing.
func (s *Sessions) look(ctx context.Context, cookie string) (Principal, error) {
	in, err := s.row(ctx, cookie)
	if err != nil {
		return Principal{}, err
	}
	return s.principal(ctx, in)
}

func (s *Sessions) row(ctx context.Context, cookie string) (Session, error) {
	if !isSecret(cookie) {
		return Session{}, ErrUnauthenticated
	}
	in, err := scanSession(s.DB.QueryRowContext(ctx, s.DB.Rebind("SELECT "+sessionColumns+" FROM access_sessions WHERE sum = ?"), sumOf(cookie)))
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, ErrUnauthenticated
	}
	return in, err
}

func scanSession(row interface{ Scan(...any) error }) (Session, error) {
	var s Session
	var groups string
	var created, seen, expires int64
	err := row.Scan(&s.ID, &s.Account, &s.Name, &s.Via, &s.Person, &s.Email, &groups, &s.Token, &s.IDToken, &s.CSRF, &created, &seen, &expires)
	if err != nil {
		return s, fmt.Errorf("access: session: %w", err)
	}
	s.Created, s.Seen, s.Expires = fromMillis(created), fromMillis(seen), fromMillis(expires)
	s.Groups, err = fromList[string](groups)
	return s, err
}

// principal is who acts in a session now, if it still holds.
func (s *Sessions) principal(ctx context.Context, in Session) (Principal, error) {
	now := s.Now()
	switch {
	case !now.Before(in.Expires), in.Expires.Sub(now) > s.age()+skew, now.Sub(in.Created) >= s.age():
		return Principal{}, fmt.Errorf("%w: the session has ended", ErrUnauthenticated)
	case now.Sub(in.Seen) >= s.idle():
		return Principal{}, fmt.Errorf("%w: the session was not used for too long", ErrUnauthenticated)
	}
	switch in.Via {
	case ViaLocal:
		if !s.Local {
			return Principal{}, fmt.Errorf("%w: people log in at the provider", ErrUnauthenticated)
		}
		return s.local(in), nil
	case ViaToken:
		tok, err := s.Tokens.Token(ctx, in.Token)
		if errors.Is(err, ErrNoToken) {
			return Principal{}, ErrUnauthenticated
		}
		if err != nil {
			return Principal{}, err
		}
		p, err := s.Tokens.principal(ctx, tok)
		if err == nil && in.Expires.Before(p.Expires) {
			p.Expires = in.Expires
		}
		return p, err
	case ViaOIDC:
		return s.login(in)
	}
	return Principal{}, ErrUnauthenticated
}

// local is the principal of this machine's account: like the command line it
// may do everything, as a person of the register that it names.
func (s *Sessions) local(in Session) Principal {
	p := Principal{Account: in.Account, Name: strings.TrimPrefix(in.Account, localPrefix), Person: in.Person, Via: ViaLocal, Expires: in.Expires}
	if !stillThere(s.Register, in.Person) {
		p.Person = ""
	}
	for _, r := range Roles() {
		p.Roles = append(p.Roles, r.Role)
	}
	return p
}

func (s *Sessions) login(in Session) (Principal, error) {
	issuer, subject, ok := subjectOf(in.Account)
	if !ok {
		return Principal{}, ErrUnauthenticated
	}
	id := Identity{Issuer: issuer, Subject: subject, Name: in.Name, Email: in.Email, Groups: in.Groups}
	p, err := Resolve(s.Grants(), id, s.Register())
	p.Expires = in.Expires
	return p, err
}

// ErrNoRole: somebody is proved, and holds no role.
var ErrNoRole = fmt.Errorf("%w: no role is given to this account", ErrUnauthenticated)

// Resolve gives the principal of an identity: its person, its roles. A person
// who has left is nobody.
func Resolve(g Grants, id Identity, reg *register.Register) (Principal, error) {
	person, err := g.PersonOf(id, reg)
	if err != nil {
		person = "" // two could be meant: then it is neither
	}
	if !stillThere(func() *register.Register { return reg }, person) {
		return Principal{}, fmt.Errorf("%w: %s is no active person of the register", ErrUnauthenticated, person)
	}
	p := Principal{Account: id.Account(), Name: id.Name, Person: person, Via: ViaOIDC, Roles: g.RolesOf(id, person)}
	if len(p.Roles) == 0 {
		return Principal{}, ErrNoRole
	}
	return p, nil
}

// End ends the session of a cookie.
func (s *Sessions) End(ctx context.Context, cookie string) error {
	return s.exec(ctx, "DELETE FROM access_sessions WHERE sum = ?", sumOf(cookie))
}

// ErrNoSession: there is no session with this id.
var ErrNoSession = errors.New("no such session")

// EndID ends the session with an id, or returns ErrNoSession.
func (s *Sessions) EndID(ctx context.Context, id string) error {
	res, err := s.DB.ExecContext(ctx, s.DB.Rebind("DELETE FROM access_sessions WHERE id = ?"), id)
	if err != nil {
		return fmt.Errorf("access: session: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("%.40q: %w", id, ErrNoSession), err)
	}
	return nil
}

// EndAccount ends all sessions of an account.
func (s *Sessions) EndAccount(ctx context.Context, account string) error {
	return s.exec(ctx, "DELETE FROM access_sessions WHERE account = ?", account)
}

// ChoosePerson sets the person that a local session acts as; empty for nobody.
func (s *Sessions) ChoosePerson(ctx context.Context, cookie, person string) error {
	if person != "" && !stillThere(s.Register, person) {
		return refuse("choose an active person of the register", "%q is no active person of the register", person)
	}
	return s.exec(ctx, "UPDATE access_sessions SET person = ? WHERE sum = ? AND via = ?", person, sumOf(cookie), string(ViaLocal))
}

func (s *Sessions) exec(ctx context.Context, query string, args ...any) error {
	if _, err := s.DB.ExecContext(ctx, s.DB.Rebind(query), args...); err != nil {
		return fmt.Errorf("access: session: %w", err)
	}
	return nil
}

// List returns the sessions that have not ended, the newest first.
func (s *Sessions) List(ctx context.Context) ([]Session, error) {
	rows, err := s.DB.QueryContext(ctx, s.DB.Rebind("SELECT "+sessionColumns+" FROM access_sessions WHERE expires_at > ? ORDER BY created_at DESC, id"), millis(s.Now()))
	if err != nil {
		return nil, fmt.Errorf("access: sessions: %w", err)
	}
	defer rows.Close()
	var out []Session
	for rows.Next() {
		in, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	out = slices.DeleteFunc(out, func(in Session) bool { return s.Now().Sub(in.Seen) >= s.idle() })
	return out, rows.Err()
}
