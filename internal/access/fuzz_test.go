package access_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// placesElsewhere are what somebody may write to send a browser elsewhere.
var placesElsewhere = []string{
	"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n/evil.example",
	"/%2F/evil.example", "/%5Cevil.example", "/.//evil.example", "/x/..//evil.example", "/%09/evil.example", "javascript:alert(1)", " /x", "http:/x",
	"/\u2028/evil.example", "/\uff0fevil.example", "@evil.example", "/@evil.example", "?x", "#x", "", ".", "/login", "/login/oidc?return_to=/x",
	"/logout", "/oidc/callback?code=x", "/x/../login", "/%6cogin", "/v1/events", "/x#//evil.example", "/;//evil.example", "//", "/\x00",
}

func TestReturnTo(t *testing.T) {
	for _, s := range placesElsewhere {
		got := access.ReturnTo(s)
		if strings.Contains(got, "//") || strings.HasPrefix(got, `/\`) || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "/login") || strings.HasPrefix(got, "/logout") {
			t.Errorf("%q leads to %q", s, got)
		}
	}
	for s, want := range map[string]string{
		"/": "/", "/findings": "/findings", "/findings?x=1&y=%2F": "/findings?x=1&y=%2F", "/controls/A.6.2.5": "/controls/A.6.2.5",
		"/evidence/a%20b": "/evidence/a%20b", "/loginsights": "/loginsights", "/x/": "/x", "/findings?to=//evil.example": "/findings?to=//evil.example",
	} {
		if got := access.ReturnTo(s); got != want {
			t.Errorf("%q leads to %q, want %q", s, got, want)
		}
	}
}

// FuzzReturnTo: wherever it leads is on this server, as a browser resolves it,
// and asked again it leads there too.
func FuzzReturnTo(f *testing.F) {
	for _, s := range placesElsewhere {
		f.Add(s)
	}
	f.Add("/findings?x=1")
	base, err := url.Parse("https://exhibit.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := access.ReturnTo(s)
		for _, r := range got {
			if r <= ' ' || r > '~' || r == '\\' {
				t.Fatalf("%q leads to %q", s, got)
			}
		}
		// Browsers take // at the beginning for a host.
		path, _, _ := strings.Cut(got, "?")
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.Contains(path, "//") {
			t.Fatalf("%q leads to %q", s, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "exhibit.example" || u.User != nil {
			t.Fatalf("%q leads to %v: %v", s, u, err)
		}
		for _, own := range []string{"/login", "/logout", "/oidc"} {
			if u.Path == own || strings.HasPrefix(u.Path, own+"/") {
				t.Fatalf("%q leads to %q", s, got)
			}
		}
		if again := access.ReturnTo(got); again != got {
			t.Fatalf("%q leads to %q, and that to %q", s, got, again)
		}
	})
}

// FuzzParseToken: what has the form of a token is one in every byte.
func FuzzParseToken(f *testing.F) {
	good := "exb_aaaaaaaaaa_" + strings.Repeat("a", 52)
	for _, s := range []string{good, "", "exb_", "exb__", good + "a", good[:len(good)-1] + "b", strings.ToUpper(good), good + "\n", " " + good} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := access.ParseToken(s)
		if err != nil {
			return
		}
		if len(s) != len(good) || !strings.HasPrefix(s, "exb_"+id+"_") || strings.Trim(s[4:], "abcdefghijklmnopqrstuvwxyz234567_") != "" || strings.Count(s, "_") != 2 {
			t.Fatalf("%q has the id %q", s, id)
		}
	})
}

// FuzzAccount: no subject makes an account that reads as another one.
func FuzzAccount(f *testing.F) {
	f.Add("https://id.example", "a")
	f.Add("https://id.example", "a) (b@c")
	f.Add("https://id.example/x", "#\x00 +%41")
	f.Fuzz(func(t *testing.T, issuer, subject string) {
		if strings.ContainsAny(issuer, "#() ") {
			return // the configuration takes none such
		}
		got := access.OIDCAccount(issuer, subject)
		rest, ok := strings.CutPrefix(got, "oidc:"+issuer+"#")
		if !ok || strings.ContainsAny(rest, "#() @\n\t\x00") {
			t.Fatalf("%q of %q is %q", subject, issuer, got)
		}
		if back, err := url.QueryUnescape(rest); err != nil || back != subject {
			t.Fatalf("%q comes back as %q: %v", subject, back, err)
		}
	})
}
