package secrets

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

// vault speaks the HTTP API of HashiCorp Vault and OpenBao: it logs in, finds
// out which engine is mounted, and reads fields of kv 1 and 2.
type vault struct {
	cfg    configfile.VaultServer
	getenv func(string) string
	now    func() time.Time
	base   *http.Client
	mask   *Mask

	mu      sync.Mutex
	client  *http.Client
	token   string
	expires time.Time // zero: not known, or never
	given   bool      // the token was given and not got by a login
}

func newVault(o Options) *vault {
	return &vault{cfg: o.Config.Vault, getenv: o.Getenv, now: o.Clock, base: o.Client, mask: o.Mask}
}

// read returns a field of a secret.
func (v *vault) read(ctx context.Context, ref configfile.VaultRef) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	data, err := v.secret(ctx, ref.Path)
	if v.deniedLogin(err) {
		v.token = "" // it may have been revoked before its time
		data, err = v.secret(ctx, ref.Path)
	}
	if err != nil {
		return "", err
	}
	raw, ok := data[ref.Field]
	if !ok {
		return "", fmt.Errorf("the secret has no field %q", ref.Field)
	}
	return scalar(raw)
}

// deniedLogin reports whether a new login could help.
func (v *vault) deniedLogin(err error) bool {
	var status *vaultError
	return errors.As(err, &status) && status.code == http.StatusForbidden && !v.given
}

func (v *vault) secret(ctx context.Context, path string) (map[string]json.RawMessage, error) {
	if err := v.login(ctx); err != nil {
		return nil, err
	}
	mount, version, err := v.mount(ctx, path)
	if err != nil {
		return nil, err
	}
	if version == 1 {
		var out struct{ Data map[string]json.RawMessage }
		err := v.call(ctx, http.MethodGet, path, nil, &out)
		return out.Data, err
	}
	var out struct {
		Data struct{ Data map[string]json.RawMessage }
	}
	rest := strings.TrimPrefix(path, mount+"/")
	if err := v.call(ctx, http.MethodGet, mount+"/data/"+rest, nil, &out); err != nil {
		return nil, err
	}
	if out.Data.Data == nil {
		return nil, errors.New("its newest version is deleted")
	}
	return out.Data.Data, nil
}

// mount returns where the engine of a path is mounted, and its version.
func (v *vault) mount(ctx context.Context, path string) (string, int, error) {
	first, _, _ := strings.Cut(path, "/")
	if v.cfg.Version != 0 {
		return first, v.cfg.Version, nil
	}
	var out struct {
		Data struct {
			Path, Type string
			Options    map[string]string
		}
	}
	err := v.call(ctx, http.MethodGet, "sys/internal/ui/mounts/"+path, nil, &out)
	var status *vaultError
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		return first, 1, nil // older than the question
	case errors.As(err, &status) && status.code == http.StatusForbidden:
		return "", 0, fmt.Errorf("%w; the policy gives no right to the path, or kv_version has to be set under secrets.vault", err)
	case err != nil:
		return "", 0, err
	case out.Data.Type != "kv" && out.Data.Type != "generic":
		return "", 0, fmt.Errorf("what is mounted there is %q, not kv", out.Data.Type)
	}
	version := 1
	if out.Data.Options["version"] == "2" {
		version = 2
	}
	return strings.Trim(out.Data.Path, "/"), version, nil
}

// login gets a token if there is none that holds a while longer.
func (v *vault) login(ctx context.Context) error {
	const margin = 30 * time.Second
	if v.token != "" && !v.given && (v.expires.IsZero() || v.now().Add(margin).Before(v.expires)) {
		return nil
	}
	v.token, v.expires, v.given = "", time.Time{}, false
	switch {
	case v.cfg.AppRole != nil:
		id, err := v.local(ctx, v.cfg.AppRole.SecretID)
		if err != nil {
			return err
		}
		return v.logIn(ctx, v.cfg.AppRole.Mount, map[string]string{"role_id": v.cfg.AppRole.RoleID, "secret_id": id})
	case v.cfg.Kubernetes != nil:
		jwt, err := os.ReadFile(v.cfg.Kubernetes.JWT)
		if err != nil {
			return fmt.Errorf("the service account's token: %w", err)
		}
		v.mask.Add(strings.TrimSpace(string(jwt)))
		return v.logIn(ctx, v.cfg.Kubernetes.Mount, map[string]string{"role": v.cfg.Kubernetes.Role, "jwt": strings.TrimSpace(string(jwt))})
	case v.cfg.Token != nil:
		token, err := v.local(ctx, *v.cfg.Token)
		if err != nil {
			return err
		}
		v.token, v.given = token, true
	default:
		if v.token = v.getenv("VAULT_TOKEN"); v.token == "" {
			return errors.New("nothing says how to log in to Vault: set token, approle or kubernetes under secrets.vault, or VAULT_TOKEN")
		}
		v.given = true
		v.mask.Add(v.token)
	}
	return nil
}

