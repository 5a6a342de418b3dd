package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const secret = "s3cr3t-of-the-test"

func newClient(t *testing.T, h http.HandlerFunc, validators map[string]connector.Validator) *rest.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := rest.New(transport.Options{
		BaseURL: s.URL + "/api", Validators: validators,
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) },
		Retry:     transport.Retry{MaxAttempts: 2, BaseDelay: time.Millisecond, LimitDelay: time.Millisecond},
		MaxWait:   50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type item struct {
	ID string `json:"id"`
}

// Whatever is not the JSON asked for is an error with a reason, and no secret.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header string
		body   string
		want   connector.Reason
		says   string
	}{
		"html":        {200, "text/html", "<html>log in</html>", connector.Malformed, "login page"},
		"no json":     {200, "application/json", "]", connector.Malformed, "no JSON"},
		"other type":  {200, "application/json", `{"id":7}`, connector.Malformed, "field id"},
		"denied":      {403, "application/json", `{"error":{"message":"not for you\u0000"}}`, connector.Denied, "not for you"},
		"expired":     {401, "application/json", `{"error":"expired"}`, connector.Denied, "expired"},
		"not there":   {404, "application/json", `{"detail":"nothing here"}`, connector.NotFound, "nothing here"},
		"gone":        {410, "application/json", `{"message":"use the other one"}`, connector.Unsupported, "the other one"},
		"limited":     {429, "application/json", `{}`, connector.RateLimited, "limits our requests"},
		"unavailable": {500, "text/html", `<b>oops</b>`, connector.Unavailable, "500"},
		"bad request": {400, "application/json", `{}`, connector.Malformed, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.header)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}, nil)
			var out item
			_, err := cl.Get(t.Context(), rest.Call{Path: "things"}, &out)
			if err == nil {
				t.Fatal("no error")
			}
			if got := coverage.ReasonOf(err); got != c.want {
				t.Errorf("reason %s, want %s (%v)", got, c.want, err)
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) || strings.ContainsRune(err.Error(), 0) {
				t.Errorf("error %q", err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	var seen string
	cl := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.RequestURI
		fmt.Fprint(w, "{}")
	}, nil)
	for path, want := range map[string]string{
		"a/b":                          "/api/a/b?q=1",
		"a/" + url.PathEscape("x/y z"): "/api/a/x%2Fy%20z?q=1",
	} {
		if _, err := cl.Get(t.Context(), rest.Call{Path: path, Query: url.Values{"q": {"1"}}}, &item{}); err != nil || seen != want {
			t.Errorf("%s: asked %s, want %s, %v", path, seen, want, err)
		}
	}
	for _, path := range []string{"../admin", "a/%2e%2e/b", "a/%zz"} {
		seen = ""
		if _, err := cl.Get(t.Context(), rest.Call{Path: path}, &item{}); coverage.ReasonOf(err) != connector.Malformed || seen != "" {
			t.Errorf("%s: %v, asked %q", path, err, seen)
		}
	}
}

func TestUnchanged(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, `{"id":"x"}`)
	}))
	defer s.Close()
	ask := func(validators map[string]connector.Validator) rest.Answer {
		t.Helper()
		cl, err := rest.New(transport.Options{BaseURL: s.URL, Validators: validators})
		if err != nil {
			t.Fatal(err)
		}
		a, err := cl.Get(t.Context(), rest.Call{Path: "things", Usable: rest.NoteFits(func(n int) bool { return n == 1 })}, &item{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := ask(nil)
	if first.NotModified || first.Validator.ETag != `"1"` {
		t.Fatalf("%+v", first)
	}
	keep := func(memo string) map[string]connector.Validator {
		v := first.Validator
		v.Memo = []byte(memo)
		return map[string]connector.Validator{first.Key: v}
	}
	if again := ask(keep("1")); !again.NotModified || string(again.Memo) != "1" {
		t.Errorf("with a note that fits: %+v", again)
	}
	if again := ask(keep("2")); again.NotModified {
		t.Error("with a note that does not fit it asked whether anything changed")
	}
	cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, nil)
	if _, err := cl.Get(t.Context(), rest.Call{Path: "things"}, &item{}); !errors.Is(err, transport.ErrUnaskedNotModified) {
		t.Errorf("an unasked 304: %v", err)
	}
}

func TestPagesEnd(t *testing.T) {
	page := func(sum byte) rest.Answer { return rest.Answer{Sum: [32]byte{sum}} }
	for name, c := range map[string]struct {
		ask  func(n int) (string, rest.Answer)
		want int
		says string
	}{
		"ends":    {func(n int) (string, rest.Answer) { return map[int]string{1: "b", 2: "c"}[n], page(byte(n)) }, 3, ""},
		"circle":  {func(n int) (string, rest.Answer) { return "b", page(byte(n)) }, 2, "circle"},
		"repeats": {func(n int) (string, rest.Answer) { return fmt.Sprint(n), page(1) }, 2, "second time"},
		"for ever": {func(n int) (string, rest.Answer) {
			return fmt.Sprint(n), rest.Answer{Sum: [32]byte{byte(n), byte(n >> 8), byte(n >> 16)}}
		}, 10_000, "does not end"},
	} {
		asked := 0
		err := rest.Pages(t.Context(), "things", func(string) (string, rest.Answer, error) {
			asked++
			next, a := c.ask(asked)
			return next, a, nil
		})
		if asked != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
	}
}

func TestNextLink(t *testing.T) {
	for link, want := range map[string]url.Values{
		"": nil,
		`<https://h/x?page=2>; rel="next", <https://h/x?page=9>; rel="last"`: {"page": {"2"}},
		`<https://h/x?cursor=abc>; rel=next`:                                 {"cursor": {"abc"}},
		`<https://h/x?ids=1,b?&page=2>; title="a, b"; rel="last next"`:       {"ids": {"1,b?"}, "page": {"2"}},
		`<https://h/x?page=1>; rel="prev", </x?page=3>; REL=Next`:            {"page": {"3"}},
		`<https://h/x?page=1>; rel="nextish"`:                                nil,
	} {
		if got, err := rest.NextLink(link); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %v, %v", link, got, err)
		}
	}
	if _, err := rest.NextLink(`<%zz>; rel="next"`); err == nil {
		t.Error("an unreadable link is taken")
	}
}

