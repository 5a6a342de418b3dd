package access_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
)

var pg *pgtest.Server

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" || flag.Lookup("test.fuzzworker").Value.String() == "true" {
		os.Exit(m.Run()) // what is fuzzed needs no database
	}
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { pg = s }))
}

// bench is tables with a ledger that is remembered.
type bench struct {
	t      *testing.T
	db     *opsdb.DB
	tokens *access.Tokens

	mu      sync.Mutex
	now     time.Time
	entries []store.NewEntry
	refuses error
}

const registerText = `
organization: {id: o, name: O}
people:
- {id: marek, name: Marek, email: marek@example.com, roles: [{role: ai_officer, since: 2020-01-01T00:00:00Z}]}
- {id: ines, name: Ines, email: ines@example.com, roles: [{role: ai_officer, since: 2020-01-01T00:00:00Z}]}
- {id: lena, name: Lena, active: false}
`

func testRegister(t *testing.T) *register.Register {
	t.Helper()
	reg, err := register.Parse("register.yaml", []byte(registerText), register.Known{})
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// both runs a test on SQLite and on PostgreSQL.
func both(t *testing.T, f func(*testing.T, *bench)) {
	t.Run("sqlite", func(t *testing.T) {
		db, err := opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), opsdb.FileName))
		f(t, newBench(t, db, err))
	})
	t.Run("postgres", func(t *testing.T) {
		db, err := opsdb.OpenURL(t.Context(), pg.Database(t))
		f(t, newBench(t, db, err))
	})
}

func newBench(t *testing.T, db *opsdb.DB, err error) *bench {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := access.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, now: time.Date(2026, 11, 29, 4, 0, 0, 0, time.UTC)}
	reg := testRegister(t)
	b.tokens = &access.Tokens{DB: db, Now: b.clock, Append: b.append, Register: func() *register.Register { return reg }}
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) jump(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) append(_ context.Context, entries ...store.NewEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses != nil {
		return b.refuses
	}
	b.entries = append(b.entries, entries...)
	return nil
}

// here is somebody at a command line of this machine.
func here(person string) access.Principal {
	p := access.Principal{Account: access.LocalAccount("root@host"), Name: "root@host", Person: person, Via: access.ViaLocal}
	for _, r := range access.Roles() {
		p.Roles = append(p.Roles, r.Role)
	}
	return p
}

// loggedIn is somebody who came by a provider.
func loggedIn(subject, person string, roles ...access.Role) access.Principal {
	return access.Principal{Account: access.OIDCAccount("https://id.example", subject), Name: subject, Person: person, Via: access.ViaOIDC, Roles: roles}
}

func (b *bench) create(by access.Principal, n access.NewToken) (access.Token, string) {
	b.t.Helper()
	if n.Name == "" {
		n.Name = "x"
	}
	tok, text, err := b.tokens.Create(b.t.Context(), by, n)
	if err != nil {
		b.t.Fatal(err)
	}
	return tok, text
}

