package documents

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func recordSettings(r *testRepo) map[string]any {
	return map[string]any{
		"repository": r.dir, "name": "gov",
		"records": []any{map[string]any{"glob": "records/**", "kinds": []string{"risk.assessment", "vendor.assessment", "document.approval", "objective.measurement"}}},
	}
}

const goodAssessment = `# one per system
kind: risk.assessment
assessment_id: RA-1
system_id: support-bot
system_version: 2.10
risks:
  - {source: drift, level: high}
assessor: Ann
approved_by: Bo
approved_at: 2026-03-02
`

func goodAssessmentOf(day string) string {
	return strings.Replace(goodAssessment, "2026-03-02", day, 1)
}

func TestRecordFile(t *testing.T) {
	r := newTestRepo(t)
	h := r.commit(at(3, 2, 16), map[string]string{"records/risk.yaml": goodAssessment})
	rec, cov := run(t, recordSettings(r), nil)
	if len(rec.Records()) != 1 || len(rec.Gaps()) != 0 {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	got := rec.Records()[0]
	want := connector.Record{
		Kind: "risk.assessment", Major: 1, Subject: connector.Subject{Type: "ai_system", ID: "support-bot"},
		Key: "RA-1", Group: group, EventTime: at(3, 2, 0), Payload: got.Payload,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantPayload := map[string]any{
		"assessment_id": "RA-1", "system_id": "support-bot", "system_version": "2.10", "assessor": "Ann", "approved_by": "Bo",
		"approved_at": "2026-03-02T00:00:00Z", "risks": []any{map[string]any{"source": "drift", "level": "high"}},
		"source_commit": h.String(), "source_path": "records/risk.yaml", "source_committed_at": "2026-03-02T16:00:00Z",
		"source_committed_by": "Carl Committer <carl@example.com>", "source_sha256": sum(goodAssessment),
	}
	if diff := cmp.Diff(wantPayload, connectortest.Payload(t, got)); diff != "" {
		t.Error(diff)
	}
	if c := cov["vendor.assessment"]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("a kind that the settings name and no file carries is looked for: %+v", c)
	}
	if c := cov["impact.assessment"]; c.Status != connector.NotRead {
		t.Errorf("a kind that the settings do not name is not read: %+v", c)
	}
}

func TestRecordFilesThatAreRefused(t *testing.T) {
	sha := strings.Repeat("a", 64)
	for name, tt := range map[string]struct{ file, content, want string }{
		"event after the commit":   {"a.yaml", strings.Replace(goodAssessment, "2026-03-02", "2026-03-03", 1), "later than the commit"},
		"event later that day":     {"a.yaml", strings.Replace(goodAssessment, "2026-03-02", "2026-03-02T16:00:01Z", 1), "later than the commit"},
		"a day that is none":       {"a.yaml", strings.Replace(goodAssessment, "2026-03-02", "2026-02-30", 1), "is not a time"},
		"a wrong type":             {"a.yaml", strings.Replace(goodAssessment, "Ann", "[Ann, Bo]", 1), "field assessor: want text, got a list"},
		"no subject":               {"a.yaml", "kind: risk.assessment\nassessment_id: x\n", "field system_id: missing"},
		"no kind":                  {"a.yaml", "assessment_id: x\n", "kind: missing"},
		"kind not expected here":   {"a.yaml", "kind: soa.record\nversion: 1\n", "not among the kinds"},
		"kind that no file shows":  {"a.yaml", "kind: github.pull_request\n", "not among the kinds"},
		"approval of nothing":      {"a.yaml", "kind: document.approval\ndoc_id: p\napprover: Bo\napproved_at: 2026-01-01\n", "field sha256"},
		"approval with a bad hash": {"a.yaml", "kind: document.approval\ndoc_id: p\nsha256: " + sha[:63] + "G\napprover: Bo\n", "field sha256"},
		"forged source":            {"a.yaml", goodAssessment + "source_commit: abc\n", "written by the connector"},
		"field twice":              {"a.yaml", goodAssessment + "assessor: Bo\n", "assessor"},
		"alias":                    {"a.yaml", "kind: &k risk.assessment\nassessment_id: *k\n", "not allowed"},
		"tag":                      {"a.yaml", "kind: !!str risk.assessment\n", "not allowed"},
		"deep":                     {"a.yaml", "kind: risk.assessment\nx: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", "deeper"},
		"not YAML":                 {"a.yaml", "kind: [\n", "not YAML"},
		"empty":                    {"a.yaml", "# nothing\n", "no record in it"},
		"a list of texts":          {"a.yaml", "- one\n- two\n", "want fields"},
		"JSON twice":               {"a.json", `{"kind":"risk.assessment","kind":"vendor.assessment"}`, "there twice"},
		"JSON and more":            {"a.json", `{} {}`, "more than one value"},
		"number beyond 2^53":       {"a.json", `{"kind":"risk.assessment","assessment_id":"1","system_id":"s","x":9007199254740993}`, "kept exactly"},
		"another format":           {"a.odt", "kind,x\n", "YAML, JSON, Markdown"},
		"too large":                {"a.yaml", "kind: risk.assessment\nx: " + strings.Repeat("y", maxRecordBytes), "larger"},
		"control character in id":  {"a.json", `{"kind":"risk.assessment","assessment_id":"a\u0007b","system_id":"s"}`, "control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRepo(t)
			r.commit(at(3, 2, 16), map[string]string{"records/" + tt.file: tt.content})
			rec, cov := run(t, recordSettings(r), nil)
			if len(rec.Records()) != 0 || len(rec.Gaps()) == 0 {
				t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
			}
			if d := rec.Gaps()[0].Detail; !strings.Contains(d, tt.want) {
				t.Errorf("detail %q, want it to say %q", d, tt.want)
			}
			for _, k := range rec.Gaps()[0].Kinds {
				if cov[k].Status != connector.Partial {
					t.Errorf("coverage of %s: %+v", k, cov[k])
				}
			}
		})
	}
}

