package serve

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// encrypt is how go-plugin is told to talk. It does what go-plugin would do
// itself, and what every host that uses go-plugin understands, with a
// certificate of ours. Nothing is encrypted for a host that names none of its own.
func encrypt() (*tls.Config, error) {
	host := os.Getenv(wire.HostCertKey)
	if host == "" {
		return nil, nil //nolint:nilnil // so go-plugin wants it
	}
	own, err := wire.NewCertificate()
	if err != nil {
		return nil, err
	}
	config, err := wire.ConnectorTLS(own, host)
	if err != nil {
		return nil, err
	}
	return config, announce(own.Certificate[0])
}

// announce adds a certificate to the line that go-plugin prints on standard
// output, where its own would stand. What is printed there later goes to the
// host another way.
func announce(der []byte) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("announce the certificate: %w", err)
	}
	out := os.Stdout
	os.Stdout = w
	go func() {
		line, err := bufio.NewReader(r).ReadString('\n')
		if err == nil {
			_, err = io.WriteString(out, withCertificate(line, der))
		}
		if err != nil { // the host waits for the line, and says that it did not come
			fmt.Fprintln(os.Stderr, "announce the certificate:", err)
		}
	}()
	return nil
}

// certField is the place of the certificate in go-plugin's line.
const certField = 5

func withCertificate(line string, der []byte) string {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if len(fields) > certField {
		fields[certField] = base64.RawStdEncoding.EncodeToString(der)
	}
	return strings.Join(fields, "|") + "\n"
}
