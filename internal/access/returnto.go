package access

import (
	"net/url"
	"path"
	"strings"
)

// ReturnTo gives the place on this server that somebody is sent to after a
// login: s if it is one, else the first page. It is never another host, however
// a browser reads it, and never a page that logs in or out.
func ReturnTo(s string) string {
	const first = "/"
	if len(s) > 2000 || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return first
	}
	for _, r := range s {
		if r <= ' ' || r == '\\' || r > '~' {
			return first
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return first
	}
	clean := path.Clean(u.Path)
	if strings.Contains(u.Path, "//") || strings.ContainsAny(u.Path, "\\\x00\r\n\t") {
		return first
	}
	for _, own := range []string{"/login", "/logout", "/oidc", "/v1", "/mcp"} {
		if clean == own || strings.HasPrefix(clean, own+"/") {
			return first
		}
	}
	out := (&url.URL{Path: clean, RawQuery: u.RawQuery}).String()
	if !strings.HasPrefix(out, "/") || strings.HasPrefix(out, "//") {
		return first
	}
	return out
}
