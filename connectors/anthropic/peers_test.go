//go:build peers

package anthropic

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Listings of steady that say more follows never end, its days are those of its
// examples, and the specification does not hold the Compliance API: all that has
// to be told, whatever was read before.
func told() []string {
	return []string{
		"vendor.api_key_inventory malformed keys",
		"vendor.audit_log not_found activity feed",
		"vendor.data_controls unsupported training_opt_out, zdr and retention",
		"vendor.model_lifecycle malformed models",
		"vendor.project+vendor.data_controls malformed workspaces",
		"vendor.usage malformed costs",
		"vendor.usage+vendor.model_observation+vendor.api_key_inventory malformed use",
		"vendor.user malformed invitations",
	}
}

func against(t *testing.T, address string) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	cfg := connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + address + `"}`),
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
	want := map[string]connector.Grant{permAdmin: connector.Granted, permKey: connector.Granted}
	for _, p := range report.Permissions {
		if p.Permission != permActivity && p.Grant != want[p.Permission] || p.Permission == permActivity && p.Grant == connector.Granted {
			t.Errorf("%+v", p)
		}
	}
	rec.Sound(t, New())
	return rec, cov
}

// Anthropic's own specification, served by steady as it is.
func TestAgainstSteady(t *testing.T) {
	rec, cov := against(t, peertest.Steady(t, peertest.Path(t, "specs", "anthropic.json"), "/v1/models"))
	if d := cmp.Diff(told(), rec.Reasons()); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	for kind, c := range cov {
		if c.Status == connector.Complete || c.Enumerated {
			t.Errorf("%s: %+v", kind, c)
		}
	}
}

// The same, with yesterday for the day of its examples and a workspace that is
// not archived.
func TestAgainstSteadyWithDays(t *testing.T) {
	raw, err := os.ReadFile(peertest.Path(t, "specs", "anthropic.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	example(t, doc, "BetaMessagesUsageReportTimeBucket", "starting_at", yesterday()+"T00:00:00Z")
	example(t, doc, "BetaCostReportTimeBucket", "starting_at", yesterday()+"T00:00:00Z")
	example(t, doc, "Workspace", "archived_at", nil)
	file := filepath.Join(t.TempDir(), "anthropic.json")
	if raw, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	rec, _ := against(t, peertest.Steady(t, file, "/v1/models"))
	for _, g := range told() {
		if g == "vendor.usage malformed costs" || g == "vendor.usage+vendor.model_observation+vendor.api_key_inventory malformed use" {
			continue // whether a report says that more follows is up to steady
		}
		if !slices.Contains(rec.Reasons(), g) {
			t.Errorf("no gap %s in %v", g, rec.Reasons())
		}
	}
	for kind, field := range map[string]string{records.KindVendorUsage: "tokens", records.KindModelObservation: "served_model", records.KindDataControls: "region"} {
		found := slices.ContainsFunc(rec.Records(kind), func(r connector.Record) bool { return connectortest.Payload(t, r)[field] != nil })
		if !found {
			t.Errorf("no %s with %s: %v", kind, field, rec.Payloads(t, kind))
		}
	}
	connectortest.Peer(t, peertest.SteadyName+" with Anthropic's specification", rec.Kinds())
}

// example gives a property of a schema an example in place of its own.
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
	m := at.(map[string]any)
	m["examples"] = []any{value}
	if value == nil { // steady makes up a value where it may
		delete(m, "examples")
		m["anyOf"] = []any{map[string]any{"type": "null"}}
	}
}
