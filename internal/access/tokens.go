package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// How long API tokens last.
const (
	DefaultTokenLife = 90 * 24 * time.Hour
	MaxTokenLife     = 365 * 24 * time.Hour
)

// skew is how far clocks of nodes and providers may be apart.
const skew = 2 * time.Minute

// usedEvery is how often the last use of a token or session is written down.
const usedEvery = time.Minute

// Token is an API token, without its secret, which is shown once and not kept.
type Token struct {
	ID      string
	Name    string
	Account string // of whoever made it; the token acts under it
	Person  string // likewise
	Roles   []Role
	Scope   []Permission
	Sources []string // that it may push records to
	Created time.Time
	Expires time.Time
	Used    time.Time // zero: never; exact to a minute

	Revoked   time.Time
	RevokedBy string
}

// State says in a word how a token stands at an instant.
func (t Token) State(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// NewToken is what a token is to be.
type NewToken struct {
	Name    string
	Roles   []Role
	Scope   []Permission // empty: what the roles allow, but for acts of people, pushing records and administration
	Sources []string     // for Ingest
	Life    time.Duration
}

// Tokens keeps the API tokens.
type Tokens struct {
	DB  *opsdb.DB
	Now func() time.Time
	// Append puts the making and the revoking of a token in the ledger.
	Append AppendFunc
	// Register is the register of now, nil if there is none. A token ends with
	// its person.
	Register func() *register.Register
	// LoginsProve says that people log in at a provider. Then a token that acts
	// as a person is made by that person's login: what somebody claims by --as on
	// a command line makes none.
	LoginsProve bool
}

// Create makes a token for by and returns its text, which nobody can be told again.
func (t *Tokens) Create(ctx context.Context, by Principal, n NewToken) (Token, string, error) {
	now := t.Now()
	tok, err := t.plan(by, n, now)
	if err != nil {
		return Token{}, "", err
	}
	id, text := newToken()
	tok.ID = id
	// The ledger comes first: a token that it does not know must not be.
	if err := t.Append(ctx, tokenEntry(eventTokenCreated, tok, by, now)); err != nil {
		return Token{}, "", fmt.Errorf("access: putting the token on record: %w", err)
	}
	_, err = t.DB.ExecContext(ctx, t.DB.Rebind(`INSERT INTO access_tokens
		(id, sum, name, account, person, roles, scope, sources, created_at, expires_at) VALUES (?,?,?,?,?,?,?,?,?,?)`),
		tok.ID, sumOf(text), tok.Name, tok.Account, tok.Person, list(tok.Roles), list(tok.Scope), list(tok.Sources),
		millis(tok.Created), millis(tok.Expires))
	if err != nil {
		return Token{}, "", fmt.Errorf("access: keeping the token: %w", err)
	}
	return tok, text, nil
}

// plan checks what is asked for and fills in what is left out.
func (t *Tokens) plan(by Principal, n NewToken, now time.Time) (Token, error) {
	switch {
	case by.Via == ViaToken:
		return Token{}, refuse("log in, or use the command line", "a token makes no tokens")
	case !by.May(Administer):
		return Token{}, &Denied{Needs: Administer}
	}
	name := oneLine(n.Name, 80)
	if name == "" {
		return Token{}, refuse("say what it is for, for example ci", "a token needs a name")
	}
	if len(n.Roles) == 0 {
		return Token{}, refuse("name one, such as viewer", "a token needs a role")
	}
	life := n.Life
	if life == 0 {
		life = DefaultTokenLife
	}
	if life < time.Minute || life > MaxTokenLife {
		return Token{}, refuse("choose at most 365d; 90d is the default", "a token lasts at least a minute and at most a year")
	}
	scope, err := t.scope(by, n)
	if err != nil {
		return Token{}, err
	}
	now = now.UTC().Truncate(time.Millisecond)
	return Token{Name: name, Account: by.Account, Person: by.Person, Roles: slices.Clone(n.Roles), Scope: scope,
		Sources: slices.Clone(n.Sources), Created: now, Expires: now.Add(life)}, nil
}

func (t *Tokens) scope(by Principal, n NewToken) ([]Permission, error) {
	for _, r := range n.Roles {
		if _, err := ParseRole(string(r)); err != nil {
			return nil, refuse("exhibit access roles lists them", "%s", err)
		}
	}
	allowed := AllowedBy(n.Roles...)
	scope := slices.Clone(n.Scope)
	if len(scope) == 0 {
		for _, p := range allowed {
			if by.May(p) && !p.IsActOfPerson() && p != Administer && (p != Ingest || len(n.Sources) > 0) {
				scope = append(scope, p)
			}
		}
	}
	for _, p := range scope {
		switch {
		case !slices.Contains(allowed, p):
			return nil, refuse("exhibit access roles shows what each allows", "%s does not allow %s", joined(n.Roles), p)
		case !by.May(p):
			return nil, refuse("somebody who holds it has to make the token", "%s may not hand on %s, which it does not hold", by.label(), p)
		case p.IsActOfPerson() && by.Person == "":
			return nil, refuse(by.remedy(), "a token that may %s acts as a person, and %s belongs to none", p, by.label())
		case p.IsActOfPerson() && t.LoginsProve && by.Via == ViaLocal:
			return nil, refuse("the person makes it after logging in; leave "+string(p)+" out of --scope otherwise",
				"a token that may %s acts as a person, and people log in here: a command line proves nobody", p)
		case p == Ingest && len(n.Sources) == 0:
			return nil, refuse("name the sources it may push to", "a token that may ingest is for named sources")
		}
	}
	if len(n.Sources) > 0 && !slices.Contains(scope, Ingest) {
		return nil, refuse("add ingest to the scope, or leave the sources out", "sources have no meaning for a token that may not ingest")
	}
	return scope, nil
}

func joined[T ~string](items []T) string {
	s := make([]string, len(items))
	for i, item := range items {
		s[i] = string(item)
	}
	return strings.Join(s, ", ")
}

// Revoke ends a token at once.
func (t *Tokens) Revoke(ctx context.Context, by Principal, id string) (Token, error) {
	if !by.May(Administer) {
		return Token{}, &Denied{Needs: Administer}
	}
	now := t.Now()
	tok, err := t.Token(ctx, id)
	if err != nil {
		return Token{}, err
	}
	if !tok.Revoked.IsZero() {
		return tok, refuse("nothing is left to do", "token %s was revoked on %s", id, tok.Revoked.Format(time.DateOnly))
	}
	tok.Revoked, tok.RevokedBy = now.UTC().Truncate(time.Millisecond), by.Account
	// It ends first: should the entry fail, it is asked for again.
	if _, err := t.DB.ExecContext(ctx, t.DB.Rebind("DELETE FROM access_sessions WHERE token = ?"), id); err != nil {
		return Token{}, fmt.Errorf("access: ending the token's sessions: %w", err)
	}
	if err := t.Append(ctx, tokenEntry(eventTokenRevoked, tok, by, now)); err != nil {
		return Token{}, fmt.Errorf("access: putting the revocation on record: %w", err)
	}
	_, err = t.DB.ExecContext(ctx, t.DB.Rebind("UPDATE access_tokens SET revoked_at = ?, revoked_by = ? WHERE id = ?"),
		millis(now), by.Account, id)
	if err != nil {
		return Token{}, fmt.Errorf("access: revoking the token: %w", err)
	}
	return tok, nil
}

// ErrNoToken: there is no token with this id.
var ErrNoToken = errors.New("no such token")

const tokenColumns = "id, name, account, person, roles, scope, sources, created_at, expires_at, used_at, revoked_at, revoked_by, sum"

// Token returns a token by its id, or ErrNoToken.
func (t *Tokens) Token(ctx context.Context, id string) (Token, error) {
	tok, _, err := t.row(ctx, id)
	return tok, err
}

func (t *Tokens) row(ctx context.Context, id string) (Token, string, error) {
	tok, sum, err := scanToken(t.DB.QueryRowContext(ctx, t.DB.Rebind("SELECT "+tokenColumns+" FROM access_tokens WHERE id = ?"), id))
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, "", fmt.Errorf("%.40q: %w", id, ErrNoToken)
	}
	return tok, sum, err
}