func (b *bench) as(text string) access.Principal {
	b.t.Helper()
	p, err := b.tokens.Authenticate(b.t.Context(), text)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// TestTokenLife: made, used, listed, revoked, on both systems.
func TestTokenLife(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		tok, text := b.create(here("marek"), access.NewToken{Name: "ci\x1b[31m\nx", Roles: []access.Role{access.Operator}})
		if want := b.now.Add(access.DefaultTokenLife); !tok.Expires.Equal(want) || strings.ContainsAny(tok.Name, "\x1b\n") {
			t.Errorf("%+v", tok)
		}
		p := b.as(text)
		if p.Account != "local:root@host" || p.Person != "marek" || p.Token != tok.ID || !p.May(access.ReadPayload) || p.May(access.ActFindings) || p.May(access.Ingest) || p.MayIngest("ci") {
			t.Errorf("%+v", p)
		}
		list, err := b.tokens.List(ctx)
		if err != nil || len(list) != 1 || !list[0].Used.Equal(b.now) || list[0].State(b.now) != "active" {
			t.Errorf("%+v %v", list, err)
		}
		var kept string
		if err := b.db.QueryRowContext(ctx, "SELECT sum FROM access_tokens").Scan(&kept); err != nil || strings.Contains(text, kept) || len(kept) != 64 {
			t.Errorf("%q is kept: %v", kept, err)
		}
		ended, err := b.tokens.Revoke(ctx, here("ines"), tok.ID)
		if err != nil || ended.State(b.now) != "revoked" {
			t.Errorf("%+v %v", ended, err)
		}
		if _, err := b.tokens.Authenticate(ctx, text); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("revoked: %v", err)
		}
		if len(b.entries) != 2 || b.entries[0].Type != evidence.EntryAccess || strings.Contains(string(b.entries[0].Body), text[15:]) {
			t.Errorf("%s", b.entries)
		}
		b.refuses = errors.New("no ledger")
		if _, _, err := b.tokens.Create(ctx, here("marek"), access.NewToken{Name: "x", Roles: []access.Role{access.Viewer}}); err == nil {
			t.Error("a token that the ledger does not know")
		}
		if list, err := b.tokens.List(ctx); err != nil || len(list) != 1 {
			t.Errorf("%d tokens, %v", len(list), err)
		}
	})
}

// TestTokenLimits: nobody hands on what they do not hold, nor lets a token make
// tokens.
func TestTokenLimits(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		viewer := []access.Role{access.Viewer}
		_, text := b.create(here("marek"), access.NewToken{Roles: []access.Role{access.Admin}, Scope: []access.Permission{access.Administer, access.Read}})
		for name, tt := range map[string]struct {
			by   access.Principal
			n    access.NewToken
			want string
		}{
			"a token makes one":          {b.as(text), access.NewToken{Name: "x", Roles: viewer}, "a token makes no tokens"},
			"an operator makes one":      {loggedIn("1", "ines", access.Operator), access.NewToken{Name: "x", Roles: viewer}, "permission administer"},
			"nobody makes one":           {access.Principal{}, access.NewToken{Name: "x", Roles: viewer}, "permission administer"},
			"an admin hands approval on": {loggedIn("1", "ines", access.Admin), access.NewToken{Name: "x", Roles: []access.Role{access.Approver}, Scope: []access.Permission{access.Approve}}, "may not hand on approve"},
			"who is no person acts":      {loggedIn("1", "", access.Admin), access.NewToken{Name: "x", Roles: []access.Role{access.Operator}, Scope: []access.Permission{access.Request}}, "belongs to none"},
			"beyond its role":            {here("ines"), access.NewToken{Name: "x", Roles: viewer, Scope: []access.Permission{access.Read, access.Export}}, "does not allow export"},
			"a role that is none":        {here("ines"), access.NewToken{Name: "x", Roles: []access.Role{"root"}}, "no role is called"},
			"for ever":                   {here("ines"), access.NewToken{Name: "x", Roles: viewer, Life: access.MaxTokenLife + 1}, "at most a year"},
			"before it begins":           {here("ines"), access.NewToken{Name: "x", Roles: viewer, Life: -time.Hour}, "at least a minute"},
			"nameless":                   {here("ines"), access.NewToken{Name: "\n\t ", Roles: viewer}, "needs a name"},
		} {
			_, _, err := b.tokens.Create(t.Context(), tt.by, tt.n)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.tokens.Revoke(t.Context(), loggedIn("1", "ines", access.Operator), "x"); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("an operator revokes: %v", err)
		}
	})
}

