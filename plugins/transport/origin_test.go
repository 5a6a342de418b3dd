package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// leakyTransport sets its credentials on every hop, as client libraries do.
type leakyTransport struct{ base http.RoundTripper }

func (l leakyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer from-library")
	r.Header.Set("X-Api-Key", "from-library")
	r.AddCookie(&http.Cookie{Name: "session", Value: "from-library"})
	return l.base.RoundTrip(r)
}

func TestRedirectElsewhereCarriesNothing(t *testing.T) {
	var seen http.Header
	elsewhere := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		fmt.Fprint(w, "blob")
	})
	api := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != "t0p" || r.Header.Get("Authorization") == "" {
			t.Errorf("the API itself got no credentials: %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "c00kie", Domain: "127.0.0.1"})
		http.Redirect(w, r, elsewhere.URL+"/blob?sig=abc", http.StatusFound)
	})
	c := newClient(t, transport.Options{BaseURL: api.URL, UserAgent: "exhibit-test", Authorize: func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer t0p")
		r.Header.Set("X-Token", "t0p")
	}})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, hc := range map[string]*http.Client{
		"plain":           {Transport: c, Jar: jar},
		"library's own":   {Transport: leakyTransport{c}, Jar: jar},
		"library, no jar": {Transport: leakyTransport{c}},
	} {
		t.Run(name, func(t *testing.T) {
			seen = nil
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/x?access_token=s3cret", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "application/json")
			req.Header.Set("X-Custom-Secret", "by-hand")
			req.SetBasicAuth("me", "hunter2")
			resp, err := hc.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			want := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"exhibit-test"}}
			if d := cmp.Diff(want, seen); d != "" {
				t.Errorf("what the other host saw (-want +got):\n%s", d)
			}
		})
	}
}

func TestRedirectAtHomeKeepsCredentials(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0p" {
			t.Errorf("%s came without credentials", r.URL)
		}
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(w, r.URL.Path)
	})
	c := newClient(t, transport.Options{BaseURL: s.URL, Authorize: bearer})
	if _, body, err := get(t.Context(), t, c, s.URL+"/old"); err != nil || body != "/new" {
		t.Errorf("got %q, %v", body, err)
	}
}

func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer t0p") }

// scripted answers without a network, so that hosts and schemes can be anything.
type scripted func(*http.Request) *http.Response

func (f scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := f(r)
	resp.Request = r
	return resp, nil
}

func answer(r *http.Request, code int, location string) *http.Response {
	rec := httptest.NewRecorder()
	if location != "" {
		rec.Header().Set("Location", location)
	}
	rec.WriteHeader(code)
	return rec.Result()
}

func TestRedirectTargets(t *testing.T) {
	for _, tc := range []struct {
		to      string
		refused bool
		creds   bool
	}{
		{"https://api.example.com/other", false, true},
		{"https://API.example.com:443/other", false, true},
		{"https://api.example.com.:443/other", false, true},
		{"https://api.example.com:8443/other", false, false},
		{"https://api.example.com.evil.test/", false, false},
		{"https://evil.test/?https://api.example.com", false, false},
		{"https://user:pw@blob.example.net/x", false, false},
		{"http://api.example.com/other", true, false},
		{"http://blob.example.net/", true, false},
		{"https://127.0.0.1/latest", true, false},
		{"https://169.254.169.254/latest/meta-data", true, false},
		{"https://10.0.0.7/", true, false},
		{"https://[::1]/", true, false},
		{"https://[::ffff:10.0.0.7]/", true, false},
		{"https://localhost/", true, false},
		{"file:///etc/passwd", true, false},
		{"https://blob.example.net/%zz?sig=s3cret", true, false},
	} {
		t.Run(tc.to, func(t *testing.T) {
			var second *http.Request
			c := newClient(t, transport.Options{BaseURL: "https://api.example.com", Authorize: bearer, Base: scripted(func(r *http.Request) *http.Response {
				if r.URL.Path == "/start" {
					return answer(r, http.StatusFound, tc.to)
				}
				second = r
				return answer(r, http.StatusOK, "")
			})})
			_, _, err := get(t.Context(), t, c, "https://api.example.com/start")
			var refusal *transport.RedirectError
			if got := errors.As(err, &refusal); got != tc.refused || (err != nil) != tc.refused {
				t.Fatalf("error %v, want refused: %v", err, tc.refused)
			}
			if tc.refused {
				if second != nil || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("sent: %v, error: %v", second != nil, err)
				}
				return
			}
			if got := second.Header.Get("Authorization") == "Bearer t0p"; got != tc.creds || (!tc.creds && second.Header.Get("Authorization") != "") {
				t.Errorf("Authorization %q, want credentials: %v", second.Header.Get("Authorization"), tc.creds)
			}
			if second.URL.User != nil && !tc.creds {
				t.Error("user information was kept")
			}
		})
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	s := newServer(t, hangUp)
	c := newClient(t, transport.Options{BaseURL: s.URL, Authorize: bearer, Clock: newFakeClock()})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "hunter2")
	u.RawQuery = "page=3&access_token=hunter2&X-Amz-Signature=hunter2&api_key=hunter2&code=hunter2&bad=%zz;hunter2"
	for _, q := range []string{u.RawQuery, "page=3&Client_Secret=hunter2&refreshToken=hunter2"} {
		u.RawQuery = q
		_, _, err = get(t.Context(), t, c, u.String())
		if err == nil {
			t.Fatal("no error")
		}
		if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "t0p") {
			t.Errorf("a secret is in %q", text)
		}
	}
	if !strings.Contains(err.Error(), "page=3") {
		t.Errorf("the harmless parameter is missing from %q", err)
	}
}
