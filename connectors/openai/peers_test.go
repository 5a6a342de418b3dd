//go:build peers

package openai

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Listings of prism never end, and its days are those of 1970: both have to be
// told, whatever was read before.
func endless() []string {
	return []string{
		"model_registry.model_version+model_registry.lineage malformed fine-tuning jobs",
		"vendor.api_key_inventory malformed keys of project string",
		"vendor.audit_log malformed audit log",
		"vendor.audit_log malformed audit log, event string",
		"vendor.audit_log malformed audit log, event string",
		"vendor.data_controls unsupported training_opt_out and retention in days",
		"vendor.project malformed members of project string",
		"vendor.project+vendor.user+vendor.api_key_inventory+vendor.data_controls malformed projects",
		"vendor.usage malformed costs",
		"vendor.usage+vendor.model_observation malformed use, audio_speeches",
		"vendor.usage+vendor.model_observation malformed use, audio_transcriptions",
		"vendor.usage+vendor.model_observation malformed use, completions",
		"vendor.usage+vendor.model_observation malformed use, embeddings",
		"vendor.usage+vendor.model_observation malformed use, images",
		"vendor.usage+vendor.model_observation malformed use, moderations",
		"vendor.user malformed invitations",
		"vendor.user malformed users",
		"vendor.user+vendor.project malformed service accounts of project string",
	}
}

func against(t *testing.T, address string) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	cfg := connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + address + `","requests":[{"project":"string","model":"other","system":"chat"}]}`),
		Secrets:  map[string]string{secretAdmin: "any", secretKey: "any"},
	}
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem != "" {
		t.Errorf("%+v, %v", report, err)
	}
	for _, p := range report.Permissions {
		if p.Grant != connector.Granted {
			t.Errorf("%+v", p)
		}
	}
	rec.Sound(t, New())
	return rec, cov
}

// OpenAI's own specification, served by prism as it is.
func TestAgainstPrism(t *testing.T) {
	rec, cov := against(t, peertest.Prism(t, peertest.Path(t, "specs", "openai.json"), "/models"))
	if d := cmp.Diff(endless(), rec.Reasons()); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	for kind, c := range cov {
		if complete := c.Status == connector.Complete; complete != (kind == records.KindModelLifecycle) || c.Enumerated {
			t.Errorf("%s: %+v", kind, c)
		}
	}
}

// The same, with days and numbers that OpenAI's examples lack, so that reports
// and the log can be read.
func TestAgainstPrismWithDays(t *testing.T) {
	raw, err := os.ReadFile(peertest.Path(t, "specs", "openai.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	example(t, doc, "UsageTimeBucket", "start_time", lastDay().Unix())
	example(t, doc, "UsageCompletionsResult", "num_model_requests", 3)
	example(t, doc, "AuditLog", "effective_at", time.Date(2026, 4, 24, 0, 0, 0, 0, time.UTC).Unix())
	file := filepath.Join(t.TempDir(), "openai.json")
	if raw, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	rec, _ := against(t, peertest.Prism(t, file, "/models"))
	var want []string
	for _, g := range endless() {
		if g != "vendor.audit_log malformed audit log, event string" {
			want = append(want, g)
		}
	}
	if d := cmp.Diff(want, rec.Reasons()); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	for _, r := range rec.Records(records.KindModelObservation) {
		if p := connectortest.Payload(t, r); p["served_model"] != "string" || p["requested_model"] != "other" || p["system_id"] != "chat" {
			t.Errorf("%v", p)
		}
	}
	connectortest.Peer(t, peertest.PrismName+" with OpenAI's specification", rec.Kinds())
}

// example gives a property of a schema an example.
func example(t *testing.T, doc map[string]any, schema, property string, value any) {
	t.Helper()
	var at any = doc
	for _, name := range []string{"components", "schemas", schema, "properties", property} {
		m, ok := at.(map[string]any)
		if !ok || m[name] == nil {
			t.Fatalf("the specification has no %s.%s", schema, property)
		}
		at = m[name]
	}
	at.(map[string]any)["example"] = value
}
