package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// process: the same in a process of its own, with an empty environment.
func (e *exam) process(ctx context.Context) {
	if os.Getenv(mainVar) == "" {
		e.bad("the test binary cannot be started as a connector: add " +
			"func TestMain(m *testing.M) { connectortest.Main(m, New()) }")
		return
	}
	var log lockedBuffer
	rpc, stop, err := startSelf(ctx, &log)
	if err != nil {
		e.bad("the connector's process does not start: %v\n%s", err, log.String())
		return
	}
	e.remote(ctx, rpc)
	stop()
	e.secretFree("the log of the process", log.String())
}

// remote makes each call across the boundary and compares.
func (e *exam) remote(ctx context.Context, rpc wire.ConnectorClient) {
	m, err := rpc.Describe(ctx, &wire.DescribeRequest{})
	if err != nil {
		e.bad("Describe across the boundary: %v", err)
		return
	}
	local, err := wire.DecodeDescriptor(wire.EncodeDescriptor(e.desc))
	if err != nil {
		e.bad("the descriptor cannot cross the boundary: %v", err)
	}
	if d, err := wire.DecodeDescriptor(m); err != nil || !reflect.DeepEqual(d, local) {
		e.bad("Describe across the boundary differs: %+v, %v", d, err)
	}
	report, err := rpc.Check(ctx, &wire.CheckRequest{Config: wire.EncodeConfig(e.cs.Config)})
	if err != nil {
		e.secretFree("the error of Check", err.Error())
		e.bad("Check across the boundary: %v", err)
	} else {
		e.report(wire.DecodeCheckReport(report))
	}
	r := newRecorder(e.desc)
	req := e.request()
	if e.first != nil {
		req.Cursors = connector.Memory(e.first.cursors) // what was seen first stays as it is
	}
	coverage, err := remoteCollect(ctx, rpc, req, r)
	if err != nil {
		e.secretFree("the error of Collect", err.Error())
		e.bad("Collect across the boundary: %v", err)
		return
	}
	e.result(r, coverage, nil)
	if e.first == nil {
		return
	}
	e.sameStory("the run across the boundary", r, coverage)
	if len(r.records) != len(e.first.records) || len(r.gaps) != len(e.first.gaps) {
		e.bad("%d records and %d gaps across the boundary, %d and %d in process",
			len(r.records), len(r.gaps), len(e.first.records), len(e.first.gaps))
	}
}

// startSelf starts the test binary as a connector. stop ends it.
func startSelf(ctx context.Context, log io.Writer) (rpc wire.ConnectorClient, stop func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = []string{wire.HostPIDKey + "=" + strconv.Itoa(os.Getpid())}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		Plugins:          wire.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		Cmd:              cmd,
		Stderr:           log,
		SyncStdout:       log,
		SyncStderr:       log,
		Logger:           hclog.NewNullLogger(),
	})
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	raw, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	rpc, ok := raw.(wire.ConnectorClient)
	if !ok {
		client.Kill()
		return nil, nil, errors.New("no connector in the process")
	}
	return rpc, client.Kill, nil
}

// remoteCollect plays a run's stream into r.
func remoteCollect(ctx context.Context, rpc wire.ConnectorClient, req connector.Request, r *recorder) (connector.Coverage, error) {
	stream, err := rpc.Collect(ctx, wire.EncodeRequest(req))
	if err != nil {
		return nil, err
	}
	var done *wire.Done
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, item := range m.GetItems() {
			if err := play(item, r); err != nil {
				return nil, err
			}
		}
		done = m.GetDone()
	}
	if done == nil {
		return nil, errors.New("the stream ended before it was done")
	}
	return wire.DecodeCoverage(done.GetCoverage())
}

func play(item *wire.Item, r *recorder) error {
	switch it := item.GetItem().(type) {
	case *wire.Item_Record:
		rec, err := wire.DecodeRecord(it.Record)
		if err != nil {
			return err
		}
		return r.Record(rec)
	case *wire.Item_Unchanged:
		return r.Unchanged(it.Unchanged.GetGroup(), int(it.Unchanged.GetCount()))
	case *wire.Item_Gap:
		return r.Gap(wire.DecodeGap(it.Gap))
	case *wire.Item_Cursor:
		return r.Cursor(it.Cursor.GetName(), it.Cursor.GetValue())
	case *wire.Item_Validator:
		return r.Validator(it.Validator.GetKey(), wire.DecodeValidator(it.Validator.GetValidator()))
	case *wire.Item_Progress:
		r.Progress(wire.DecodeProgress(it.Progress))
		return nil
	}
	return fmt.Errorf("an item of unknown type %T", item.GetItem())
}
