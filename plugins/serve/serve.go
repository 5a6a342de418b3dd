package serve

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// Connector serves c until the host is done with it. Call it from main and do
// nothing after it. Started by hand, it says what the program is for and exits
// with status 2. It makes slog write to the host's log.
func Connector(c connector.Connector) {
	if os.Getenv(wire.CookieKey) != wire.CookieValue {
		refuse(os.Stderr, c.Describe())
		os.Exit(2)
	}
	slog.SetDefault(slog.New(hostLog(os.Stderr)))
	stop := watchHost()
	defer stop()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         wire.Plugins(NewServer(c)),
		Logger:          hclog.New(&hclog.LoggerOptions{Output: os.Stderr, JSONFormat: true, Level: hclog.Warn}),
		GRPCServer:      newGRPCServer,
		TLSProvider:     encrypt,
	})
	removeSocket()
}

// refuse tells a person who started a connector by hand what to do instead.
func refuse(w io.Writer, d connector.Descriptor) {
	fmt.Fprintf(w, "exhibit-connector-%s: error: this is a connector of Exhibit (version %s), not a program to run by hand\n",
		d.Name, d.Version)
	fmt.Fprintf(w, "exhibit-connector-%s: hint: put it beside the exhibit program, run `exhibit connectors lock`, "+
		"then `exhibit connectors describe %s`\n", d.Name, d.Name)
}

// newGRPCServer accepts requests of any size: they come from the host, which
// the connector trusts, and carry every validator of the last run.
func newGRPCServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(math.MaxInt32),
		grpc.InitialWindowSize(1<<20),
		grpc.InitialConnWindowSize(1<<20),
	)...)
}

// hostLog writes slog records in the form that the host reads.
func hostLog(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.Attr{}
			case slog.LevelKey:
				return slog.String("@level", a.Value.String())
			case slog.MessageKey:
				a.Key = "@message"
			}
			return a
		},
	})
}
