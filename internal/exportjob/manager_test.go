package exportjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/sandbox"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// office is an organisation that orders exports.
type office struct {
	*Manager
	now   time.Time
	store store.Store
}

func open(t *testing.T, o Options) *office {
	t.Helper()
	of := &office{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	world, err := sandbox.Start(t.Context(), sandbox.Options{Now: of.now, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	world.Close()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configfile.Load(filepath.Join(dir, "exhibit.yaml"), configfile.Known{Kinds: cat.KindIDs()})
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return of.now }
	of.store = memory.New(key.Signer(), clock)
	log := slog.New(slog.DiscardHandler)
	c := &agent.Collector{Store: of.store, Catalog: cat, Clock: clock, Version: "test", Logger: log}
	if _, err := c.CollectRegister(t.Context(), filepath.Join(dir, "register.yaml")); err != nil {
		t.Fatal(err)
	}
	o.Service = service.New(service.Options{Config: cfg, Catalog: cat, Store: of.store, Key: key, Recorder: c,
		Locks: agent.Locks{Dir: filepath.Join(dir, "locks")}, Logger: log, Clock: clock, Version: "test", User: "agent"})
	o.Logger, o.Clock, o.Dir = log, clock, t.TempDir()
	if of.Manager, err = Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := of.Close(); err != nil {
			t.Error(err)
		}
	})
	return of
}

// work makes what was ordered.
func (of *office) work(t *testing.T) {
	t.Helper()
	for len(of.orders) > 0 {
		of.run(t.Context(), <-of.orders)
	}
}

var (
	ines = Account{"oidc:https://id.example#ines", "ines"}
	omar = Account{"oidc:https://id.example#omar", "omar"}
)

func TestEveryExportIsMadeRecordedAndFetchedByWhoOrderedIt(t *testing.T) {
	of := open(t, Options{Waiting: 20})
	for _, kind := range Kinds() {
		j, err := of.Start(ines, Order{What: kind.What})
		if err != nil {
			t.Fatalf("%s: %v", kind.What, err)
		}
		if _, _, err := of.Fetch(ines, j.ID); err == nil {
			t.Errorf("%s can be fetched before it is made", kind.What)
		}
		of.work(t)
		if kind.What == SoA && func() bool { j, err = of.Job(ines, j.ID); return err == nil && j.State == Failed }() {
			if !strings.Contains(j.Error, "statement of applicability") || j.Hint == "" {
				t.Errorf("the statement failed with %q, hint %q", j.Error, j.Hint)
			}
			continue
		}
		f, done, err := of.Fetch(ines, j.ID)
		if err != nil {
			t.Fatalf("%s: %v (%+v)", kind.What, err, done)
		}
		content, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if done.SHA256 != hex.EncodeToString(sum[:]) || done.Bytes != int64(len(content)) || len(content) == 0 {
			t.Errorf("%s: %d bytes with digest %x, the job says %d and %s", kind.What, len(content), sum, done.Bytes, done.SHA256)
		}
		onRecord(t, of, done)
		if _, _, err := of.Fetch(omar, j.ID); err == nil {
			t.Errorf("%s can be fetched by another account", kind.What)
		}
	}
	if len(of.Jobs(omar)) != 0 {
		t.Error("an account sees the jobs of another")
	}
}

// onRecord fails unless the ledger says what was handed out, and to whom.
func onRecord(t *testing.T, of *office, j Job) {
	t.Helper()
	size, err := of.o.Service.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range of.store.Entries(t.Context(), 0, size, evidence.EntryExport) {
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ What, SHA256, By, Account string }
		if err := json.Unmarshal(e.Body, &body); err != nil {
			t.Fatal(err)
		}
		if body.SHA256 == j.SHA256 && body.What == j.What && body.By == "ines" && body.Account == ines.ID {
			return
		}
	}
	t.Errorf("the ledger does not say that %s %s was handed to ines", j.What, j.SHA256)
}

func TestWhatIsKeptIsBoundedAndRemoved(t *testing.T) {
	of := open(t, Options{Bytes: 2000, Waiting: 2})
	first, err := of.Start(ines, Order{What: Workbook})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := of.Start(ines, Order{What: Workbook}); err != nil {
		t.Fatal(err)
	}
	if _, err := of.Start(ines, Order{What: Workbook}); !service.IsMistake(err) {
		t.Errorf("a third is taken while two wait: %v", err)
	}
	of.work(t)
	j, err := of.Job(ines, first.ID)
	if err != nil || j.State != Failed || !strings.Contains(j.Error, "room") {
		t.Errorf("a workbook of more than 2000 bytes is %+v, %v", j, err)
	}
	if files, err := os.ReadDir(of.dir); err != nil || len(files) > 0 {
		t.Errorf("files are left of what failed: %v, %v", files, err)
	}
	of.now = of.now.Add(2 * time.Hour)
	if _, err := of.Job(ines, first.ID); err != nil {
		t.Fatal(err)
	}
	if jobs := of.Jobs(ines); len(jobs) != 0 {
		t.Errorf("jobs that grew old are still known: %+v", jobs)
	}
}

func TestWhatCannotBeMadeIsRefusedAtOnce(t *testing.T) {
	of := open(t, Options{})
	for name, o := range map[string]Order{
		"no such export": {What: "poem"},
		"the future":     {What: Workbook, AsOf: of.now.Add(time.Hour)},
		"since after":    {What: Workbook, Since: of.now.Add(time.Hour)},
		"period":         {What: Workbook, Period: &evidence.Period{From: of.now, To: of.now.Add(-time.Hour)}},
		"profile":        {What: Bundle, Redact: "everything"},
		"used":           {What: Workbook, Used: true},
	} {
		if _, err := of.Start(ines, o); !service.IsMistake(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStoppingEndsWhatWaits(t *testing.T) {
	of := open(t, Options{})
	j, err := of.Start(ines, Order{What: Workbook})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	of.Run(ctx)
	if got, err := of.Job(ines, j.ID); err != nil || got.State != Failed || got.Hint == "" {
		t.Errorf("after a stop the job is %+v, %v", got, err)
	}
}
