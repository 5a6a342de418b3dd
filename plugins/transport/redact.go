package transport

import (
	"errors"
	"net/url"
	"strings"
)

const redacted = "REDACTED"

// sensitiveParts mark a query parameter whose value may be a secret.
var sensitiveParts = [...]string{"token", "secret", "key", "pass", "pwd", "auth", "sig", "cred", "session", "jwt", "code"}

// RedactURL returns u as text without user information, fragment or the values
// of query parameters that may be secrets.
func RedactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	r := *u
	r.Fragment, r.RawFragment = "", ""
	if r.User != nil {
		r.User = url.User(redacted)
	}
	if r.RawQuery == "" {
		return r.String()
	}
	q, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		r.RawQuery = redacted
		return r.String()
	}
	for name, values := range q {
		if sensitive(name) {
			for i := range values {
				values[i] = redacted
			}
		}
	}
	r.RawQuery = q.Encode()
	return r.String()
}

func sensitive(name string) bool {
	name = strings.ToLower(name)
	for _, part := range sensitiveParts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// RedactError returns err with the URL of an http.Client's error redacted.
func RedactError(err error) error {
	var ue *url.Error
	if !errors.As(err, &ue) {
		return err
	}
	shown := redacted
	if u, perr := url.Parse(ue.URL); perr == nil {
		shown = RedactURL(u)
	}
	return &url.Error{Op: ue.Op, URL: shown, Err: ue.Err}
}