// List returns all tokens, the newest first; those that ended too.
func (t *Tokens) List(ctx context.Context) ([]Token, error) {
	rows, err := t.DB.QueryContext(ctx, "SELECT "+tokenColumns+" FROM access_tokens ORDER BY created_at DESC, id")
	if err != nil {
		return nil, fmt.Errorf("access: tokens: %w", err)
	}
	defer rows.Close()
	var out []Token
	for rows.Next() {
		tok, _, err := scanToken(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, tok)
	}
	return out, rows.Err()
}

func scanToken(row interface{ Scan(...any) error }) (Token, string, error) {
	var tok Token
	var roles, scope, sources, sum string
	var created, expires, used, revoked int64
	err := row.Scan(&tok.ID, &tok.Name, &tok.Account, &tok.Person, &roles, &scope, &sources, &created, &expires, &used, &revoked, &tok.RevokedBy, &sum)
	if err != nil {
		return tok, "", fmt.Errorf("access: token: %w", err)
	}
	tok.Created, tok.Expires, tok.Used, tok.Revoked = fromMillis(created), fromMillis(expires), fromMillis(used), fromMillis(revoked)
	var errs [3]error
	tok.Roles, errs[0] = fromList[Role](roles)
	tok.Scope, errs[1] = fromList[Permission](scope)
	tok.Sources, errs[2] = fromList[string](sources)
	return tok, sum, errors.Join(errs[:]...)
}

