package serve

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := wire.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// announced runs encrypt as a connector of the host with that certificate
// would, and returns the certificate in the line that go-plugin prints.
func announced(t *testing.T, host tls.Certificate) (*tls.Config, *x509.Certificate) {
	t.Helper()
	t.Setenv(wire.HostCertKey, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: host.Certificate[0]})))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	config, err := encrypt()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("1|1|unix|/tmp/a socket|grpc|") // what go-plugin prints
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	before, field, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|grpc|")
	der, err := base64.RawStdEncoding.DecodeString(field)
	if before != "1|1|unix|/tmp/a socket" || err != nil {
		t.Fatalf("the line is %q: %v", line, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return config, cert
}

// shake returns what either side of a handshake says.
func shake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		defer b.Close()
		conn := tls.Server(b, server)
		err := conn.Handshake()
		if err == nil {
			_, err = conn.Write([]byte("x"))
		}
		ended <- err
	}()
	conn := tls.Client(a, client)
	_, clientErr = conn.Read(make([]byte, 1)) // a refusal of its certificate comes after the handshake
	a.Close()
	return clientErr, <-ended
}

// Each side talks to the other whose certificate it was given, and to nobody else.
func TestBothSidesKnowEachOther(t *testing.T) {
	host := certificate(t)
	server, named := announced(t, host)
	client := func(own tls.Certificate, of *x509.Certificate) *tls.Config {
		c := wire.HostTLS(own)
		if of != nil {
			c.RootCAs.AddCert(of)
		}
		return c
	}
	other, err := x509.ParseCertificate(certificate(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		client *tls.Config
		talks  bool
	}{
		"the host":                        {client(host, named), true},
		"another host":                    {client(certificate(t), named), false},
		"a host without a certificate":    {client(tls.Certificate{}, named), false},
		"another connector":               {client(host, other), false},
		"a connector that did not say it": {client(host, nil), false},
	} {
		clientErr, serverErr := shake(t, tt.client, server)
		if talks := clientErr == nil && serverErr == nil; talks != tt.talks {
			t.Errorf("%s: %v and %v, want them to talk: %v", name, clientErr, serverErr, tt.talks)
		}
	}
}

// Each process has a certificate of its own.
func TestCertificatesDiffer(t *testing.T) {
	host := certificate(t)
	_, first := announced(t, host)
	if _, second := announced(t, host); first.Equal(second) || first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("two starts have the same certificate")
	}
}

// A host that does not encrypt is not encrypted for; one whose certificate cannot
// be read gets no connector.
func TestHostWithoutCertificate(t *testing.T) {
	t.Setenv(wire.HostCertKey, "")
	stdout := os.Stdout
	if config, err := encrypt(); config != nil || err != nil || os.Stdout != stdout {
		t.Errorf("without a certificate: %v, %v; standard output changed: %v", config, err, os.Stdout != stdout)
	}
	t.Setenv(wire.HostCertKey, "-----BEGIN CERTIFICATE-----")
	if config, err := encrypt(); config != nil || err == nil || os.Stdout != stdout {
		t.Errorf("with half a certificate: %v, %v; standard output changed: %v", config, err, os.Stdout != stdout)
	}
}

// What comes after the certificate in the line stays.
func TestLineKeepsItsFields(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/s|grpc|\n": "1|1|unix|/s|grpc|AQ\n", "1|1|unix|/s|grpc||true\n": "1|1|unix|/s|grpc|AQ|true\n", "no line\n": "no line\n",
	} {
		if got := withCertificate(line, []byte{1}); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}