func TestProbe(t *testing.T) {
	for status, want := range map[int]connector.Grant{200: connector.Granted, 403: connector.Missing, 404: connector.Missing, 500: connector.GrantUnknown, 429: connector.GrantUnknown} {
		cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, nil)
		got, err := cl.Probe(t.Context(), "p", rest.Call{Path: "x"}, http.StatusNotFound)
		if err != nil || got.Grant != want {
			t.Errorf("%d: %+v, %v", status, got, err)
		}
	}
	cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, nil)
	if _, err := cl.Probe(t.Context(), "p", rest.Call{Path: "x"}); !errors.Is(err, connector.ErrRefused) {
		t.Error(err)
	}
}

func TestHowACheckFails(t *testing.T) {
	report := rest.Unknown(connector.CheckReport{Identity: "ada", Permissions: []connector.PermissionState{{Permission: "b", Grant: connector.Granted}}},
		[]connector.Permission{{ID: "a"}, {ID: "b"}})
	got, err := rest.Failed(t.Context(), report, fmt.Errorf("no\nkey: %w", connector.ErrRefused), "renew it")
	want := connector.CheckReport{Identity: "ada", Permissions: []connector.PermissionState{{Permission: "a"}, {Permission: "b"}},
		Problem: "no key: " + connector.ErrRefused.Error(), Remedy: "renew it"}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%s, error %v", d, err)
	}
	if got, err := rest.Failed(t.Context(), report, fmt.Errorf("x: %w", connector.ErrUnreachable), ""); !errors.Is(err, connector.ErrUnreachable) || got.Problem != "" {
		t.Errorf("out of reach: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rest.Failed(ctx, report, errors.New("x"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

func TestSilentHost(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	cl, err := rest.New(transport.Options{BaseURL: s.URL, Retry: transport.Retry{MaxAttempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 5; n++ {
		_, err := cl.Get(t.Context(), rest.Call{Path: "x"}, &item{})
		if got := errors.Is(err, connector.ErrUnreachable); got != (n == 5) {
			t.Errorf("attempt %d: %v", n, err)
		}
	}
}

// A login page that answers 200 proves no right.
func TestProbeOfALoginPage(t *testing.T) {
	cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html>Sign in</html>")
	}, nil)
	if got, err := cl.Probe(t.Context(), "p", rest.Call{Path: "x"}); err != nil || got.Grant != connector.GrantUnknown || got.Detail == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A source that repeats the credential does not bring it into a gap.
func TestConceal(t *testing.T) {
	cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"the key sk-0123456789 may not"}`)
	}, nil)
	cl.Conceal("sk-0123456789", "")
	_, err := cl.Get(t.Context(), rest.Call{Path: "x"}, &item{})
	if err == nil || strings.Contains(err.Error(), "sk-0123") || !strings.Contains(err.Error(), "may not") {
		t.Error(err)
	}
}

// Where one key has a right and another not, 401 may say so.
func TestProbeRefusedByRight(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, nil)
	got, err := c.Probe(t.Context(), "p", rest.Call{Path: "x"}, http.StatusUnauthorized)
	if err != nil || got.Grant != connector.Missing || got.Detail == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFitsHeader(t *testing.T) {
	for s, want := range map[string]bool{"sk-Az09_~": true, "a b": false, "a\nb": false, "ü": false, "a\x00": false} {
		if rest.FitsHeader(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

// A source's own word for a failure is kept, without secrets.
func TestCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"NoLicence","message":"x"}}`: "NoLicence",
		`{"error":{"code":"` + secret + `\u0000"}}`:    "REDACTED\uFFFD",
		`{"error":"text"}`:                             "",
		`{"error":{"code":403}}`:                       "",
		`{"errorCode":"E1"}`:                           "",
	} {
		cl := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, body)
		}, nil)
		cl.Conceal(secret)
		var out item
		_, err := cl.Get(t.Context(), rest.Call{Path: "things"}, &out)
		var se *rest.StatusError
		if !errors.As(err, &se) || se.Code != want {
			t.Errorf("%s: %+v", body, se)
		}
	}
}
