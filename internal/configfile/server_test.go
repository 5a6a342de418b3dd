package configfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

const (
	oidcServer = "server: {public_url: 'https://x.example', behind_proxy: true, oidc: {issuer: 'https://id.example/', client_id: exhibit"
	anyRoles   = "roles: {viewer: {everyone: true}}"
)

// serverCases are files with one mistake each under server, or none.
var serverCases = map[string]struct {
	src, want string
	schema    bool
}{
	"nothing":               {"server: {}\n", "", false},
	"off":                   {"server: {listen: off}\n", "", false},
	"loopback":              {"server: {listen: '[::1]:9000'}\n", "", false},
	"every address":         {"server: {listen: '0.0.0.0:8443'}\n", "can be reached from elsewhere", false},
	"no host":               {"server: {listen: ':8443'}\n", "can be reached from elsewhere", false},
	"with TLS":              {"server: {listen: '0.0.0.0:8443', tls: {cert: c.pem, key: k.pem}}\n", "", false},
	"behind a proxy":        {"server: {listen: '0.0.0.0:8080', behind_proxy: true, trusted_proxies: [10.0.0.0/8, 192.0.2.7]}\n", "", false},
	"no port":               {"server: {listen: localhost}\n", "is no address to listen on", false},
	"certificate alone":     {"server: {tls: {cert: c.pem}}\n", "needs its key", true},
	"proxies of nobody":     {"server: {trusted_proxies: [10.0.0.0/8]}\n", "has no meaning unless behind_proxy", false},
	"proxy by name":         {"server: {behind_proxy: true, trusted_proxies: [proxy.example]}\n", "is no network", false},
	"http elsewhere":        {"server: {public_url: 'http://x.example'}\n", "without TLS", false},
	"https by nobody":       {"server: {public_url: 'https://x.example'}\n", "nothing serves https there", false},
	"public URL with path":  {"server: {behind_proxy: true, public_url: 'https://x.example/exhibit'}\n", "is no address of a server", false},
	"login":                 {oidcServer + ", client_secret: {env: X}}, " + anyRoles + "}\n", "", false},
	"login by http":         {"server: {public_url: 'http://localhost:8765', oidc: {issuer: 'http://id.example', client_id: x}, " + anyRoles + "}\n", "is no issuer", false},
	"login on this machine": {"server: {public_url: 'http://localhost:8765', oidc: {issuer: 'http://127.0.0.1:9', client_id: x}, " + anyRoles + "}\n", "", false},
	"secret of it in clear": {oidcServer + ", client_secret: topsecret}, " + anyRoles + "}\n", "the place of a secret", true},
	"nobody holds a role":   {oidcServer + "}}\n", "nobody who logs in would hold a role", false},
	"no client":             {"server: {public_url: 'https://x.example', behind_proxy: true, oidc: {issuer: 'https://id.example'}, " + anyRoles + "}\n", "client_id is missing", true},
	"nowhere to come back":  {"server: {oidc: {issuer: 'https://id.example', client_id: x}, " + anyRoles + "}\n", "where people come back to", false},
	"unknown role":          {oidcServer + "}, roles: {root: {everyone: true}}}\n", `no role is called "root"`, true},
	"everybody is admin":    {oidcServer + "}, roles: {admin: {everyone: true}}}\n", "everybody who can log in would administer", false},
	"roles of nobody":       {"server: {" + anyRoles + "}\n", "has no meaning without server.oidc", false},
	"one address, two":      {oidcServer + ", people: {A@x.example: a, a@x.example: b}}, " + anyRoles + "}\n", "for another person", false},
	"all of Google":         {strings.ReplaceAll(oidcServer, "https://id.example/", "https://accounts.google.com") + "}, " + anyRoles + "}\n", "everybody with a Google account", false},
	"a domain of Google":    {strings.ReplaceAll(oidcServer, "https://id.example/", "https://accounts.google.com") + ", require: {hd: x.example}}, " + anyRoles + "}\n", "", false},
	"session for ever":      {"server: {session: {max_age: 30d}}\n", "at most 7 days", false},
	"no session":            {"server: {session: {idle: 0s}}\n", "at least a minute", false},
	"body in MB":            {"server: {max_body: 4MB}\n", "write 4096, 512KiB", true},
}

func TestServer(t *testing.T) {
	s := compiled(t)
	for name, tc := range serverCases {
		t.Run(name, func(t *testing.T) {
			src := []byte(head + tc.src)
			_, err := configfile.Parse("/x/exhibit.yaml", src, configfile.Known{})
			if tc.want == "" && err != nil {
				t.Fatalf("refused: %v", err)
			}
			var ps yamlfile.Problems
			if tc.want != "" && (!errors.As(err, &ps) || !strings.Contains(err.Error(), tc.want) || len(ps) > 2) {
				t.Fatalf("got\n%v\nwant %q", err, tc.want)
			}
			if strings.Contains(fmt.Sprint(err), "topsecret") {
				t.Errorf("a secret is repeated:\n%v", err)
			}
			if invalid := s.Validate(free(t, src)); (invalid != nil) != tc.schema {
				t.Errorf("the schema says %v", invalid)
			}
		})
	}
}

// TestServerIsLoopback: without a word about it, nobody elsewhere is served.
func TestServerIsLoopback(t *testing.T) {
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(head), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Server; !s.Loopback() || s.Listen != configfile.DefaultListen || s.OIDC != nil || s.URL() != "http://127.0.0.1:8765" {
		t.Errorf("%+v", s)
	}
	for listen, loopback := range map[string]bool{"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "LOCALHOST:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.example:1": false, "127.0.0.1.example:1": false} {
		if got := (configfile.Server{Listen: listen}).Loopback(); got != loopback {
			t.Errorf("%s: loopback %v", listen, got)
		}
	}
}

func TestServerRead(t *testing.T) {
	src := head + `server:
  listen: 0.0.0.0:8443
  public_url: https://exhibit.example.com/
  tls: {cert: tls/server.pem, key: /etc/exhibit/server.key}
  session: {max_age: 8h, idle: 30m}
  oidc:
    issuer: https://id.example.com
    client_id: exhibit
    client_secret: {env: OIDC_SECRET}
    people: {8f3c: marek, ines@example.com: ines}
  roles:
    viewer: {everyone: true}
    admin: {groups: [exhibit-admins], people: [marek]}
`
	c, err := configfile.Parse("/etc/exhibit/exhibit.yaml", []byte(src), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Server
	if s.PublicURL != "https://exhibit.example.com" || s.TLS.Cert != "/etc/exhibit/tls/server.pem" || s.SessionAge != 8*time.Hour ||
		s.OIDC.People["8f3c"] != "marek" || len(s.OIDC.Scopes) != 2 || !s.Roles["viewer"].Everyone || s.Roles["admin"].People[0] != "marek" || s.Loopback() {
		t.Errorf("%+v", s)
	}
}

// TestRoleNames: the configuration knows the roles that there are.
func TestRoleNames(t *testing.T) {
	var want []string
	for _, r := range access.Roles() {
		want = append(want, string(r.Role))
	}
	if got := configfile.RoleNames(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%v, want %v", got, want)
	}
}
