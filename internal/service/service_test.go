package service_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// place is where services meet: a store, its locks and a clock.
type place struct {
	t         *testing.T
	now       time.Time
	cfg       *configfile.Config
	catalog   *catalog.Catalog
	store     store.Store
	key       *ledger.Key
	collector *agent.Collector
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	reg, err := fs.ReadFile(config.FS, "example/register.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"exhibit.yaml": []byte("version: 1\norganization: Northwind\nregister: register.yaml\n"), "register.yaml": reg} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &place{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	if p.catalog, err = catalog.Load(config.FS); err != nil {
		t.Fatal(err)
	}
	if p.cfg, err = configfile.Load(filepath.Join(dir, "exhibit.yaml"), configfile.Known{Kinds: p.catalog.KindIDs()}); err != nil {
		t.Fatal(err)
	}
	if p.key, err = ledger.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return p.now }
	p.store = memory.New(p.key.Signer(), clock)
	p.collector = &agent.Collector{Store: p.store, Catalog: p.catalog, Clock: clock, Version: "test", Logger: slog.New(slog.DiscardHandler)}
	if _, err := p.collector.CollectRegister(t.Context(), p.cfg.Register); err != nil {
		t.Fatal(err)
	}
	return p
}

// service is one of several that share the place, as nodes do.
func (p *place) service() *service.Service {
	return service.New(service.Options{Config: p.cfg, Catalog: p.catalog, Store: p.store, Key: p.key, Recorder: p.collector,
		Locks: agent.Locks{Dir: filepath.Join(filepath.Dir(p.cfg.Path), "locks")}, Logger: slog.New(slog.DiscardHandler),
		Clock: func() time.Time { return p.now }, Version: "test"})
}

func (p *place) person(s *service.Service, id, account string) people.Person {
	p.t.Helper()
	who, err := s.Person(id, account)
	if err != nil {
		p.t.Fatal(err)
	}
	return who
}