// Any reports whether a token is active.
func (t *Tokens) Any(ctx context.Context) (bool, error) {
	var n int
	err := t.DB.QueryRowContext(ctx, t.DB.Rebind("SELECT COUNT(*) FROM access_tokens WHERE revoked_at = 0 AND expires_at > ?"), millis(t.Now())).Scan(&n)
	return n > 0, err
}

// Authenticate returns who acts with the text of a token, or ErrUnauthenticated.
func (t *Tokens) Authenticate(ctx context.Context, text string) (Principal, error) {
	id, err := ParseToken(text)
	if err != nil {
		return Principal{}, ErrUnauthenticated
	}
	tok, sum, err := t.row(ctx, id)
	if errors.Is(err, ErrNoToken) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, err
	}
	if subtle.ConstantTimeCompare([]byte(sum), []byte(sumOf(text))) != 1 {
		return Principal{}, ErrUnauthenticated
	}
	return t.principal(ctx, tok)
}

// principal is who acts with a token that is known, if it still holds.
func (t *Tokens) principal(ctx context.Context, tok Token) (Principal, error) {
	now := t.Now()
	switch {
	case !tok.Revoked.IsZero():
		return Principal{}, fmt.Errorf("%w: the token was revoked", ErrUnauthenticated)
	case !now.Before(tok.Expires):
		return Principal{}, errors.Join(fmt.Errorf("%w: the token has expired", ErrUnauthenticated), t.bury(ctx, tok))
	case now.Add(skew).Before(tok.Created):
		return Principal{}, fmt.Errorf("%w: by this machine's clock the token was not made yet", ErrUnauthenticated)
	case !stillThere(t.Register, tok.Person):
		return Principal{}, fmt.Errorf("%w: %s, who made the token, is not active", ErrUnauthenticated, tok.Person)
	}
	if now.Sub(tok.Used) > usedEvery {
		_, err := t.DB.ExecContext(ctx, t.DB.Rebind("UPDATE access_tokens SET used_at = ? WHERE id = ? AND used_at < ?"), millis(now), tok.ID, millis(now))
		if err != nil {
			return Principal{}, fmt.Errorf("access: use of the token: %w", err)
		}
	}
	p := Principal{Account: tok.Account, Name: tok.Name, Person: tok.Person, Roles: tok.Roles, Via: ViaToken,
		Token: tok.ID, Scope: tok.Scope, Sources: tok.Sources, Expires: tok.Expires}
	if t.LoginsProve && strings.HasPrefix(tok.Account, localPrefix) {
		p.Scope = slices.DeleteFunc(slices.Clone(tok.Scope), Permission.IsActOfPerson)
	}
	return p, nil
}

// bury ends a token that was seen to have expired, so that a clock that is set
// back does not wake it.
func (t *Tokens) bury(ctx context.Context, tok Token) error {
	_, err := t.DB.ExecContext(ctx, t.DB.Rebind("UPDATE access_tokens SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at = 0"),
		millis(tok.Expires), "expired", tok.ID)
	return err
}

// stillThere reports whether a person may still act: nobody is named, or the
// register knows the person as active.
func stillThere(reg func() *register.Register, person string) bool {
	if person == "" {
		return true
	}
	r := reg()
	if r == nil {
		return false
	}
	p, ok := r.Person(person)
	return ok && p.IsActive()
}

func refuse(remedy, format string, args ...any) error {
	return &people.Refusal{Why: fmt.Sprintf(format, args...), Remedy: remedy}
}
