package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// HostCertKey names the host's certificate, in PEM, among the variables of a
// connector's process. The connector talks to nobody else.
const HostCertKey = "PLUGIN_CLIENT_CERT"

// certName is the name in every certificate, which go-plugin expects.
const certName = "localhost"

// NewCertificate makes the certificate of one side of one connection, as
// go-plugin's AutoMTLS does, whose keys on P-521 take twenty times longer: a
// large part of a connector's start. On P-256 they are as little to be guessed
// while a process lives.
func NewCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	const years = 365 * 24 * time.Hour
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: certName}, DNSNames: []string{certName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * years),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// HostTLS is how a host with that certificate talks: to nobody, until go-plugin
// has added the certificate that the connector names when it has started.
func HostTLS(own tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: x509.NewCertPool(), ServerName: certName, MinVersion: tls.VersionTLS12,
	}
}

// ConnectorTLS is how a connector with that certificate talks: to the host
// whose certificate, in PEM, is given.
func ConnectorTLS(own tls.Certificate, host string) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(host)) {
		return nil, errors.New("there is no certificate in " + HostCertKey)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		RootCAs: pool, ServerName: certName, MinVersion: tls.VersionTLS12,
	}, nil
}
