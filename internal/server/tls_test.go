package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
)

// certificate writes a certificate of this machine, which signs itself.
func certificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS: by TLS, cookies are bound to the host, browsers are told to stay with
// it, and a renewed certificate is taken without a restart; one that is half
// written leaves the old one.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "first")
	w := start(t, func(c *configfile.Server) {
		c.TLS = configfile.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	})
	b := w.browser()
	seen := ""
	b.http.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		seen = s.PeerCertificates[0].Subject.CommonName
		return nil
	}}}
	b.link("marek")
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.http.Jar.Cookies(at)
	if at.Scheme != "https" || len(cookies) != 1 || cookies[0].Name != "__Host-exhibit_session" || seen != "first" {
		t.Fatalf("%s %v %s", at, cookies, seen)
	}
	_, text := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	r := w.browser()
	r.http.Transport = b.http.Transport
	got := r.post("/login", url.Values{"token": {text}})
	if got.Header.Get("Strict-Transport-Security") == "" {
		t.Error("browsers are not told to stay with TLS")
	}
	once := b.request(http.MethodPost, "/login", url.Values{"token": {text}})
	answer, err := b.http.Transport.RoundTrip(once)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	set := answer.Header.Get("Set-Cookie")
	for _, part := range []string{"__Host-exhibit_session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(set, part) {
			t.Errorf("%s is not in %s", part, set)
		}
	}
	if strings.Contains(set, "Domain") {
		t.Errorf("other hosts get it: %s", set)
	}
	plain := b.request(http.MethodGet, "/", nil)
	plain.Header.Set("Cookie", "exhibit_session="+cookies[0].Value)
	none := w.browser()
	none.http.Transport = b.http.Transport
	if got := none.do(plain); got.Request.URL.Path != "/login" {
		t.Error("a cookie that any host may set counts")
	}

	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.jump(time.Minute)
	if b.get("/login"); seen != "first" {
		t.Errorf("half written: %s", seen)
	}
	certificate(t, dir, "second")
	w.jump(time.Minute)
	if b.get("/login"); seen != "second" {
		t.Errorf("renewed: %s", seen)
	}
}
