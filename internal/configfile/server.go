package configfile

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// DefaultListen is where the daemon is reached where the file says nothing.
const DefaultListen = "127.0.0.1:8765"

// Server says where dashboard, API and metrics are reached, and who may do what.
type Server struct {
	Listen    string // host:port; DefaultListen if nothing is said, empty if nothing is served
	PublicURL string // as people's browsers know it, without a / at its end; empty: what Listen says
	Hosts     []string
	TLS       TLS

	BehindProxy    bool // something in front of it ends TLS
	TrustedProxies []netip.Prefix

	MaxBody Size // of a request; 0: the default

	SessionAge  time.Duration // 0: the default
	SessionIdle time.Duration // 0: the default

	OIDC  *OIDC
	Roles map[string]Grant // by role
}

// TLS names the files of certificate and key. They are read anew when they change.
type TLS struct{ Cert, Key string }

// OIDC is the OpenID provider at which people log in.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret *Secret // nil for a public client
	Scopes       []string
	GroupsClaim  string
	Require      map[string]string // claims that every login must hold
	TrustEmail   bool
	People       map[string]string // person of the register by subject or e-mail address
}

// Grant says who holds a role.
type Grant struct {
	Everyone bool
	Groups   []string
	Emails   []string
	People   []string
}

// DefaultServer is what holds where the file says nothing: this machine only.
func DefaultServer() Server { return Server{Listen: DefaultListen} }

type serverYAML struct {
	Listen         string               `yaml:"listen"`
	PublicURL      string               `yaml:"public_url"`
	Hosts          []string             `yaml:"hosts"`
	TLS            tlsYAML              `yaml:"tls"`
	BehindProxy    bool                 `yaml:"behind_proxy"`
	TrustedProxies []string             `yaml:"trusted_proxies"`
	MaxBody        Size                 `yaml:"max_body"`
	Session        sessionYAML          `yaml:"session"`
	OIDC           *oidcYAML            `yaml:"oidc"`
	Roles          map[string]grantYAML `yaml:"roles"`
}

type tlsYAML struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

type sessionYAML struct {
	MaxAge time.Duration `yaml:"max_age"`
	Idle   time.Duration `yaml:"idle"`
}

type oidcYAML struct {
	Issuer       string            `yaml:"issuer,required"`
	ClientID     string            `yaml:"client_id,required"`
	ClientSecret *Secret           `yaml:"client_secret"`
	Scopes       []string          `yaml:"scopes"`
	GroupsClaim  string            `yaml:"groups_claim"`
	Require      map[string]string `yaml:"require"`
	TrustEmail   bool              `yaml:"trust_email"`
	People       map[string]string `yaml:"people"`
}

type grantYAML struct {
	Everyone bool     `yaml:"everyone"`
	Groups   []string `yaml:"groups"`
	Emails   []string `yaml:"emails"`
	People   []string `yaml:"people"`
}

// RoleNames are the roles that server.roles can speak of.
func RoleNames() []string {
	return []string{"viewer", "operator", "approver", "auditor", "security", "admin"}
}

func (r reader) server(y serverYAML) Server {
	at := yamlfile.At("server")
	s := Server{
		Listen: DefaultListen, PublicURL: strings.TrimSuffix(y.PublicURL, "/"), Hosts: y.Hosts,
		TLS:         TLS{Cert: resolve(r.dir, y.TLS.Cert), Key: resolve(r.dir, y.TLS.Key)},
		BehindProxy: y.BehindProxy, MaxBody: y.MaxBody,
		SessionAge: y.Session.MaxAge, SessionIdle: y.Session.Idle,
	}
	if r.f.Has(at.Then("listen")) {
		s.Listen = y.Listen
		if y.Listen == "off" {
			s.Listen = ""
		}
	}
	if s.Listen != "" {
		if _, port, err := net.SplitHostPort(s.Listen); err != nil || port == "" {
			r.f.Problemf(at.Then("listen"), "%q is no address to listen on", y.Listen).Hint("host:port, for example 127.0.0.1:8765 or 0.0.0.0:8443; off for none")
		}
	}
	if tls := at.Then("tls"); r.f.Has(tls) && (y.TLS.Cert == "") != (y.TLS.Key == "") {
		r.f.Problemf(tls, "a certificate needs its key, and a key its certificate").Hint("tls: {cert: server.pem, key: server.key}")
	}
	s.TrustedProxies = r.proxies(at, y)
	r.publicURL(at, s)
	r.sessionTimes(at, y)
	s.OIDC = r.oidc(at.Then("oidc"), y, s)
	s.Roles = r.roles(at.Then("roles"), y)
	r.reachable(at, s)
	return s
}

func (r reader) proxies(at yamlfile.Path, y serverYAML) []netip.Prefix {
	var out []netip.Prefix
	for i, text := range y.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil {
			r.f.Problemf(at.Then("trusted_proxies", i), "%q is no network", text).Hint("for example 10.0.0.0/8 or 192.0.2.7")
			continue
		}
		out = append(out, p.Masked())
	}
	if len(out) > 0 && !y.BehindProxy {
		r.f.KeyProblemf(at.Then("trusted_proxies"), "has no meaning unless behind_proxy is true")
	}
	return out
}

