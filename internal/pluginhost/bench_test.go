package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// discard is a Sink that counts.
type discard struct{ records int }

func (d *discard) Batch(_ context.Context, b pluginhost.Batch) error {
	d.records += len(b.Records)
	return nil
}

func (d *discard) Progress(connector.Progress) {}

// BenchmarkStream moves 1 KiB records from a connector to a sink: through
// serve and the host with every check, and as a bare go-plugin stream of the
// same records in batches of 100, unread.
func BenchmarkStream(b *testing.B) {
	const records = 200_000
	b.Run("host", func(b *testing.B) {
		host := newHost(b, pluginhost.Options{Dir: install(b, "fake")})
		for b.Loop() {
			var sink discard
			if _, err := host.Collect(b.Context(), "fake", request("", fmt.Sprintf(`,"count":%d,"size":1000`, records)), &sink); err != nil {
				b.Fatal(err)
			}
			if sink.records != records {
				b.Fatalf("%d records came", sink.records)
			}
		}
		b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("bare", func(b *testing.B) {
		path := filepath.Join(install(b, "raw-bare"), "exhibit-connector-raw-bare")
		for b.Loop() {
			if n := bareStream(b, path, records); n != records {
				b.Fatalf("%d records came", n)
			}
		}
		b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// bareStream reads a stream with go-plugin alone and returns how many records came.
func bareStream(b *testing.B, path string, records int) int {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake(), Plugins: wire.Plugins(nil), Cmd: exec.Command(path), AutoMTLS: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	must(b, err)
	dispensed, err := protocol.Dispense(wire.PluginName)
	must(b, err)
	stream, err := dispensed.(wire.ConnectorClient).Collect(b.Context(), &wire.CollectRequest{
		Config: &wire.Config{Settings: fmt.Appendf(nil, `{"count":%d,"size":1000}`, records)},
	})
	must(b, err)
	n := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return n
		}
		must(b, err)
		n += len(m.GetItems())
	}
}

// bare streams records in batches of 100 without a rule or a count.
func (r raw) bare(req *wire.CollectRequest, stream grpc.ServerStreamingServer[wire.CollectBatch]) error {
	var set fakeSettings
	if err := json.Unmarshal(req.GetConfig().GetSettings(), &set); err != nil {
		return err
	}
	for i := 0; i < set.Count; i += 100 {
		var items []*wire.Item
		for j := i; j < min(i+100, set.Count); j++ {
			items = append(items, &wire.Item{Item: &wire.Item_Record{Record: wire.EncodeRecord(thing(j, set.Size))}})
		}
		if err := stream.Send(&wire.CollectBatch{Items: items}); err != nil {
			return err
		}
	}
	return nil
}
