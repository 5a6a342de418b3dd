package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// hostDirVar makes the test binary act as a host that collects from the fake
// connector in that directory until it is killed.
const hostDirVar = "EXHIBIT_TEST_HOST_DIR"

// confineVar makes that host confine it.
const confineVar = "EXHIBIT_TEST_CONFINE"

// TestMain lets the test binary be a connector, a hostile one, or a host,
// depending on how it was started.
func TestMain(m *testing.M) {
	name, isConnector := strings.CutPrefix(filepath.Base(os.Args[0]), "exhibit-connector-")
	switch {
	case isConnector && strings.HasPrefix(name, "raw-"):
		serveRaw(strings.TrimPrefix(name, "raw-"))
	case isConnector && name == "silent":
		time.Sleep(time.Minute)
	case isConnector && name == "chatty":
		fmt.Println(`{"this is":"no handshake"}`)
		time.Sleep(time.Minute)
	case isConnector && name == "elsewhere":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc|")
		time.Sleep(time.Minute)
	case isConnector && strings.HasPrefix(name, "caged"):
		serveCaged(name)
	case isConnector:
		serve.Connector(fake{name: name})
	case os.Getenv(hostDirVar) != "":
		actAsHost(os.Getenv(hostDirVar))
	default:
		os.Exit(m.Run())
	}
}

func actAsHost(dir string) {
	host, err := pluginhost.New(pluginhost.Options{
		Dir: dir, Confine: pluginhost.Confine{Mode: pluginhost.ConfineMode(os.Getenv(confineVar))},
	})
	if err == nil {
		_, err = host.Collect(context.Background(), "fake", request("hang"), printSink{})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// printSink prints the payload of each record.
type printSink struct{}

func (printSink) Batch(_ context.Context, b pluginhost.Batch) error {
	for _, r := range b.Records {
		fmt.Println(string(r.Payload))
	}
	return nil
}

func (printSink) Progress(connector.Progress) {}

// serveRaw serves a connector that keeps no rule of the contract.
func serveRaw(mode string) {
	config := &plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         wire.Plugins(raw{mode: mode}),
		Logger:          hclog.NewNullLogger(),
		GRPCServer:      plugin.DefaultGRPCServer,
	}
	strange(mode, config)
	plugin.Serve(config)
}

const fakeSchema = `{"type":"object","additionalProperties":false,"properties":{
	"mode":{"enum":["","records","env","log","crash","exit","panic","error","denied","unreachable","hang","stop","deaf",
	"echo","attest","calls","child","state","slow"]},"count":{"type":"integer","minimum":0},"size":{"type":"integer"}}}`

func describeFake(name string) connector.Descriptor {
	return connector.Descriptor{
		Name: name, Version: "1.2.3", Summary: "A connector for tests.", ConfigSchema: json.RawMessage(fakeSchema),
		Secrets:     []connector.SecretSpec{{Name: "token", Summary: "a token"}},
		Kinds:       []connector.KindSpec{{Kind: "test.thing", Major: 1, Summary: "a thing"}, {Kind: "test.other", Major: 2, Summary: "another"}},
		Permissions: []connector.Permission{{ID: "things:read", Kinds: []string{"test.thing"}, Why: "to read", Grant: "ask"}},
	}
}

// fake is a connector that does what its settings say.
type fake struct{ name string }

type fakeSettings struct {
	Mode  string `json:"mode"`
	Count int    `json:"count"`
	Size  int    `json:"size"`
}

func (f fake) Describe() connector.Descriptor { return describeFake(f.name) }

func (f fake) Check(ctx context.Context, cfg connector.Config) (connector.CheckReport, error) {
	var set fakeSettings
	if err := json.Unmarshal(cfg.Settings, &set); err != nil {
		return connector.CheckReport{}, err
	}
	token := cfg.Secrets["token"]
	switch set.Mode {
	case "hang":
		<-ctx.Done()
		return connector.CheckReport{}, ctx.Err()
	case "error":
		return connector.CheckReport{}, errors.New("no route with " + token)
	}
	return connector.CheckReport{
		Identity: "robot\x1b[31m with " + token, Scope: []string{"here", token},
		Permissions: []connector.PermissionState{{Permission: "things:read", Grant: connector.Granted, Detail: token}},
		Problem:     token, Remedy: "renew " + token,
	}, nil
}

func (f fake) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	var set fakeSettings
	if err := json.Unmarshal(req.Config.Settings, &set); err != nil {
		return nil, err
	}
	coverage := connector.Coverage{
		"test.thing": {Status: connector.Complete, Enumerated: true, Query: "all", IndependentCount: -1},
		"test.other": {IndependentCount: -1},
	}
	for i := range set.Count {
		if err := emit.Record(thing(i, set.Size)); err != nil {
			return nil, err
		}
	}
	if err := f.misbehave(ctx, set, req, emit); err != nil {
		return nil, err
	}
	return coverage, nil
}

func thing(i, size int) connector.Record {
	return connector.Record{
		Kind: "test.thing", Major: 1, Subject: connector.Subject{Type: "thing", ID: fmt.Sprint(i)},
		Key: fmt.Sprintf("thing-%d", i), Group: fmt.Sprintf("page-%d", i/100), URL: "https://example.test/things",
		EventTime: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Payload:   json.RawMessage(fmt.Sprintf(`{"n":%d,"fill":"`, i) + strings.Repeat("x", size) + `"}`),
	}
}

func emitJSON(emit connector.Emitter, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	r := thing(0, 0)
	r.Key, r.Payload = "report", payload
	return emit.Record(r)
}

