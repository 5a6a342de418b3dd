package attesttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Authority is a time-stamping authority: openssl behind HTTP.
type Authority struct {
	Dir   string // where its keys are
	Roots string // file with its root certificate, PEM

	mu sync.Mutex // openssl keeps the serial number in a file
}

// profile is openssl's configuration of the authority. The certificate of the
// signer is made for time stamping alone, as RFC 3161 asks.
const profile = `
[ req ]
distinguished_name = name
[ name ]
[ root ]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[ signer ]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
[ tsa ]
default_tsa = authority
[ authority ]
dir = .
serial = ./serial
crypto_device = builtin
signer_cert = ./signer.pem
certs = ./root.pem
signer_key = ./signer.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// NewAuthority makes the keys and certificates of an authority in dir.
func NewAuthority(ctx context.Context, dir string) (*Authority, error) {
	a := &Authority{Dir: dir, Roots: filepath.Join(dir, "root.pem")}
	if err := os.WriteFile(filepath.Join(dir, "tsa.cnf"), []byte(profile), 0o600); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"req", "-config", "tsa.cnf", "-x509", "-extensions", "root", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
			"-keyout", "root.key", "-out", "root.pem", "-days", "3650", "-subj", "/O=Example/CN=Example Time Root"},
		{"req", "-config", "tsa.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "signer.key", "-out", "signer.csr", "-subj", "/O=Example/CN=Example Time Stamping"},
		{"x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", "signer.pem",
			"-days", "3650", "-sha256", "-extfile", "tsa.cnf", "-extensions", "signer"},
	} {
		if _, err := OpenSSL(ctx, dir, args...); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// OpenSSL runs openssl in a directory.
func OpenSSL(ctx context.Context, dir string, args ...string) ([]byte, error) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		return nil, errors.New("openssl is missing: the tests hold time stamps against it; install the package openssl and run again")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("openssl %s: %w: %s", args[0], err, errs.Bytes())
	}
	return out, nil
}

// ServeHTTP answers a time-stamp request.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "not a time-stamp request", http.StatusBadRequest)
		return
	}
	reply, err := a.Reply(r.Context(), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(reply) // a client that went away is its own affair
}

// Reply answers a request (DER).
func (a *Authority) Reply(ctx context.Context, request []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := os.WriteFile(filepath.Join(a.Dir, "query"), request, 0o600); err != nil {
		return nil, err
	}
	return OpenSSL(ctx, a.Dir, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query")
}
