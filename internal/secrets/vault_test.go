package secrets

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// vaultServer imitates the parts of Vault's HTTP API that are used, as its
// documentation describes them: token, AppRole and Kubernetes logins, the
// question what is mounted, kv 1 and 2, namespaces. It is not Vault.
type vaultServer struct {
	*httptest.Server
	mu        sync.Mutex
	tokens    map[string]bool
	logins    int
	lease     int
	namespace string
	value     any
	fail      []int // statuses of the next answers
	asked     []string
}

func newVaultServer(t *testing.T, start func(http.Handler) *httptest.Server) *vaultServer {
	v := &vaultServer{tokens: map[string]bool{"root-token": true}, lease: 3600, value: value}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/auth/{mount}/login", v.login)
	mux.HandleFunc("GET /v1/sys/internal/ui/mounts/{path...}", v.authed(v.mounts))
	mux.HandleFunc("GET /v1/secret/data/{path...}", v.authed(v.kv2))
	mux.HandleFunc("GET /v1/team/kv/{path...}", v.authed(v.kv1))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { v.says(w, http.StatusNotFound) })
	v.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asked = append(v.asked, r.URL.Path)
		status := 0
		if len(v.fail) > 0 {
			status, v.fail = v.fail[0], v.fail[1:]
		}
		v.mu.Unlock()
		switch {
		case status != 0:
			v.says(w, status, "not now")
		case r.Header.Get("X-Vault-Request") != "true":
			v.says(w, http.StatusBadRequest, "required header missing")
		case r.Header.Get("X-Vault-Namespace") != v.namespace:
			v.says(w, http.StatusForbidden, "permission denied")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vaultServer) says(w http.ResponseWriter, status int, errs ...string) {
	w.WriteHeader(status)
	if errs == nil {
		errs = []string{}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": errs})
}

func (v *vaultServer) gives(w http.ResponseWriter, fields map[string]any) {
	_ = json.NewEncoder(w).Encode(fields)
}

func (v *vaultServer) authed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		ok := v.tokens[r.Header.Get("X-Vault-Token")]
		v.mu.Unlock()
		if !ok {
			v.says(w, http.StatusForbidden, "permission denied")
			return
		}
		next(w, r)
	}
}