func (f fake) misbehave(ctx context.Context, set fakeSettings, req connector.Request, emit connector.Emitter) error {
	token := req.Config.Secrets["token"]
	settle := func() { time.Sleep(200 * time.Millisecond) } // let the batch leave
	switch set.Mode {
	case "env":
		return emitJSON(emit, map[string]any{"env": os.Environ(), "args": os.Args, "pid": os.Getpid()})
	case "log":
		slog.Warn("a warning about "+token, "token", token, "n", 7)
		fmt.Fprintf(os.Stderr, "plain %s\x1b[2J\n", token)
		fmt.Println("on stdout " + token)
		slog.Info("the end")
		settle()
	case "crash":
		settle()
		return kill(os.Getpid())
	case "exit":
		fmt.Fprintln(os.Stderr, "last words with "+token)
		settle()
		os.Exit(3)
	case "panic":
		panic("cannot go on with " + token)
	case "error":
		return errors.New("gave up: " + token + "\n\x1b[31m" + strings.Repeat("long ", 4000))
	case "denied":
		return fmt.Errorf("GET /user: 401: %w", connector.ErrRefused)
	case "unreachable":
		return fmt.Errorf("dial: %w", connector.ErrUnreachable)
	case "hang":
		if err := emitJSON(emit, map[string]any{"pid": os.Getpid(), "socket": os.Getenv(wire.SocketDirKey)}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	case "stop":
		settle()
		if err := stopSelf(); err != nil {
			return err
		}
		select {} // the signal may take a moment
	case "deaf":
		settle()
		select {}
	case "child":
		return f.startChild(emit)
	case "slow":
		for range 8 {
			emit.(connector.CallRecorder).Calls(connector.Calls{Requests: 1, Bytes: 10})
			emit.Progress(connector.Progress{Message: "waiting with " + token, Done: 1, Total: 8})
			time.Sleep(150 * time.Millisecond)
		}
	case "calls":
		emit.(connector.CallRecorder).Calls(connector.Calls{Requests: 2, NotModified: 1, Bytes: 10})
		emit.(connector.CallRecorder).Calls(connector.Calls{Requests: 3, Retries: 1, RateLimited: 1, Bytes: 5})
	default:
		return f.emitState(set, req, emit)
	}
	return nil
}

func (f fake) startChild(emit connector.Emitter) error {
	cmd := exec.Command("/bin/sleep", "60")
	if err := cmd.Start(); err != nil {
		return err
	}
	return emitJSON(emit, map[string]any{"pid": cmd.Process.Pid})
}

func (f fake) emitState(set fakeSettings, req connector.Request, emit connector.Emitter) error {
	switch set.Mode {
	case "echo":
		return emitJSON(emit, map[string]any{
			"kinds": req.Kinds, "cursors": req.Cursors, "validators": req.Validators, "full": req.Full, "since": req.Since,
			"token_length": len(req.Config.Secrets["token"]),
		})
	case "attest":
		return errors.Join(emit.Unchanged("page-1", 100), emit.Unchanged("page-2", 7),
			emit.Gap(connector.Gap{Kinds: []string{"test.thing"}, Scope: "repo a", Reason: connector.Denied,
				Permission: "things:read", Detail: "no right with " + req.Config.Secrets["token"]}))
	case "state":
		for i := range 450 {
			if err := errors.Join(emit.Record(thing(1000+i, 0)), emit.Cursor("at", fmt.Sprint(i)),
				emit.Validator(fmt.Sprintf("v%d", i), connector.Validator{ETag: `"x"`, Memo: []byte{0, 1}})); err != nil {
				return err
			}
		}
		return emit.Validator("old", connector.Validator{})
	}
	return nil
}

// install links the test binary into a new directory as each name, locks them
// and returns the directory.
func install(t testing.TB, names ...string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(exe, filepath.Join(dir, "exhibit-connector-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := pluginhost.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Write(filepath.Join(dir, pluginhost.LockName)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newHost(t testing.TB, o pluginhost.Options) *pluginhost.Host {
	t.Helper()
	host, err := pluginhost.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// token is the secret of every test: nobody may see it afterwards.
const token = "s3cr3t-t0ken/with+marks"

func request(mode string, more ...string) connector.Request {
	settings := fmt.Sprintf(`{"mode":%q%s}`, mode, strings.Join(more, ""))
	return connector.Request{Config: connector.Config{
		Settings: json.RawMessage(settings), Secrets: map[string]string{"token": token},
	}}
}

// memory is a Sink that keeps everything.
type memory struct {
	batches  []pluginhost.Batch
	progress []connector.Progress
	err      error
	failAt   int // batch at which err is returned
	onBatch  func(pluginhost.Batch)
}

func (m *memory) Batch(_ context.Context, b pluginhost.Batch) error {
	if m.err != nil && len(m.batches) >= m.failAt {
		return m.err
	}
	m.batches = append(m.batches, b)
	if m.onBatch != nil {
		m.onBatch(b)
	}
	return nil
}

func (m *memory) Progress(p connector.Progress) { m.progress = append(m.progress, p) }

func (m *memory) records() []connector.Record {
	var all []connector.Record
	for _, b := range m.batches {
		all = append(all, b.Records...)
	}
	return all
}

// report decodes the payload of the record with the key "report".
func (m *memory) report(t testing.TB, into any) {
	t.Helper()
	for _, r := range m.records() {
		if r.Key == "report" {
			if err := json.Unmarshal(r.Payload, into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the connector sent no report")
}

// testLog returns a logger and what it has written.
func testLog() (*slog.Logger, *syncBuffer) {
	var b syncBuffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})), &b
}

var _ io.Writer = (*syncBuffer)(nil)
