package wire

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Protocol is the version of the protocol between host and connector. A host
// and a connector with different versions refuse each other when starting.
const Protocol = 1

// Environment variables that a host sets for a connector's process.
const (
	// CookieKey names the magic cookie: it tells a connector that a host, and
	// not a person, started it. It is no secret.
	CookieKey = "EXHIBIT_CONNECTOR"
	// CookieValue is the value under CookieKey.
	CookieValue = "68b14c6e7b1f4be2a1d4c0b1a8c6ef03"
	// HostPIDKey names the process id of the host. A connector whose parent is
	// another process has lost its host and ends.
	HostPIDKey = "EXHIBIT_HOST_PID"
	// SocketDirKey names the private directory for the connector's socket.
	SocketDirKey = plugin.EnvUnixSocketDir
)

// PluginName is the only name that a connector serves.
const PluginName = "connector"

// Handshake is what host and connector must agree on before they talk.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  Protocol,
		MagicCookieKey:   CookieKey,
		MagicCookieValue: CookieValue,
	}
}

// Plugins is the plugin set of either side; server is nil for the host, which
// is given a ConnectorClient when it dispenses PluginName.
func Plugins(server ConnectorServer) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &grpcPlugin{server: server}}
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server ConnectorServer
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.server == nil {
		return fmt.Errorf("no connector to serve")
	}
	RegisterConnectorServer(s, p.server)
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewConnectorClient(conn), nil
}