func TestSeveralRecordsAndOneBad(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(3, 2, 16), map[string]string{
		"records/v.yaml": "kind: vendor.assessment\nvendor_id: acme\napproved_at: 2026-01-05\n---\nkind: vendor.assessment\napproved_at: 2026-01-06\n---\nkind: vendor.assessment\nvendor_id: draft\n",
		"records/m.md":   "---\nkind: risk.assessment\nassessment_id: RA-9\nsystem_id: s\n---\nprose\n",
		"records/l.json": `[{"kind":"objective.measurement","objective_id":"O1","period":"2026-Q1","value":0.97,"measured_at":"2026-03-01T00:00:00+02:00"}]`,
	})
	rec, _ := run(t, recordSettings(r), nil)
	got := map[string]string{}
	for _, x := range rec.Records() {
		got[x.Kind+" "+x.Key] = x.EventTime.Format(time.RFC3339)
	}
	want := map[string]string{
		"vendor.assessment acme|2026-01-05T00:00:00Z": "2026-01-05T00:00:00Z",
		"vendor.assessment draft|-":                   "0001-01-01T00:00:00Z",
		"risk.assessment RA-9":                        "0001-01-01T00:00:00Z",
		"objective.measurement O1|2026-Q1":            "2026-02-28T22:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(rec.Gaps()) == 0 || !strings.Contains(rec.Gaps()[0].Detail, "record 2: vendor.assessment: field vendor_id: missing") {
		t.Errorf("gaps %v", rec.Gaps())
	}
}

func TestSameRecordInTwoFiles(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(3, 2, 16), map[string]string{"records/a.yaml": goodAssessment, "records/b.yaml": goodAssessment})
	rec, _ := run(t, recordSettings(r), nil)
	if len(rec.Records()) != 0 || len(rec.Gaps()) != 2 || !strings.Contains(rec.Gaps()[0].Detail, "more than one place (records/a.yaml, records/b.yaml)") {
		t.Errorf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
}

func TestOnlyWantedKinds(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(3, 2, 16), map[string]string{"records/a.yaml": goodAssessment})
	b, err := json.Marshal(recordSettings(r))
	if err != nil {
		t.Fatal(err)
	}
	rec := connectortest.NewRecorder()
	cov, err := New().Collect(t.Context(), connector.Request{Config: connector.Config{Settings: b}, Kinds: []string{"vendor.assessment", records.KindDocumentRevision}}, rec)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]connector.CoverageStatus{"vendor.assessment": connector.Complete, records.KindDocumentRevision: connector.NotRead}
	got := map[string]connector.CoverageStatus{}
	for k, c := range cov {
		got[k] = c.Status
	}
	if diff := cmp.Diff(want, got); diff != "" || len(rec.Records()) != 0 {
		t.Errorf("records %v, coverage:\n%s", rec.Records(), diff)
	}
}

// A day is compared with the committer's day, not with the day in UTC.
func TestDayOfTheCommitter(t *testing.T) {
	r := newTestRepo(t)
	sydney := time.FixedZone("", 11*3600)
	r.commit(time.Date(2026, 3, 2, 9, 0, 0, 0, sydney), map[string]string{"records/a.yaml": goodAssessment})
	rec, _ := run(t, recordSettings(r), nil)
	if len(rec.Records()) != 1 {
		t.Fatalf("gaps %v", rec.Gaps())
	}
	if want := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC); !rec.Records()[0].EventTime.Equal(want) {
		t.Errorf("event time %v, want %v: never after the commit", rec.Records()[0].EventTime, want)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	for _, s := range []string{goodAssessment, "a: 1\n---\nb: .inf\n", "- - - x", "? a\n: b", "a: |\n  x\n", "%YAML 1.2\n---\n{}", "<<: {a: 1}", "\xff", "assessment_id;system_id\r\n1;\"a\nb\"\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"a.yaml", "a.json", "a.md", "a.csv"} {
			f := &recordFile{path: name, entry: recordGlob{Kinds: []string{"risk.assessment"}}}
			rows, _, err := decodeRecords(t.Context(), f, []byte(s))
			if err != nil {
				continue
			}
			for _, r := range rows {
				m, ok := r.value.(map[string]any)
				if !ok {
					continue
				}
				shape, _ := records.ShapeOf("risk.assessment")
				m["assessment_id"], m["system_id"] = "a", "s"
				rec, err := shape.Record(m)
				if err == nil && !json.Valid(rec.Payload) {
					t.Errorf("%q: payload is not JSON: %s", s, rec.Payload)
				}
			}
		}
	})
}
