package agent

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// kept lists what the store holds of records that broke their kind.
func kept(t *testing.T, c *Collector) []malformedRecord {
	t.Helper()
	var out []malformedRecord
	for ev, err := range c.Store.Evidence(t.Context(), store.EvidenceQuery{Kinds: []string{KindMalformed}, Payloads: true}) {
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := c.Catalog.Kind(KindMalformed)
		if errs := kind.Validate(ev.Payload); len(errs) > 0 {
			t.Errorf("the record that keeps it breaks its own kind: %v", errs)
		}
		var m malformedRecord
		if err := json.Unmarshal(ev.Payload, &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestMalformedIsKept: a record that breaks its kind is kept as it came, once,
// and is a gap of every run until it is mended; it is not of the kind that it
// claims to be.
func TestMalformedIsKept(t *testing.T) {
	c := newCollector(t)
	for range 2 {
		run := collect(t, c, fakeSettings{Records: 3, Bad: true})
		if run.Status != evidence.RunPartial || len(run.Gaps) != 1 || run.Gaps[0].Reason != "malformed" || run.Gaps[0].Scope != "acme/repo-0" {
			t.Fatalf("run %s with gaps %+v, want one that names acme/repo-0", run.Status, run.Gaps)
		}
		if k := run.Kinds[fakeKind]; k.Seen != 2 {
			t.Errorf("%d repositories, want the two that are right", k.Seen)
		}
	}
	list := kept(t, c)
	if len(list) != 1 || list[0].Kind != fakeKind || list[0].Key != "0" || !strings.Contains(list[0].Raw, `"archived":"perhaps"`) || !strings.Contains(list[0].Problem, "archived") {
		t.Errorf("kept %+v, want the repository with archived: perhaps, once", list)
	}
	if run := collect(t, c, fakeSettings{Records: 3}); run.Status != evidence.RunComplete || len(run.Gaps) != 0 {
		t.Errorf("mended, and the run is %s with gaps %+v", run.Status, run.Gaps)
	}
}

// TestMalformedForms: whatever a connector may hand over is kept, and a
// position after it is not.
func TestMalformedForms(t *testing.T) {
	c := newCollector(t)
	rec := newRecorder(c, evidence.Provenance{Source: "code", Connector: "fake"}, nil)
	if err := rec.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := func(key, payload string, major int) connector.Record {
		return connector.Record{Kind: fakeKind, Major: major, Subject: connector.Subject{Type: "repository", ID: "acme/" + key}, Key: key, Payload: []byte(payload)}
	}
	good := `{"owner":"acme","name":"r","id":1}`
	err := rec.Batch(t.Context(), pluginhost.Batch{
		Records: []connector.Record{one("later", good, 2), one("text", "no JSON", 1), one("bytes", "\xff\xfe", 1), one("list", `[1]`, 1),
			one("twice", `{"id":1,"id":2}`, 1), one(strings.Repeat("k", 3000), `{"id":"x"}`, 1)},
		Cursors: []pluginhost.Cursor{{Name: "after", Value: "7"}, {Name: connector.MemoryPrefix + "first", Value: "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]string{}
	for _, m := range kept(t, c) {
		raw[m.Key[:min(len(m.Key), 5)]] = m.Raw + m.RawBase64
	}
	for key, want := range map[string]string{"later": good, "text": "no JSON", "bytes": "//4=", "list": "[1]", "twice": `{"id":1,"id":2}`, "kkkkk": `{"id":"x"}`} {
		if raw[key] != want {
			t.Errorf("%s is kept as %q, want %q", key, raw[key], want)
		}
	}
	for ev, err := range c.Store.Evidence(t.Context(), store.EvidenceQuery{Kinds: []string{fakeKind}}) {
		t.Errorf("%s counts as a repository (%v)", ev.Key, err)
	}
	s, err := c.Store.State(t.Context(), "code")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cursors) != 1 || s.Cursors[connector.MemoryPrefix+"first"] != "1" {
		t.Errorf("cursors %v, want only what the source does not keep itself", s.Cursors)
	}
	if !strings.Contains(rec.run.Gaps[0].Detail, "major version 2") {
		t.Errorf("gap %+v, want the major version named", rec.run.Gaps[0])
	}
}

// TestHugeMalformed: what is too large to be kept even so is still a gap.
func TestHugeMalformed(t *testing.T) {
	c := newCollector(t)
	rec := newRecorder(c, evidence.Provenance{Source: "code"}, nil)
	var out store.Batch
	huge := connector.Record{Kind: fakeKind, Key: "1", Payload: []byte(strings.Repeat("x", store.MaxPayload))}
	rec.refuse(huge, errors.New("too large"))
	rec.keepMalformed(&out, huge, errors.New("too large"), time.Now())
	if len(out.Records) != 0 || len(rec.run.Gaps) != 1 {
		t.Errorf("%d records and %d gaps, want a gap alone", len(out.Records), len(rec.run.Gaps))
	}
}
