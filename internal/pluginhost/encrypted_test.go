package pluginhost_test

import (
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// strange makes a hostile connector talk otherwise than it is asked to.
func strange(mode string, config *plugin.ServeConfig) {
	switch mode {
	case "plain":
		_ = os.Unsetenv(wire.HostCertKey)
	case "unnamed": // its certificate is not in the line that go-plugin prints
		config.TLSProvider = func() (*tls.Config, error) {
			own, err := wire.NewCertificate()
			if err != nil {
				return nil, err
			}
			return wire.ConnectorTLS(own, os.Getenv(wire.HostCertKey))
		}
	}
}

// A host talks to nobody whose certificate it was not told when the process
// started.
func TestUnknownPeerIsRefused(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "raw-plain", "raw-unnamed", "raw-cutoff")})
	for _, name := range []string{"raw-plain", "raw-unnamed"} {
		got, err := host.Describe(t.Context(), name)
		if err == nil || got.Descriptor.Name != "" {
			t.Errorf("%s described itself: %v", name, got.Descriptor)
			continue
		}
		checkError(t, err, pluginhost.ErrCrashed)
	}
	if _, err := host.Describe(t.Context(), "raw-cutoff"); err != nil {
		t.Errorf("a connector that go-plugin serves by itself: %v", err)
	}
}

// A host of an older version, which leaves the encryption to go-plugin, has a
// connector of this one.
func TestConnectorOfAnOlderHost(t *testing.T) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake(), Plugins: wire.Plugins(nil), AutoMTLS: true, Logger: hclog.NewNullLogger(),
		Cmd: exec.Command(filepath.Join(install(t, "fake"), "exhibit-connector-fake")), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
	})
	defer client.Kill()
	protocol, err := client.Client()
	must(t, err)
	dispensed, err := protocol.Dispense(wire.PluginName)
	must(t, err)
	got, err := dispensed.(wire.ConnectorClient).Describe(t.Context(), &wire.DescribeRequest{})
	if err != nil || !strings.HasPrefix(got.GetName(), "fake") {
		t.Errorf("described as %q: %v", got.GetName(), err)
	}
}
