package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	if os.Getenv(wire.CookieKey) == wire.CookieValue {
		serve.Connector(fake{})
		os.Exit(0)
	}
	if os.Getenv(nodeVar) != "" {
		os.Exit(nodeMain())
	}
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { server = s }, "max_connections=200"))
}

// fake is a connector whose behaviour its settings decide. It runs in a
// process of its own, as the test binary.
type fake struct{}

type fakeSettings struct {
	Records  int    `json:"records"`  // repositories, in pages of 100
	From     int    `json:"from"`     // number of the first one
	Changed  string `json:"changed"`  // part of every payload
	Pages    bool   `json:"pages"`    // use groups and validators
	Crash    int    `json:"crash"`    // end the process after so many records
	Fork     bool   `json:"fork"`     // start a program after all records
	Bad      bool   `json:"bad"`      // one record does not fit its kind
	Lost     bool   `json:"lost"`     // attest a group that was never there
	Count    int64  `json:"count"`    // independent count; 0 means none
	Gap      string `json:"gap"`      // scope of a gap
	Problem  string `json:"problem"`  // Check's problem
	Detailed bool   `json:"detailed"` // payloads of about 1 KiB
	Memory   bool   `json:"memory"`   // remember the first run's Changed and make it the scope of a gap
}

const fakeKind = "github.repository"

func (fake) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name: "fake", Version: "1.0.0", Summary: "Emits what its settings say",
		ConfigSchema: json.RawMessage(`{"type":"object"}`),
		Secrets:      []connector.SecretSpec{{Name: "token", Summary: "Taken and never shown"}},
		Kinds: []connector.KindSpec{{Kind: fakeKind, Major: 1, Summary: "Repositories"},
			{Kind: "github.release", Major: 1, Summary: "Never read"}},
		Permissions: []connector.Permission{{ID: "read", Kinds: []string{fakeKind}, Why: "To read", Grant: "Allow it"}},
	}
}

func settings(cfg connector.Config) (fakeSettings, error) {
	var s fakeSettings
	err := json.Unmarshal(cfg.Settings, &s)
	return s, err
}

func (fake) Check(_ context.Context, cfg connector.Config) (connector.CheckReport, error) {
	s, err := settings(cfg)
	if err != nil {
		return connector.CheckReport{}, err
	}
	return connector.CheckReport{Identity: "robot", Problem: s.Problem, Remedy: "mend it",
		Permissions: []connector.PermissionState{{Permission: "read", Grant: connector.Granted}}}, nil
}

func (fake) Collect(_ context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	s, err := settings(req.Config)
	if err != nil {
		return nil, err
	}
	if s.Memory {
		if err := s.remember(req, emit); err != nil {
			return nil, err
		}
	}
	for page := 0; page*100 < s.Records; page++ {
		if err := s.page(page, req, emit); err != nil {
			return nil, err
		}
	}
	if s.Fork {
		time.Sleep(time.Second) // let what was sent arrive
		if _, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Files: []*os.File{nil, nil, nil}}); err != nil {
			return nil, err
		}
	}
	cov := connector.KindCoverage{Status: connector.Complete, Enumerated: true, IndependentCount: -1, Query: "everything"}
	if s.Count > 0 {
		cov.IndependentCount = s.Count
	}
	if s.Gap != "" {
		cov.Status = connector.Partial
		err = emit.Gap(connector.Gap{Kinds: []string{fakeKind}, Scope: s.Gap, Reason: connector.Denied, Detail: "not allowed"})
	}
	return connector.Coverage{fakeKind: cov, "github.release": {IndependentCount: -1}}, err
}

// remember keeps what Changed was at first, as memory and as a position, and
// tells both as a gap.
func (s fakeSettings) remember(req connector.Request, emit connector.Emitter) error {
	const memory, position = connector.MemoryPrefix + "first", "last"
	told := fmt.Sprintf("memory %q, position %q", req.Cursors[memory], req.Cursors[position])
	err := emit.Gap(connector.Gap{Kinds: []string{fakeKind}, Scope: told, Reason: connector.Hidden, Detail: "of a test"})
	if _, ok := req.Cursors[memory]; !ok && err == nil {
		err = emit.Cursor(memory, s.Changed)
	}
	if err == nil {
		err = emit.Cursor(position, s.Changed)
	}
	return err
}

func (s fakeSettings) page(page int, req connector.Request, emit connector.Emitter) error {
	group := ""
	if s.Pages {
		group = fmt.Sprintf("page-%d", page)
		if req.Validators[group].ETag == "etag-"+s.Changed && !req.Full {
			count := min(100, s.Records-page*100)
			if s.Lost {
				group = "never-there"
			}
			return emit.Unchanged(group, count)
		}
	}
	for i := page * 100; i < min(page*100+100, s.Records); i++ {
		if s.Crash > 0 && i >= s.Crash {
			time.Sleep(700 * time.Millisecond) // longer than the host waits to fill a batch
			os.Exit(7)
		}
		if err := emit.Record(s.record(s.From+i, group)); err != nil {
			return err
		}
	}
	if !s.Pages {
		return nil
	}
	return emit.Validator(group, connector.Validator{ETag: "etag-" + s.Changed})
}

func (s fakeSettings) record(i int, group string) connector.Record {
	payload := map[string]any{"owner": "acme", "name": fmt.Sprintf("repo-%d", i), "id": i, "default_branch": "main", "topics": []string{s.Changed}}
	if s.Detailed {
		payload["description"] = strings.Repeat(fmt.Sprintf("about %d ", i), 90)
	}
	if s.Bad && i == s.From {
		payload["archived"] = "perhaps"
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	return connector.Record{Kind: fakeKind, Subject: connector.Subject{Type: "repository", ID: fmt.Sprintf("acme/repo-%d", i)},
		Key: fmt.Sprint(i), Group: group, Payload: raw}
}

// hostOf makes a host whose only connector is the test binary.
func hostOf(tb testing.TB) *pluginhost.Host {
	tb.Helper()
	return confinedHostOf(tb, pluginhost.ConfineOff)
}

// confinedHostOf makes such a host that confines it.
func confinedHostOf(tb testing.TB, mode pluginhost.ConfineMode) *pluginhost.Host {
	tb.Helper()
	dir := tb.TempDir()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	target := filepath.Join(dir, "exhibit-connector-fake")
	if err := copyFile(exe, target); err != nil {
		tb.Fatal(err)
	}
	lock, err := pluginhost.Lock(dir)
	if err != nil {
		tb.Fatal(err)
	}
	host, err := pluginhost.New(pluginhost.Options{Dir: dir, Confine: pluginhost.Confine{Mode: mode}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := lock.Write(host.LockPath()); err != nil {
		tb.Fatal(err)
	}
	return host
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
