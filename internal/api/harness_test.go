package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/sandbox"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
	"github.com/exhibit-aims/exhibit/internal/ticket"
	"github.com/exhibit-aims/exhibit/internal/trace"
)

// org is an organisation with an API.
type org struct {
	t         testing.TB
	dir       string
	now       time.Time
	store     store.Store
	collector *agent.Collector
	service   *service.Service
	api       *API
	exports   *exportjob.Manager
}

// What reader makes once, and where.
var (
	onlyOnce  sync.Once
	shared    *org
	sharedDir string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exhibit-api-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sharedDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// reader is an organisation for tests that change nothing: it is made once.
func reader(t testing.TB) *org {
	t.Helper()
	onlyOnce.Do(func() { shared = sandboxOrg(t, sharedDir) })
	if shared == nil {
		t.Fatal("the organisation was not made")
	}
	mine := *shared
	mine.t = t
	return &mine
}

// actor is an organisation for a test that puts something on record.
func actor(t testing.TB) *org {
	t.Helper()
	return sandboxOrg(t, t.TempDir())
}

// sandboxOrg is the sandbox organisation as far as its register and the files
// that it imports go: nothing is read from a server.
func sandboxOrg(t testing.TB, dir string) *org {
	t.Helper()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	world, err := sandbox.Start(t.Context(), sandbox.Options{Now: now, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	world.Close()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	o := &org{t: t, dir: dir, now: now}
	o.store = memory.New(key.Signer(), func() time.Time { return o.now })
	o.make(key)
	if _, err := o.collector.CollectRegister(t.Context(), filepath.Join(dir, "register.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, in := range world.Imports() {
		text, err := os.ReadFile(filepath.Join(dir, in.Path))
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.collector.Import(t.Context(), bytes.NewReader(text), importfile.Options{Catalog: o.collector.Catalog, Source: in.Source, Now: now, Person: "exhibit try"}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.collector.CollectShadow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.service.Conclude(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

// make puts an API before the store.
func (o *org) make(key *ledger.Key) {
	t := o.t
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configfile.Load(filepath.Join(o.dir, "exhibit.yaml"), configfile.Known{Kinds: cat.KindIDs()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	clock := func() time.Time { return o.now }
	o.collector = &agent.Collector{Store: o.store, Catalog: cat, Clock: clock, Version: "test", Logger: log}
	o.service = service.New(service.Options{Config: cfg, Catalog: cat, Store: o.store, Key: key, Recorder: o.collector,
		Locks: agent.Locks{Dir: filepath.Join(o.dir, "locks")}, Logger: log, Clock: clock, Version: "test", User: "tester"})
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(o.dir, "ops.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	exports, err := exportjob.Open(exportjob.Options{Service: o.service, Logger: log, Clock: clock, Dir: o.dir})
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := agent.OpenSchedule(t.Context(), db, log)
	if err != nil {
		t.Fatal(err)
	}
	o.exports = exports
	o.api, err = New(Options{DB: db, Exports: exports, Schedule: schedule, Telling: telling{}, Delivers: func(context.Context) (trace.Delivers, error) { return trace.BuiltIn(config.FS) }, Service: o.service, Logger: log, Clock: clock, Version: "0.0.0-test",
		Payload: access.NewJournal(func(ctx context.Context, entries ...store.NewEntry) error {
			_, err := o.store.Append(ctx, store.Batch{Entries: entries})
			return err
		}, clock)})
	if err != nil {
		t.Fatal(err)
	}
}

// telling tells nobody.
type telling struct{}

func (telling) Channels(context.Context) (notify.Status, error) { return notify.Status{}, nil }

func (telling) Tickets(context.Context) ([]*ticket.Row, []ticket.TrackerStatus, error) {
	return []*ticket.Row{{Tracker: "jira", Finding: "F-1", State: "open"}}, nil, nil
}

// someone is a principal with roles, who is a person of the register or nobody.
func someone(person string, roles ...access.Role) access.Principal {
	name := person
	if name == "" {
		name = "somebody"
	}
	return access.Principal{Account: access.OIDCAccount("https://id.example", name), Name: name, Person: person, Roles: roles, Via: access.ViaOIDC}
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
}

// ask asks as somebody. body may be nil, text, or what is written as JSON.
func (o *org) ask(who access.Principal, method, path string, body any, headers ...string) *answer {
	o.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			o.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req := httptest.NewRequestWithContext(access.WithPrincipal(o.t.Context(), who), method, path, in)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.api.ServeHTTP(w, req)
	a := &answer{Response: w.Result(), text: w.Body.String()}
	return a
}

func (o *org) get(who access.Principal, path string, headers ...string) *answer {
	o.t.Helper()
	return o.ask(who, http.MethodGet, path, nil, headers...)
}

// want fails unless an answer has a status and holds texts.
func (a *answer) want(t testing.TB, status int, texts ...string) *answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d:\n%.2000s", a.StatusCode, status, a.text)
	}
	for _, s := range texts {
		if !strings.Contains(a.text, s) {
			t.Errorf("the answer does not say %q:\n%.3000s", s, a.text)
		}
	}
	return a
}

// into reads the body.
func (a *answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%v:\n%.2000s", err, a.text)
	}
}
