package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

func TestConditionalReadsAgain(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"v1"`)
		w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 10:00:00 GMT")
		if r.Header.Get("If-None-Match") == `W/"v1"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified) // without Link, as GitHub answers
			return
		}
		w.Header().Set("Link", `<https://elsewhere/?page=2>; rel="next"`)
		fmt.Fprint(w, `["a"]`)
	})
	target := s.URL + "/list?page=1"
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	key := transport.Key(u)

	first := newClient(t, transport.Options{BaseURL: s.URL})
	resp, _, err := get(transport.Conditional(t.Context(), key), t, first, target)
	if err != nil {
		t.Fatal(err)
	}
	v := transport.ValidatorOf(resp)
	v.Memo = []byte("a")
	want := connector.Validator{ETag: `W/"v1"`, LastModified: "Mon, 02 Mar 2026 10:00:00 GMT", Link: `<https://elsewhere/?page=2>; rel="next"`, Memo: []byte("a")}
	if d := cmp.Diff(want, v); d != "" {
		t.Fatalf("validator (-want +got):\n%s", d)
	}

	again := newClient(t, transport.Options{BaseURL: s.URL, Validators: map[string]connector.Validator{key: v}})
	resp, body, err := get(transport.Conditional(t.Context(), key), t, again, target)
	if err != nil {
		t.Fatal(err)
	}
	if !transport.NotModified(resp) || body != "" || resp.Header.Get("Link") != v.Link || string(again.Memo(key)) != "a" {
		t.Errorf("status %d, body %q, link %q, memo %q", resp.StatusCode, body, resp.Header.Get("Link"), again.Memo(key))
	}
	if !transport.ValidatorOf(resp).IsZero() {
		t.Error("a 304 gave a new validator, which would lose the memo")
	}
	if got, want := again.Calls(), (connector.Calls{Requests: 1, NotModified: 1}); got != want {
		t.Errorf("calls %+v, want %+v", got, want)
	}

	// The same request without Conditional is a plain one.
	resp, body, err = get(t.Context(), t, again, target)
	if err != nil || resp.StatusCode != http.StatusOK || body != `["a"]` {
		t.Errorf("plain request: %v %q %v", resp, body, err)
	}
}

// A caller's own If-None-Match has no memo and no stored Link behind it.
func TestUnaskedNotModified(t *testing.T) {
	s := newServer(t, status(http.StatusNotModified))
	c := newClient(t, transport.Options{BaseURL: s.URL})
	_, _, err := get(transport.Conditional(t.Context(), "unknown"), t, c, s.URL)
	if !errors.Is(err, transport.ErrUnaskedNotModified) {
		t.Errorf("error %v, want ErrUnaskedNotModified", err)
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"https://h/a?b=2&a=1#f":            "https://h/a?a=1&b=2",
		"https://me:pw@h/a?token=x":        "https://h/a?token=REDACTED",
		"https://h/repos/a%2Fb/c?page=1":   "https://h/repos/a%2Fb/c?page=1",
		"https://h/a?created=%3E%3D2026":   "https://h/a?created=%3E%3D2026",
		"https://h/a?next_page_token=part": "https://h/a?next_page_token=REDACTED",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := transport.Key(u); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
	}
}

// What the host would refuse is not offered to it.
func TestHostileValidators(t *testing.T) {
	for name, h := range map[string]http.Header{
		"long tag":       {"Etag": {strings.Repeat("a", 2000)}},
		"not text":       {"Etag": {"\"\xff\xfe\""}},
		"long link":      {"Etag": {"x"}, "Link": {strings.Repeat("a", 20_000)}},
		"long date":      {"Last-Modified": {strings.Repeat("a", 2000)}},
		"none":           {"Link": {"<x>"}},
		"tab in the tag": {"Etag": {"a\tb"}},
	} {
		if v := transport.ValidatorOf(&http.Response{StatusCode: http.StatusOK, Header: h}); !v.IsZero() {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := transport.ValidatorOf(&http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Etag": {"x"}}}); !v.IsZero() {
		t.Errorf("an answer of 404 gave %+v", v)
	}
}

// The next page is found whichever of several headers names it.
func TestLinksInSeveralHeaders(t *testing.T) {
	h := http.Header{"Etag": {"x"}, "Link": {`<https://h/?page=9>; rel="last"`, `<https://h/?page=2>; rel="next"`}}
	v := transport.ValidatorOf(&http.Response{StatusCode: http.StatusOK, Header: h})
	if want := `<https://h/?page=9>; rel="last", <https://h/?page=2>; rel="next"`; v.Link != want {
		t.Errorf("kept %q, want %q", v.Link, want)
	}
}

// A date alone tells changes a second apart, so one within the last minute is
// not asked with.
func TestFreshDates(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		h    http.Header
		kept bool
	}{
		"long ago":        {http.Header{"Last-Modified": {at(-time.Hour)}, "Date": {at(0)}}, true},
		"a minute ago":    {http.Header{"Last-Modified": {at(-time.Minute)}, "Date": {at(0)}}, true},
		"just now":        {http.Header{"Last-Modified": {at(-59 * time.Second)}, "Date": {at(0)}}, false},
		"to come":         {http.Header{"Last-Modified": {at(time.Hour)}, "Date": {at(0)}}, false},
		"no date of now":  {http.Header{"Last-Modified": {at(-time.Hour)}}, false},
		"with a tag":      {http.Header{"Last-Modified": {at(0)}, "Date": {at(0)}, "Etag": {"x"}}, true},
		"a text, no date": {http.Header{"Last-Modified": {"v7"}}, true},
	} {
		if v := transport.ValidatorOf(&http.Response{StatusCode: http.StatusOK, Header: c.h}); v.IsZero() == c.kept {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