func (r reader) publicURL(at yamlfile.Path, s Server) {
	if s.PublicURL == "" {
		return
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		r.f.Problemf(at.Then("public_url"), "%q is no address of a server", s.PublicURL).Hint("scheme and host, for example https://exhibit.example.com")
		return
	}
	secure := s.TLS.Cert != "" || s.BehindProxy
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		r.f.Problemf(at.Then("public_url"), "people would log in without TLS").Hint("https://…, with tls: or behind_proxy: true")
	} else if u.Scheme == "https" && !secure {
		r.f.Problemf(at.Then("public_url"), "nothing serves https there").Hint("add tls: {cert: …, key: …}, or behind_proxy: true if something in front of it does")
	}
}

func (r reader) sessionTimes(at yamlfile.Path, y serverYAML) {
	const longest = 7 * 24 * time.Hour
	for _, l := range []struct {
		key   string
		value time.Duration
	}{{"max_age", y.Session.MaxAge}, {"idle", y.Session.Idle}} {
		if here := at.Then("session", l.key); r.f.Has(here) && !r.f.Faulty(here) && (l.value < time.Minute || l.value > longest) {
			r.f.Problemf(here, "a session lasts at least a minute and at most 7 days").Hint("max_age is 12h and idle is 1h where nothing is said")
		}
	}
}

func (r reader) oidc(at yamlfile.Path, y serverYAML, s Server) *OIDC {
	if y.OIDC == nil {
		return nil
	}
	o := OIDC(*y.OIDC)
	if u, err := url.Parse(o.Issuer); o.Issuer != "" && (err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname()))) {
		r.f.Problemf(at.Then("issuer"), "%q is no issuer", o.Issuer).Hint("https://… as the provider writes it in its discovery document, a / at its end included")
	}
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "email"}
	}
	if _, limited := o.Require["hd"]; o.Issuer == "https://accounts.google.com" && !limited && y.Roles["viewer"].Everyone {
		r.f.Problemf(at, "everybody with a Google account could log in, and everybody is a viewer").Hint("add require: {hd: example.com} with your domain")
	}
	if s.PublicURL == "" {
		r.f.Problemf(at, "the provider has to know where people come back to").Hint("add server.public_url; the provider is told public_url + /oidc/callback")
	}
	seen := map[string]string{} // addresses in lower case
	for _, key := range slices.Sorted(maps.Keys(o.People)) {
		low := strings.ToLower(key)
		if other, twice := seen[low]; twice && strings.Contains(key, "@") && o.People[key] != o.People[other] {
			r.f.KeyProblemf(at.Then("people", key), "%q stands there already, for another person", other)
		}
		seen[low] = key
	}
	return &o
}

func (r reader) roles(at yamlfile.Path, y serverYAML) map[string]Grant {
	out := map[string]Grant{}
	for _, role := range r.f.Root().Child("server").Child("roles").Keys() {
		if !slices.Contains(RoleNames(), role) {
			p := r.f.KeyProblemf(at.Then(role), "no role is called %q", role)
			p.Hint("roles are %s; exhibit access roles shows what each allows", strings.Join(RoleNames(), ", "))
			continue
		}
		g := Grant(y.Roles[role])
		if g.Everyone && role == "admin" {
			r.f.Problemf(at.Then(role, "everyone"), "everybody who can log in would administer").Hint("name groups, emails or people")
		}
		out[role] = g
	}
	switch {
	case len(out) > 0 && y.OIDC == nil:
		r.f.KeyProblemf(at, "has no meaning without server.oidc: on this machine everything is allowed, and a token has the roles it was made with")
	case len(out) == 0 && y.OIDC != nil:
		r.f.Problemf(yamlfile.At("server", "oidc"), "nobody who logs in would hold a role").
			Hint("add server.roles, for example roles: {viewer: {everyone: true}, admin: {groups: [exhibit-admins]}}")
	}
	return out
}

// reachable refuses to serve others without TLS.
func (r reader) reachable(at yamlfile.Path, s Server) {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil || isLoopback(host) || s.TLS.Cert != "" || s.BehindProxy {
		return
	}
	r.f.Problemf(at.Then("listen"), "%s can be reached from elsewhere, and what is said there could be read on the way", s.Listen).
		Hint("add tls: {cert: …, key: …}; or behind_proxy: true if something in front of it ends TLS; or listen on 127.0.0.1")
}

// isLoopback reports whether a host is this machine alone.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Loopback reports whether the server can be reached from this machine only.
func (s Server) Loopback() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	return err == nil && isLoopback(host)
}

// URL is where people find the server.
func (s Server) URL() string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	scheme := "http"
	if s.TLS.Cert != "" {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, s.Listen)
}