// local reads a secret that opens Vault. It is kept on this machine.
func (v *vault) local(ctx context.Context, s configfile.Secret) (string, error) {
	r := Resolver{mask: v.mask, keys: fromKeyring}
	value, err := r.Resolve(ctx, s)
	return strings.TrimSpace(value), err
}

func (v *vault) logIn(ctx context.Context, mount string, body map[string]string) error {
	var out struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease int64  `json:"lease_duration"`
		}
	}
	if err := v.call(ctx, http.MethodPost, "auth/"+mount+"/login", body, &out); err != nil {
		return fmt.Errorf("log in at auth/%s: %w", mount, err)
	}
	if out.Auth.Token == "" {
		return fmt.Errorf("log in at auth/%s: the answer holds no token", mount)
	}
	v.mask.Add(out.Auth.Token)
	v.token = out.Auth.Token
	if out.Auth.Lease > 0 {
		v.expires = v.now().Add(time.Duration(out.Auth.Lease) * time.Second)
	}
	return nil
}

// vaultError is an answer that is no success.
type vaultError struct {
	code int
	says []string
}

func (e *vaultError) Error() string {
	text := fmt.Sprintf("Vault answers %d", e.code)
	switch {
	case len(e.says) > 0:
		text += ": " + strings.Join(e.says, "; ")
	case e.code == http.StatusNotFound:
		text += ": there is no such secret"
	}
	return text
}

// attempts is how often an answer is asked for that another time may bring.
const attempts = 3

func (v *vault) call(ctx context.Context, method, path string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		again, err := v.once(ctx, method, path, raw, into)
		if err == nil || !again || attempt == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
		}
	}
}

func (v *vault) once(ctx context.Context, method, path string, body []byte, into any) (again bool, err error) {
	client, address, err := v.reach()
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("address of Vault: %w", err)
	}
	req.Header.Set("X-Vault-Request", "true")
	if v.token != "" {
		req.Header.Set("X-Vault-Token", v.token)
	}
	if ns := firstOf(v.cfg.Namespace, v.getenv("VAULT_NAMESPACE")); ns != "" {
		req.Header.Set("X-Vault-Namespace", ns)
	}
	res, err := client.Do(req)
	if err != nil {
		return ctx.Err() == nil, fmt.Errorf("reach Vault: %w", err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20+1))
	switch {
	case err != nil:
		return ctx.Err() == nil, fmt.Errorf("reach Vault: %w", err)
	case len(raw) > 1<<20:
		return false, errors.New("the answer of Vault is larger than 1 MiB")
	case res.StatusCode == http.StatusOK:
		if err := json.Unmarshal(raw, into); err != nil {
			return false, errors.New("the answer of Vault is not what its API gives") // what is wrong could hold a secret
		}
		return false, nil
	}
	problem := &vaultError{code: res.StatusCode}
	var told struct{ Errors []string }
	if json.Unmarshal(raw, &told) == nil {
		for _, e := range told.Errors {
			problem.says = append(problem.says, v.mask.Text(oneLine(e)))
		}
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusPreconditionFailed, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, problem
	}
	return false, problem
}

// reach returns the client and the address of Vault.
func (v *vault) reach() (*http.Client, string, error) {
	address := strings.TrimRight(firstOf(v.cfg.Address, v.getenv("VAULT_ADDR")), "/")
	if address == "" {
		return nil, "", errors.New("nothing says where Vault is: set address under secrets.vault, or VAULT_ADDR")
	}
	if v.client != nil {
		return v.client, address, nil
	}
	client := *v.base
	client.CheckRedirect = oneRedirect
	if ca := firstOf(v.cfg.CAFile, v.getenv("VAULT_CACERT")); ca != "" {
		transport, err := trusting(v.base.Transport, ca)
		if err != nil {
			return nil, "", err
		}
		client.Transport = transport
	}
	v.client = &client
	return v.client, address, nil
}

// oneRedirect follows a standby to the active node, and nowhere in the clear.
func oneRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > 1 {
		return errors.New("redirected more than once")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirected from https to " + req.URL.Scheme)
	}
	return nil
}

// trusting returns a transport that trusts the authorities of a file only.
func trusting(base http.RoundTripper, file string) (*http.Transport, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("authorities of Vault: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("authorities of Vault: %s holds no certificate", file)
	}
	t, ok := base.(*http.Transport)
	if !ok {
		t, _ = http.DefaultTransport.(*http.Transport)
	}
	t = t.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// oneLine returns a text of others for a person: one line, not too long.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
