package access_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/register"
)

// gate is a node: it shares its tables with the others of the bench.
func (b *bench) gate() *access.Gate {
	reg := testRegister(b.t)
	sessions := &access.Sessions{DB: b.db, Now: b.clock, Register: func() *register.Register { return reg }, Tokens: b.tokens, Local: true,
		Grants: func() access.Grants {
			return access.Grants{Roles: map[access.Role]access.Grant{access.Viewer: {Everyone: true}}}
		}}
	return &access.Gate{Tokens: b.tokens, Sessions: sessions, Links: &access.Links{DB: b.db, Now: b.clock}, Limits: &access.Limits{DB: b.db, Now: b.clock},
		Logger: slog.New(slog.DiscardHandler), Address: func(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() }}
}

// ask sends a token to the API of a node, from an address.
func ask(t *testing.T, g *access.Gate, from, token string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/x", nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4000).String()
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	g.API(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })).ServeHTTP(w, r)
	return w.Code
}

// TestNodesCountTogether: whoever guesses at one node waits at the other; one
// customer's IPv6 addresses are one; a token that is guessed at from many
// addresses waits, and not for long.
func TestNodesCountTogether(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		one, other := b.gate(), b.gate()
		tok, text := b.create(here("marek"), access.NewToken{Roles: []access.Role{access.Viewer}})
		wrong := "exb_aaaaaaaaaa_" + strings.Repeat("a", 52)
		for i := range 10 {
			g := []*access.Gate{one, other}[i%2]
			if got := ask(t, g, fmt.Sprintf("2001:db8::%x", i+1), wrong); got != http.StatusUnauthorized {
				t.Fatalf("attempt %d: %d", i, got)
			}
		}
		for _, g := range []*access.Gate{one, other} {
			if got := ask(t, g, "2001:db8::ffff", text); got != http.StatusTooManyRequests {
				t.Errorf("the same network: %d", got)
			}
			if got := ask(t, g, "2001:db8:0:1::1", text); got != http.StatusOK {
				t.Errorf("another network: %d", got)
			}
		}
		guess := "exb_" + tok.ID + "_" + strings.Repeat("a", 52)
		for i := range 20 {
			ask(t, one, fmt.Sprintf("192.0.2.%d", i+1), guess)
		}
		if got := ask(t, other, "198.51.100.1", text); got != http.StatusTooManyRequests {
			t.Errorf("its owner: %d", got)
		}
		b.jump(time.Minute)
		if got := ask(t, other, "198.51.100.1", text); got != http.StatusOK {
			t.Errorf("its owner, a minute later: %d", got)
		}
	})
}

// TestSideBySide: failures that come at once are all counted; a link that two
// open at once lets one in.
func TestSideBySide(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		g := b.gate()
		wrong := "exb_aaaaaaaaaa_" + strings.Repeat("a", 52)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { ask(t, g, "192.0.2.1", wrong) })
		}
		wg.Wait()
		if got := ask(t, g, "192.0.2.1", wrong); got != http.StatusTooManyRequests {
			t.Errorf("%d", got)
		}
		b.jump(time.Minute) // the address has to wait no more
		secret, err := g.Links.New(t.Context(), "root@host", "")
		if err != nil {
			t.Fatal(err)
		}
		in := make(chan string, 8)
		for range 8 {
			wg.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/login", nil)
				if s, err := g.ByLink(httptest.NewRecorder(), r, secret); err == nil {
					in <- s.ID
				}
			})
		}
		wg.Wait()
		if len(in) != 1 {
			t.Errorf("one link let %d in", len(in))
		}
	})
}

// TestSessionsAreListedAndEnded: what is kept is a digest, what ended is swept,
// what an account holds ends together.
func TestSessionsAreListedAndEnded(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		ctx, s := t.Context(), b.gate().Sessions
		account := access.OIDCAccount("https://id.example", "7")
		var cookies []string
		for range 3 {
			_, cookie, err := s.Start(ctx, access.Session{Account: account, Name: "Marek\x1b[31m", Via: access.ViaOIDC, Groups: []string{"a"}}, "")
			if err != nil {
				t.Fatal(err)
			}
			cookies = append(cookies, cookie)
		}
		list, err := s.List(ctx)
		if err != nil || len(list) != 3 || strings.Contains(list[0].Name, "\x1b") || list[0].Groups[0] != "a" {
			t.Fatalf("%+v %v", list, err)
		}
		var n int
		if err := b.db.QueryRowContext(ctx, b.db.Rebind("SELECT COUNT(*) FROM access_sessions WHERE sum = ?"), cookies[0]).Scan(&n); err != nil || n != 0 {
			t.Errorf("a cookie is kept as it is: %v", err)
		}
		if err := s.EndID(ctx, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := s.EndID(ctx, list[0].ID); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("%v", err)
		}
		if list, err = s.List(ctx); err != nil || len(list) != 2 {
			t.Fatalf("%+v %v", list, err)
		}
		if err := s.EndAccount(ctx, account); err != nil {
			t.Fatal(err)
		}
		for _, cookie := range cookies {
			if _, _, err := s.Get(ctx, cookie); !errors.Is(err, access.ErrUnauthenticated) {
				t.Errorf("%v", err)
			}
		}
		if _, _, err := s.Start(ctx, access.Session{Account: account, Via: access.ViaOIDC}, ""); err != nil {
			t.Fatal(err)
		}
		b.jump(48 * time.Hour)
		if err := access.Sweep(context.WithoutCancel(ctx), b.db, b.clock()); err != nil {
			t.Fatal(err)
		}
		if err := b.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM access_sessions").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d sessions are kept after their end: %v", n, err)
		}
	})
}