func (v *vaultServer) login(w http.ResponseWriter, r *http.Request) {
	var in struct {
		RoleID   string `json:"role_id"`
		SecretID string `json:"secret_id"`
		Role     string `json:"role"`
		JWT      string `json:"jwt"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		v.says(w, http.StatusBadRequest, "invalid")
		return
	}
	switch {
	case r.PathValue("mount") == "approle" && in.RoleID == "role-1" && in.SecretID == "s3cret-id":
	case r.PathValue("mount") == "k8s" && in.Role == "exhibit" && in.JWT == "s3cret-jwt":
	default:
		v.says(w, http.StatusBadRequest, "invalid role or secret ID")
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.logins++
	token := fmt.Sprintf("hvs.s3cret-%d", v.logins)
	v.tokens[token] = true
	v.gives(w, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": v.lease, "renewable": true}})
}

func (v *vaultServer) mounts(w http.ResponseWriter, r *http.Request) {
	switch path := r.PathValue("path") + "/"; {
	case strings.HasPrefix(path, "secret/"):
		v.gives(w, map[string]any{"data": map[string]any{"path": "secret/", "type": "kv", "options": map[string]string{"version": "2"}}})
	case strings.HasPrefix(path, "team/kv/"):
		v.gives(w, map[string]any{"data": map[string]any{"path": "team/kv/", "type": "kv", "options": nil}})
	case strings.HasPrefix(path, "transit/"):
		v.gives(w, map[string]any{"data": map[string]any{"path": "transit/", "type": "transit"}})
	default:
		v.says(w, http.StatusForbidden, "preflight capability check returned 403, please ensure client's policies grant access to path \""+path+"\"")
	}
}

func (v *vaultServer) kv2(w http.ResponseWriter, r *http.Request) {
	switch r.PathValue("path") {
	case "exhibit/github":
		v.gives(w, map[string]any{"data": map[string]any{"data": map[string]any{"token": v.value, "port": 8443, "deep": map[string]any{"a": "s3cret"}, "blank": " "},
			"metadata": map[string]any{"version": 3}}})
	case "gone":
		w.WriteHeader(http.StatusNotFound)
		v.gives(w, map[string]any{"data": map[string]any{"data": nil, "metadata": map[string]any{"deletion_time": "2026-01-01T00:00:00Z", "version": 1}}})
	case "odd":
		_, _ = w.Write([]byte(`{"data": "s3cret`))
	default:
		v.says(w, http.StatusNotFound)
	}
}

func (v *vaultServer) kv1(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("path") != "github" {
		v.says(w, http.StatusNotFound)
		return
	}
	v.gives(w, map[string]any{"data": map[string]any{"token": v.value}, "lease_duration": 2764800})
}

func plain(h http.Handler) *httptest.Server { return httptest.NewServer(h) }

func TestVault(t *testing.T) {
	v := newVaultServer(t, plain)
	e := env{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "root-token"}
	for place, want := range map[string]string{
		"{vault: {path: secret/exhibit/github, field: token}}": value,
		"{vault: {path: secret/exhibit/github, field: port}}":  "8443",
		"{vault: {path: /team/kv/github/, field: token}}":      value,
	} {
		c, s := parsed(t, place, "")
		if got, err := resolver(c, e, nil).Resolve(t.Context(), s); err != nil || got != want {
			t.Errorf("%s: %q, %v", place, got, err)
		}
	}
	for place, want := range map[string]string{
		"{vault: {path: secret/exhibit/github, field: nope}}":  `Vault secret/exhibit/github, field nope: the secret has no field "nope"`,
		"{vault: {path: secret/exhibit/github, field: deep}}":  "neither text nor a number",
		"{vault: {path: secret/exhibit/github, field: blank}}": "is empty",
		"{vault: {path: secret/nowhere, field: token}}":        "404: there is no such secret",
		"{vault: {path: secret/gone, field: token}}":           "404",
		"{vault: {path: secret/odd, field: token}}":            "not what its API gives",
		"{vault: {path: other/x, field: token}}":               "gives no right to the path",
		"{vault: {path: transit/x, field: token}}":             `"transit", not kv`,
	} {
		c, s := parsed(t, place, "")
		got, err := resolver(c, e, nil).Resolve(t.Context(), s)
		wantErr(t, got, err, want)
	}
}

func TestVaultUnreachable(t *testing.T) {
	const place = "{vault: {path: secret/exhibit/github, field: token}}"
	v := newVaultServer(t, plain)
	for name, tc := range map[string]struct {
		e    env
		want string
	}{
		"no address":  {env{"VAULT_TOKEN": "s3cret"}, "nothing says where Vault is"},
		"no login":    {env{"VAULT_ADDR": v.URL}, "nothing says how to log in"},
		"wrong token": {env{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "s3cret"}, "Vault answers 403: permission denied"},
		"nobody":      {env{"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "s3cret"}, "connection refused"},
		"namespace":   {env{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "root-token", "VAULT_NAMESPACE": "other"}, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := parsed(t, place, "")
			got, err := resolver(c, tc.e, nil).Resolve(t.Context(), s)
			wantErr(t, got, err, tc.want)
		})
	}
}

// The ways to log in; a login is kept while it holds, and made again when it
// does not.
func TestVaultLogins(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"id": "s3cret-id\n", "jwt": "s3cret-jwt\n", "wrong": "s3cret-other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const place = "{vault: {path: secret/exhibit/github, field: token}}"
	for name, login := range map[string]string{
		"approle":    "approle: {role_id: role-1, secret_id: {file: " + dir + "/id}}",
		"kubernetes": "kubernetes: {mount: k8s, role: exhibit, jwt_file: " + dir + "/jwt}",
	} {
		t.Run(name, func(t *testing.T) {
			v := newVaultServer(t, plain)
			v.namespace = "team/aims"
			m := &Mask{}
			c, s := parsed(t, place, "{vault: {address: "+v.URL+"/, namespace: team/aims, "+login+"}}")
			now := time.Now()
			r := New(Options{Config: c.Secrets, Getenv: env{}.get, Mask: m, Clock: func() time.Time { return now }})
			read := func(logins int) {
				t.Helper()
				if got, err := r.Resolve(t.Context(), s); err != nil || got != value || v.logins != logins {
					t.Errorf("%q, %v, %d logins", got, err, v.logins)
				}
			}
			read(1)
			read(1)
			now = now.Add(time.Hour - 20*time.Second)
			read(2)
			v.tokens = map[string]bool{} // revoked
			read(3)
			if got := m.Text("token hvs.s3cret-3"); got != "token "+Redacted {
				t.Errorf("a login is not masked: %s", got)
			}
		})
	}
	v := newVaultServer(t, plain)
	c, s := parsed(t, place, "{vault: {address: "+v.URL+", approle: {role_id: role-1, secret_id: {file: "+dir+"/wrong}}}}")
	got, err := resolver(c, nil, nil).Resolve(t.Context(), s)
	wantErr(t, got, err, "log in at auth/approle: Vault answers 400: invalid role or secret ID")
	c, s = parsed(t, place, "{vault: {address: "+v.URL+", token: {file: "+dir+"/none}}}")
	got, err = resolver(c, nil, nil).Resolve(t.Context(), s)
	wantErr(t, got, err, "none: no such file")
}

// A given token is read anew each time: it may be rotated too.
func TestVaultTokenRotates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	v := newVaultServer(t, plain)
	c, s := parsed(t, "{vault: {path: secret/exhibit/github, field: token}}", "{vault: {address: "+v.URL+", kv_version: 2, token: {file: "+file+"}}}")
	r := resolver(c, nil, nil)
	for _, token := range []string{"root-token", "next-token"} {
		v.tokens = map[string]bool{token: true}
		v.value = "value of " + token
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Resolve(t.Context(), s); err != nil || got != "value of "+token {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, path := range v.asked {
		if strings.Contains(path, "sys/internal") {
			t.Errorf("asked %s though the version is known", path)
		}
	}
}

// What passes is waited for, what does not is told at once.
func TestVaultRetries(t *testing.T) {
	const place = "{vault: {path: secret/exhibit/github, field: token}}"
	for _, tc := range []struct {
		fail []int
		want string
		asks int
	}{{[]int{503, 429}, "", 4}, {[]int{503, 503, 503}, "503: not now", 3}, {[]int{400}, "400: not now", 1}} {
		v := newVaultServer(t, plain)
		v.fail = tc.fail
		c, s := parsed(t, place, "")
		got, err := resolver(c, env{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "root-token"}, nil).Resolve(t.Context(), s)
		if tc.want == "" {
			if err != nil || got != value {
				t.Errorf("%v: %q, %v", tc.fail, got, err)
			}
		} else {
			wantErr(t, got, err, tc.want)
		}
		if len(v.asked) != tc.asks {
			t.Errorf("%v: asked %d times", tc.fail, len(v.asked))
		}
	}
}

// Vault's own authority is trusted where it is named, and only there; a token
// is not sent in the clear after a redirect.
func TestVaultTLS(t *testing.T) {
	const place = "{vault: {path: secret/exhibit/github, field: token}}"
	v := newVaultServer(t, httptest.NewTLSServer)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	e := env{"VAULT_TOKEN": "root-token"}
	c, s := parsed(t, place, "{vault: {address: '"+v.URL+"', ca_file: "+ca+"}}")
	if got, err := resolver(c, e, nil).Resolve(t.Context(), s); err != nil || got != value {
		t.Errorf("%q, %v", got, err)
	}
	c, s = parsed(t, place, "{vault: {address: '"+v.URL+"'}}")
	got, err := resolver(c, e, nil).Resolve(t.Context(), s)
	wantErr(t, got, err, "certificate")

	clear := newVaultServer(t, plain)
	sends := newVaultServer(t, httptest.NewTLSServer)
	sends.Config.Handler = http.RedirectHandler(clear.URL+"/v1/secret/data/exhibit/github", http.StatusTemporaryRedirect)
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sends.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c, s = parsed(t, place, "{vault: {address: '"+sends.URL+"', ca_file: "+ca+"}}")
	got, err = resolver(c, e, nil).Resolve(t.Context(), s)
	wantErr(t, got, err, "redirected from https")
	if len(clear.asked) > 0 {
		t.Errorf("a token went in the clear: %v", clear.asked)
	}
}
