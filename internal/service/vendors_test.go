package service

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// vendorStore holds records that were read at instants.
type vendorStore struct {
	t   *testing.T
	st  store.Store
	now time.Time
	n   int
}

func (v *vendorStore) read(at, kind, key, payload string) {
	v.t.Helper()
	v.n++
	when := vendorAt(v.t, at)
	canonical, err := evidence.Canonical([]byte(payload))
	if err != nil {
		v.t.Fatal(err)
	}
	run := evidence.Run{ID: "run-" + key + at, StartedAt: when, Provenance: evidence.Provenance{Source: "vendors"}}
	r := evidence.Record{Kind: kind, Major: 1, Subject: evidence.Subject{Type: "vendor", ID: key}, Key: key, Payload: canonical, CollectedAt: when, EventTime: when}
	v.now = when
	for _, b := range []store.Batch{{Open: &run}, {Run: run.ID, Records: []evidence.Record{r}}} {
		if _, err := v.st.Append(v.t.Context(), b); err != nil {
			v.t.Fatal(err)
		}
	}
}

func vendorAt(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestVendors: a vendor is what its newest records say, with the history of what
// it changed; a model that the register names is in use, with a date or without.
func TestVendors(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v := &vendorStore{t: t}
	v.st = memory.New(key.Signer(), func() time.Time { return v.now.Add(time.Hour) })
	v.read("2026-01-05", "vendor.record", "acme", `{"vendor_id":"acme","legal_name":"Acme Inc","systems":["a"],"criticality":"normal"}`)
	v.read("2026-01-06", "inventory.ai_system", "sys-b", `{"system_id":"b","vendors":["acme","other"],"models":["m-1","m-lost"]}`)
	v.read("2026-01-07", "inventory.ai_system", "sys-gone", `{"system_id":"gone","vendors":["acme"],"models":["m-2"],"retired_at":"2026-01-01"}`)
	v.read("2026-01-08", "vendor.model_lifecycle", "m-1", `{"vendor":"acme","model_id":"m-1","status":"deprecated","announced_at":"2026-01-08","shutdown_at":"2026-09-01T00:00:00Z","replacement":"m-2"}`)
	v.read("2026-01-09", "vendor.model_lifecycle", "m-2", `{"vendor":"acme","model_id":"m-2","status":"active","announced_at":"2026-01-08"}`)
	v.read("2026-02-01", "vendor.model_observation", "o-1", `{"vendor":"acme","requested_model":"m-1","served_model":"m-1-0101","system_id":"b","observed_at":"2026-02-01"}`)
	v.read("2026-02-02", "vendor.model_observation", "o-2", `{"vendor":"acme","requested_model":"m-1","served_model":"m-1-0101","system_id":"b","observed_at":"2026-02-02"}`)
	v.read("2026-02-03", "vendor.model_observation", "o-3", `{"vendor":"acme","requested_model":"m-1","served_model":"m-1-0202","system_id":"b","observed_at":"2026-02-03"}`)
	v.read("2026-02-04", "vendor.incident", "i-1", `{"vendor":"acme","incident_id":"i-1","name":"slow","impact":"minor","status":"investigating","started_at":"2026-02-04"}`)
	v.read("2026-02-05", "vendor.terms_revision", "t-1", `{"vendor_id":"acme","url":"https://acme.example/terms","page_type":"terms","fetched_at":"2026-02-05","content_sha256":"b","previous_sha256":"a","diff_summary":"3 lines"}`)
	v.read("2026-02-06", "vendor.assessment", "a-1", `{"vendor_id":"acme","topics":{"security":{"ok":true},"output_logging":null},"approved_by":"ines","approved_at":"2026-02-06"}`)
	v.read("2026-02-07", "vendor.record", "broken", `{"vendor_id":5}`)
	v.read("2026-03-01", "vendor.record", "acme", `{"vendor_id":"acme","legal_name":"Acme Ltd","systems":["a"],"criticality":"critical"}`)
	v.read("2026-03-02", "vendor.incident", "i-1", `{"vendor":"acme","incident_id":"i-1","name":"slow","impact":"minor","status":"resolved","started_at":"2026-02-04","resolved_at":"2026-02-05"}`)

	s := New(Options{Store: v.st})
	at := func(day string, past bool) *Vendor {
		t.Helper()
		view := &View{Past: past, Assessment: &assess.Assessment{AsOf: vendorAt(t, day)}}
		view.Assessment.Checkpoint.Size = 1 << 20
		view.Assessment.Results = []*assess.Result{{Expectation: slugMigration, Subject: evidence.Subject{Type: "model", ID: "m-1"}, Status: assess.StatusMissing}}
		l, err := s.Vendors(t.Context(), view)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Unplaced) != 1 || l.Unplaced[0].Name != "m-lost" || !l.Unplaced[0].InUse() {
			t.Errorf("unplaced: %+v", l.Unplaced)
		}
		if _, err := l.Vendor("acne"); err == nil || !strings.Contains(remedyOf(err), "acme") {
			t.Errorf("a vendor that is not there: %v", err)
		}
		if _, err := l.Vendor("5"); err == nil {
			t.Error("a broken record makes a vendor")
		}
		a, err := l.Vendor("acme")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, a := range map[string]*Vendor{"now": at("2026-03-03", false), "past": at("2026-02-20", true)} {
		wantName, wantOpen := "Acme Ltd", 0
		if name == "past" {
			wantName, wantOpen = "Acme Inc", 1
		}
		if a.Name != wantName || a.Open != wantOpen || strings.Join(a.Systems, " ") != "a b" {
			t.Errorf("%s: %q, %d open, systems %v", name, a.Name, a.Open, a.Systems)
		}
		if a.Assessed == nil || a.Assessed.By != "ines" || strings.Join(a.Assessed.Topics, " ") != "security" || len(a.Assessed.Left) != 4 {
			t.Errorf("%s: assessed %+v", name, a.Assessed)
		}
		if len(a.Models) != 2 {
			t.Fatalf("%s: models %+v", name, a.Models)
		}
		m := a.Models[0]
		if m.Name != "m-1" || !m.InUse() || m.Shutdown.Format(time.DateOnly) != "2026-09-01" || m.Replacement != "m-2" || m.Migration == nil || strings.Join(m.Systems, " ") != "b" ||
			len(m.Served) != 2 || m.Served[0].Name != "m-1-0202" || m.Served[1].Last.Format(time.DateOnly) != "2026-02-02" {
			t.Errorf("%s: %+v", name, m)
		}
		if other := a.Models[1]; other.InUse() || other.Name != "m-2" {
			t.Errorf("%s: what only a retired system names is in use: %+v", name, other)
		}
		var what []string
		for _, c := range a.Changes {
			what = append(what, c.At.Format("01-02")+" "+c.What)
		}
		if got, want := strings.Join(what, ", "), "02-06 assessment, 02-05 page, 02-04 incident, 02-03 model, 02-01 model, 01-08 lifecycle"; got != want {
			t.Errorf("%s: changes %s, want %s", name, got, want)
		}
	}
}

// TestVendorChangesAreBounded: of very many changes the newest are kept.
func TestVendorChangesAreBounded(t *testing.T) {
	d := &vendorDraft{}
	start := vendorAt(t, "2020-01-01")
	for i := range 5*KeptChanges + 7 {
		d.changed(VendorChange{At: start.AddDate(0, 0, (i*7919)%(5*KeptChanges+7)), What: "page"})
	}
	d.trim()
	if len(d.Changes) != KeptChanges || d.Older != 4*KeptChanges+7 || !d.Changes[0].At.Equal(start.AddDate(0, 0, 5*KeptChanges+6)) {
		t.Errorf("%d kept, %d older, newest %v", len(d.Changes), d.Older, d.Changes[0].At)
	}
}

func remedyOf(err error) string {
	var m Mistake
	if errors.As(err, &m) {
		return m.Remedy
	}
	return ""
}
