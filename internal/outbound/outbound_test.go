package outbound_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/outbound"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
	"github.com/exhibit-aims/exhibit/plugins/transport"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv(wire.CookieKey) == wire.CookieValue {
		serve.Connector(asker{})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// asker is a connector that asks one address, with the client that connectors
// use. It runs in a process of its own, as the test binary.
type asker struct{}

func (asker) Describe() connector.Descriptor {
	return connector.Descriptor{Name: "asker", Version: "1.0.0", Summary: "Asks one address", ConfigSchema: json.RawMessage(`{"type":"object"}`),
		Kinds: []connector.KindSpec{{Kind: "github.repository", Major: 1, Summary: "Never read"}}}
}

func (asker) Check(ctx context.Context, cfg connector.Config) (connector.CheckReport, error) {
	var s struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(cfg.Settings, &s); err != nil {
		return connector.CheckReport{}, err
	}
	c, err := transport.New(transport.Options{BaseURL: s.URL, Retry: transport.Retry{MaxAttempts: 1}})
	if err != nil {
		return connector.CheckReport{}, err
	}
	said, err := get(ctx, c.HTTPClient(), s.URL+"/who")
	if err != nil {
		return connector.CheckReport{Problem: err.Error()}, nil //nolint:nilerr // the report says what was wrong
	}
	return connector.CheckReport{Identity: said}, nil
}

func (asker) Collect(context.Context, connector.Request, connector.Emitter) (connector.Coverage, error) {
	return nil, errors.New("never")
}

func get(ctx context.Context, c *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return string(raw), err
}

// world is a host that only a proxy reaches, with a certificate of a private
// authority.
type world struct {
	proxy, ca string // address, file
	mu        sync.Mutex
	tunnels   []string
}

// newWorld starts the host api.example.test and a proxy that leads to it.
func newWorld(t *testing.T) *world {
	t.Helper()
	caKey, caCert := certify(t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	key, cert := certify(t, &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"api.example.test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, caCert, caKey)
	host := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the host")) }))
	host.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	host.Config.ErrorLog = nil
	host.StartTLS()
	t.Cleanup(host.Close)
	w := &world{ca: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(w.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caCert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.tunnel(t, rw, r, host.Listener.Addr().String()) }))
	t.Cleanup(proxy.Close)
	w.proxy = proxy.URL
	return w
}

// tunnel answers CONNECT.
func (w *world) tunnel(t *testing.T, rw http.ResponseWriter, r *http.Request, to string) {
	w.mu.Lock()
	w.tunnels = append(w.tunnels, r.Method+" "+r.Host)
	w.mu.Unlock()
	if r.Method != http.MethodConnect || r.Host != "api.example.test:443" {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	out, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	in, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = in.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	go func() { _, _ = io.Copy(out, bufio.NewReader(buffered)); _ = out.(*net.TCPConn).CloseWrite() }()
	go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
}

func (w *world) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.tunnels, ", ")
}

func certify(t *testing.T, of, by *x509.Certificate, with *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of.NotBefore, of.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by, with = of, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func TestProxyAndAuthority(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE"} {
		t.Setenv(name, "")
	}
	w := newWorld(t)
	const address = "https://api.example.test"
	for name, tc := range map[string]struct {
		n    configfile.Network
		want string
		seen bool
	}{
		"both":         {configfile.Network{Proxy: w.proxy, CAFile: w.ca}, "the host", true},
		"no authority": {configfile.Network{Proxy: w.proxy}, "unknown authority", true},
		"no proxy":     {configfile.Network{CAFile: w.ca}, "api.example.test", false},
		"not for it":   {configfile.Network{Proxy: w.proxy, NoProxy: []string{".example.test"}, CAFile: w.ca}, "api.example.test", false},
		"for others":   {configfile.Network{Proxy: w.proxy, NoProxy: []string{"other.test", "10.0.0.0/8"}, CAFile: w.ca}, "the host", true},
	} {
		t.Run(name, func(t *testing.T) {
			way, err := outbound.New(tc.n)
			if err != nil {
				t.Fatal(err)
			}
			w.tunnels = nil
			said, err := get(t.Context(), way.Client(10*time.Second), address)
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, tc.want) || strings.Contains(w.seen(), "CONNECT api.example.test:443") != tc.seen {
				t.Errorf("the agent: %q, the proxy saw %q", said, w.seen())
			}
			w.tunnels = nil
			if said := asked(t, way, address); !strings.Contains(said, tc.want) || strings.Contains(w.seen(), "CONNECT api.example.test:443") != tc.seen {
				t.Errorf("a connector: %q, the proxy saw %q", said, w.seen())
			}
		})
	}
}

// asked has a connector ask an address, and returns what it was told.
func asked(t *testing.T, way *outbound.Way, address string) string {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "exhibit-connector-asker"), raw, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := pluginhost.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	host, err := pluginhost.New(pluginhost.Options{Dir: dir, Env: way.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Write(host.LockPath()); err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]string{"url": address})
	if err != nil {
		t.Fatal(err)
	}
	report, err := host.Check(t.Context(), "asker", connector.Config{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return report.Identity + report.Problem
}

// What the system trusts is trusted beside the file's authorities, by the agent
// and, on Linux, by connectors.
func TestAuthorityIsBesideTheSystems(t *testing.T) {
	w := newWorld(t)
	way, err := outbound.New(configfile.Network{CAFile: w.ca})
	if err != nil {
		t.Fatal(err)
	}
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if way.TLS().RootCAs.Equal(system) {
		t.Error("the file's authority is not trusted")
	}
	raw, err := os.ReadFile(w.ca)
	if err != nil {
		t.Fatal(err)
	}
	system.AppendCertsFromPEM(raw)
	if !way.TLS().RootCAs.Equal(system) {
		t.Error("what is trusted is not the system's authorities and the file's")
	}
}

// A faulty file is told at the start.
func TestAuthorityThatCannotBeRead(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{empty: "holds no certificate", empty + ".none": "no such file"} {
		if _, err := outbound.New(configfile.Network{CAFile: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Nothing configured is as the environment says, and nothing is handed on in
// place of it.
func TestEnvironmentHolds(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://user:password@proxy.example.test:3128")
	t.Setenv("NO_PROXY", "near.example.test")
	way, err := outbound.New(configfile.Network{})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"far.example.test": true, "near.example.test": false, "127.0.0.1": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
		if u, err := way.Proxy(r); err != nil || (u != nil) != want {
			t.Errorf("%s: %v, %v", host, u, err)
		}
	}
	if env := way.Environ(); len(env) != 0 {
		t.Errorf("handed on: %d variables", len(env))
	}
}