func (p *place) desk(s *service.Service, who people.Person) *service.Desk {
	p.t.Helper()
	d, err := s.Desk(p.t.Context(), who)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// TestConclude: what an assessment opens is on record once, and the view after
// it is whole and up to date.
func TestConclude(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	v, err := s.Conclude(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for _, f := range v.Findings {
		if f.State.IsOpen() {
			open++
		}
		if !f.Recorded {
			t.Errorf("finding %s is not in the ledger as it is shown", f.ID)
		}
	}
	if open == 0 || len(v.Owners) == 0 || len(v.Systems()) == 0 {
		t.Fatalf("%d open findings, %d owners, %d systems", open, len(v.Owners), len(v.Systems()))
	}
	if behind, err := s.Behind(t.Context(), v); err != nil || behind != 0 {
		t.Errorf("behind by %d: %v", behind, err)
	}
	if _, err := p.collector.CollectRegister(t.Context(), p.cfg.Register); err != nil {
		t.Fatal(err)
	}
	if behind, err := s.Behind(t.Context(), v); err != nil || behind == 0 {
		t.Errorf("after another run, behind by %d: %v", behind, err)
	}
}

// TestNodesOpenEachFindingOnce: of nodes that conclude at the same time none
// opens what another one has opened.
func TestNodesOpenEachFindingOnce(t *testing.T) {
	p := newPlace(t)
	var wg sync.WaitGroup
	for range 4 {
		s := p.service()
		wg.Go(func() {
			for range 3 {
				if _, err := s.Conclude(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	opened := map[string]int{}
	for e, err := range p.store.Entries(t.Context(), 0, 1<<62, evidence.EntryFinding) {
		if err != nil {
			t.Fatal(err)
		}
		events, err := finding.ParseBody(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			if ev.Type == finding.Opened {
				opened[ev.Finding]++
			}
		}
	}
	if len(opened) == 0 {
		t.Fatal("nothing was opened")
	}
	for id, n := range opened {
		if n != 1 {
			t.Errorf("finding %s was opened %d times", id, n)
		}
	}
}

// TestSecondPerson: whoever asked cannot approve, under any account; nor can
// another person from the same account.
func TestSecondPerson(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	v, err := s.Conclude(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var f service.FindingRow
	for _, row := range v.Findings {
		if row.State.IsOpen() {
			f = row
		}
	}
	d := p.desk(s, p.person(s, "ines", "ines@here"))
	w, err := d.RequestWaiver(t.Context(), people.Waiver{Expectation: f.Expectation, Reason: "a trial", CompensatingControls: "read by hand"},
		f.Subject.Type+"/"+f.Subject.ID, p.now.AddDate(0, 3, 0))
	d.Leave()
	if err != nil {
		t.Fatal(err)
	}
	approve := func(p people.Policy, who people.Person, w people.Waiver, _ string, now time.Time) (people.Waiver, evidence.Record, error) {
		return p.Approve(who, w, now)
	}
	var refusal *people.Refusal
	for _, c := range []struct{ id, account string }{{"ines", "ines@here"}, {"ines", "oidc:x#other"}, {"marek", "ines@here"}} {
		d := p.desk(s, p.person(s, c.id, c.account))
		if _, err := d.StepWaiver(t.Context(), w.ID, "", approve); !errors.As(err, &refusal) {
			t.Errorf("%s from %s approved it: %v", c.id, c.account, err)
		}
		d.Leave()
	}
	d = p.desk(s, p.person(s, "marek", "marek@here"))
	w, err = d.StepWaiver(t.Context(), w.ID, "", approve)
	d.Leave()
	if err != nil || w.State(p.now) != people.WaiverActive {
		t.Errorf("marek could not: %v, %s", err, w.State(p.now))
	}
}

// TestImportedUploads: what a file says was handed in is accepted by neither the
// person that the file names, nor who imported it, nor who imported the record
// that comes with it, under any account.
func TestImportedUploads(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	bring := func(person, account, source, lines string) {
		t.Helper()
		o := importfile.Options{Catalog: p.catalog, Source: source, Now: p.now, Person: person, Account: account, Refuse: people.FromFile}
		if _, err := p.collector.Import(t.Context(), strings.NewReader(lines), o, nil); err != nil {
			t.Fatal(err)
		}
	}
	plan := `{"kind":"risk.acceptance","subject":{"type":"ai_system","id":"a"},"key":"1","payload":{"risk_id":"1"}}` + "\n"
	bring("ines", "ines@here", "plans", plan)
	var sum string
	for ev, err := range p.store.Evidence(t.Context(), store.EvidenceQuery{Source: "plans"}) {
		if err != nil {
			t.Fatal(err)
		}
		sum = ev.Digest.String()
	}
	upload := func(id, sum string) string {
		return `{"kind":"evidence.manual_upload","subject":{"type":"record","id":"` + id + `"},"key":"` + id + `","payload":{"upload_id":"` + id + `","sha256":"` + sum + `","uploader":"sade"}}` + "\n"
	}
	bring("marek", "marek@here", "forms", upload("UP-1", strings.Repeat("0", 64)))
	bring("marek", "marek@here", "forms2", upload("UP-2", sum))
	bring("marek", "marek@here", "forms3", `{"run":{"source":"forms3","identity":"sade (other@there)","method":"upload"}}`+"\n"+upload("UP-3", strings.Repeat("1", 64)))
	for _, c := range []struct{ upload, id, account, refused string }{
		{"UP-1", "sade", "sade@here", "began it"},
		{"UP-1", "marek", "oidc:https://login.example#marek", "marek imported it"},
		{"UP-1", "ines", "marek@here", "imported under the account"},
		{"UP-2", "ines", "ines@here", "ines imported it"},
		{"UP-3", "sade", "oidc:https://login.example#sade", "began it"},
		{"UP-3", "marek", "marek@there", "marek imported it"},
		{"UP-1", "ines", "ines@here", ""},
	} {
		d := p.desk(s, p.person(s, c.id, c.account))
		_, err := d.Review(t.Context(), c.upload, people.Accepted, "")
		d.Leave()
		if r := (*people.Refusal)(nil); c.refused == "" && err != nil || c.refused != "" && (!errors.As(err, &r) || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s by %s from %s: %v, want %q", c.upload, c.id, c.account, err, c.refused)
		}
	}
	p.cfg.People.SharedAccount = true
	d := p.desk(s, p.person(s, "marek", "marek@here"))
	if _, err := d.Review(t.Context(), "UP-3", people.Accepted, ""); err == nil {
		t.Error("who imported it accepts it where all share an account")
	}
	d.Leave()
	d = p.desk(s, p.person(s, "ines", "marek@here"))
	if _, err := d.Review(t.Context(), "UP-3", people.Accepted, ""); err != nil {
		t.Error(err)
	}
	d.Leave()
}

// TestKeepCurrent: after an act the next view shows it, without being asked.
func TestKeepCurrent(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	v, err := s.Conclude(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := v.Findings[0].ID
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.KeepCurrent(ctx, time.Hour, func(err error) { t.Error(err) })
	}()
	d := p.desk(s, p.person(s, "marek", "marek@here"))
	_, err = d.Acknowledge(t.Context(), id, "seen")
	d.Leave()
	if err != nil {
		t.Fatal(err)
	}
	for {
		now, err := s.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f, err := now.Finding(id); err == nil && f.State == finding.Noted {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("no view shows it")
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	<-done
}

// TestMistakes: what cannot be asked for says so, with a remedy, and what is
// nearly called so.
func TestMistakes(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	v, err := s.Conclude(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, future := s.At(t.Context(), p.now.Add(time.Hour))
	_, system := v.System("claims-triag")
	_, control := v.Control("A.99")
	_, _, rule := v.Expectation("vendor-assesed")
	_, life := v.Finding("F-0")
	_, who := s.Person("ine", "x")
	_, proof := s.Proof(t.Context(), 1<<40)
	for name, err := range map[string]error{"future": future, "system": system, "control": control, "rule": rule, "finding": life, "person": who, "proof": proof} {
		var hint interface{ Hint() string }
		if !service.IsMistake(err) || !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for err, near := range map[error]string{system: "claims-triage", rule: "vendor-assessed", who: "ines"} {
		var hint interface{ Hint() string }
		if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), near) {
			t.Errorf("%v: the hint does not name %s", err, near)
		}
	}
	past, err := s.At(t.Context(), p.now.Add(-time.Hour))
	if err != nil || !past.Past || len(past.Expiring) != 0 {
		t.Errorf("an hour ago: %v", err)
	}
}
