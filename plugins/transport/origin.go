package transport

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// origin is the scheme, host and port that credentials belong to.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port: u.Port()}
	if o.port == "" {
		o.port = map[string]string{"https": "443", "http": "80"}[o.scheme]
	}
	return o
}

// RedirectError is a redirect that was not followed.
type RedirectError struct {
	From, To string // redacted
	Why      string
}

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to %s: refused, %s", e.From, e.To, e.Why)
}

// admit refuses a request that a redirect must not lead to.
func (c *Client) admit(req *http.Request) error {
	if req.URL == nil {
		return fmt.Errorf("transport: request without URL")
	}
	if req.Response == nil || req.Response.Request == nil || req.Response.Request.URL == nil {
		return nil // not a redirect
	}
	from, to := req.Response.Request.URL, req.URL
	refuse := func(why string) error {
		return &RedirectError{From: RedactURL(from), To: RedactURL(to), Why: why}
	}
	switch {
	case to.Scheme != "https" && to.Scheme != "http":
		return refuse("only http and https are followed")
	case c.origin.scheme == "https" && to.Scheme == "http":
		return refuse("it leaves https")
	case c.origin != originOf(to) && isPrivate(to.Hostname()) && !isPrivate(c.origin.host):
		return refuse("it leads from a public host to a private address")
	}
	return nil
}

// readableLocation refuses a redirect to nowhere here, because http.Client
// would repeat the unreadable address, with its secrets, in its error.
func readableLocation(resp *http.Response) error {
	if resp.StatusCode/100 != 3 || resp.Header.Get("Location") == "" {
		return nil
	}
	if _, err := resp.Location(); err != nil {
		return &RedirectError{From: RedactURL(resp.Request.URL), To: "an address that cannot be read", Why: "it is not a URL"}
	}
	return nil
}

// foreignHeaders are all that a host other than the API's gets to see.
var foreignHeaders = [...]string{"Accept", "Accept-Encoding", "Range", "User-Agent"}

// strip leaves nothing on a request to another host that could be a secret.
func strip(req *http.Request) {
	kept := make(http.Header, len(foreignHeaders))
	for _, name := range foreignHeaders {
		if v := req.Header.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	req.Header = kept
	if req.URL.User != nil {
		u := *req.URL
		u.User = nil
		req.URL = &u
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func isPrivate(host string) bool {
	if isLoopback(host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
}