// TestSecondPerson: no two ways in make two people of one. Whoever asked, by
// whatever token, login or command, does not approve.
func TestSecondPerson(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		reg := testRegister(t)
		acts := []access.Permission{access.Read, access.Request, access.Approve}
		roles := []access.Role{access.Admin, access.Approver}
		ofMarek := loggedIn("m", "marek", access.Admin, access.Approver)
		_, one := b.create(ofMarek, access.NewToken{Roles: roles, Scope: acts})
		_, two := b.create(ofMarek, access.NewToken{Roles: roles, Scope: acts})
		_, byHand := b.create(here("ines"), access.NewToken{Roles: roles, Scope: acts})
		for name, tt := range map[string]struct {
			first, second access.Principal
			want          string // part of the refusal; empty if it is in order
		}{
			"two tokens of an admin":             {b.as(one), b.as(two), "marek began it"},
			"a token, and its maker's login":     {b.as(one), ofMarek, "marek began it"},
			"a login, and its token":             {ofMarek, b.as(one), "marek began it"},
			"one login as two people":            {ofMarek, loggedIn("m", "ines", access.Approver), "used the same account"},
			"two logins of one person":           {ofMarek, loggedIn("other", "marek", access.Approver), "marek began it"},
			"a token made by hand as another":    {b.as(byHand), here("marek"), "used the same account"},
			"the dashboard and the command line": {here("ines"), access.Principal{Account: "local:root@host", Person: "marek", Via: access.ViaLocal, Roles: roles}, "used the same account"},
			"two people":                         {ofMarek, loggedIn("i", "ines", access.Approver), ""},
		} {
			t.Run(name, func(t *testing.T) {
				first, err := tt.first.PersonOf(reg, b.clock())
				if err != nil {
					t.Fatal(err)
				}
				second, err := tt.second.PersonOf(reg, b.clock())
				if err != nil {
					t.Fatal(err)
				}
				if !tt.second.May(access.Approve) {
					t.Fatal("the role alone refuses it: this shows nothing")
				}
				err = approve(first, second, people.Policy{}, b.clock())
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("%v, want %q", err, tt.want)
				}
				if err := approve(first, second, people.Policy{SharedAccount: true}, b.clock()); name == "one login as two people" && err == nil {
					t.Error("a shared machine excuses one login for two people")
				}
			})
		}
		if _, err := (access.Principal{Account: "oidc:x#y", Roles: roles}).PersonOf(reg, b.clock()); err == nil {
			t.Error("an account of nobody acts")
		}
		gone, err := loggedIn("l", "lena", access.Approver).PersonOf(reg, b.clock())
		if err != nil || gone.Active {
			t.Errorf("%+v %v", gone, err)
		}
	})
}

// approve asks for a waiver as the first and approves it as the second.
func approve(first, second people.Person, p people.Policy, now time.Time) error {
	_, rec, err := p.Request(first, people.Waiver{Expectation: "x", Subject: evidence.Subject{Type: "ai_system", ID: "y"}, Reason: "r", CompensatingControls: "c"}, now.AddDate(0, 1, 0), nil, now)
	if err != nil {
		return errors.Join(errors.New("asking for it"), err)
	}
	// As it comes back from the store.
	w, err := people.ParseWaiver(evidence.Evidence{Payload: rec.Payload, Source: people.Source})
	if err != nil {
		return err
	}
	_, _, err = p.Approve(second, w, now)
	return err
}

// TestHandMadeTokens: where people log in at a provider, what a command line
// claims makes no token that acts as a person, and one from before acts no more.
func TestHandMadeTokens(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		n := access.NewToken{Name: "x", Roles: []access.Role{access.Operator}, Scope: []access.Permission{access.Read, access.Request}}
		_, before := b.create(here("ines"), n)
		b.tokens.LoginsProve = true
		if _, _, err := b.tokens.Create(t.Context(), here("ines"), n); err == nil || !strings.Contains(err.Error(), "a command line proves nobody") {
			t.Errorf("%v", err)
		}
		if p := b.as(before); p.May(access.Request) || !p.May(access.Read) {
			t.Errorf("%+v", p)
		}
		_, own := b.create(loggedIn("i", "ines", access.Admin), access.NewToken{Roles: n.Roles, Scope: n.Scope})
		if p := b.as(own); !p.May(access.Request) {
			t.Errorf("%+v", p)
		}
	})
}
