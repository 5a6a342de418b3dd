// Package outbound is how the world outside is reached: through which proxy,
// and trusting whom. It makes clients for the agent itself and variables for
// connectors, so that both go the same way.
//
// Without configuration the way is that of the environment: HTTP_PROXY,
// HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR. What is configured
// takes the place of what the environment says.
//
// The package may import internal/configfile. It promises that
//
//   - what a client trusts is what the system trusts, and the authorities of
//     ca_file besides;
//   - nothing is proxied to this machine itself;
//   - an authority that cannot be read is an error at the start and not a
//     failure of every request.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

// Way is how the world outside is reached. It may be used by many at once.
type Way struct {
	proxy func(*url.URL) (*url.URL, error)
	roots *x509.CertPool // nil: the system's
	env   []string
}

// New reads the authorities and returns the way that is configured.
func New(n configfile.Network) (*Way, error) {
	w := &Way{proxy: httpproxy.FromEnvironment().ProxyFunc()}
	if n.Proxy != "" {
		no := strings.Join(n.NoProxy, ",")
		w.proxy = (&httpproxy.Config{HTTPProxy: n.Proxy, HTTPSProxy: n.Proxy, NoProxy: no}).ProxyFunc()
		// Programs differ in which spelling they look at first.
		for _, v := range []struct{ name, value string }{{"HTTP_PROXY", n.Proxy}, {"HTTPS_PROXY", n.Proxy}, {"NO_PROXY", no}} {
			w.env = append(w.env, v.name+"="+v.value, strings.ToLower(v.name)+"="+v.value)
		}
	}
	if n.CAFile == "" {
		return w, nil
	}
	roots, err := authorities(n.CAFile)
	if err != nil {
		return nil, fmt.Errorf("network: ca_file: %w", err)
	}
	w.roots = roots
	w.env = append(w.env, "SSL_CERT_FILE="+n.CAFile)
	return w, nil
}

// authorities are those of the system and those of a file.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// Environ returns the variables (NAME=value) by which a connector goes the same
// way. A connector on macOS or Windows trusts whom its system trusts, whatever
// SSL_CERT_FILE says.
func (w *Way) Environ() []string { return w.env }

// Proxy returns the proxy for a request, as http.Transport asks for it.
func (w *Way) Proxy(r *http.Request) (*url.URL, error) { return w.proxy(r.URL) }

// Transport returns a new transport that goes this way.
func (w *Way) Transport() *http.Transport {
	return &http.Transport{
		Proxy:                  w.Proxy,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        w.TLS(),
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  time.Minute,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// Client returns a new client that goes this way and gives each exchange so
// long. It keeps no cookies.
func (w *Way) Client(timeout time.Duration) *http.Client {
	return &http.Client{Transport: w.Transport(), Timeout: timeout}
}

// TLS returns what connections that are not HTTP trust, such as those to a mail
// server.
func (w *Way) TLS() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.roots} }
