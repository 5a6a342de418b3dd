package azure

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	var got []string
	payloads := map[string]map[string]any{}
	for _, r := range rec.Records() {
		got = append(got, r.Kind+" "+r.Subject.ID)
		payloads[r.Kind+" "+r.Subject.ID] = connectortest.Payload(t, r)
		if strings.Contains(string(r.Payload), "hidden") {
			t.Errorf("the request of an act is in %s", r.Payload)
		}
	}
	slices.Sort(got)
	want := []string{
		"cloud.ai_resource_inventory organization", "cloud.ai_resource_inventory organization", "cloud.ai_resource_inventory organization", "cloud.ai_resource_inventory organization",
		"cloud.audit_event azure/s-1",
		"cloud.deployment_policy acme-ai/chat",
		"cloud.guardrail acme-ai",
		"cloud.invocation_logging acme-ai", "cloud.invocation_logging vision",
		"cloud.model_monitor azureml:live:blue",
		"model_registry.deployment acme-ai/chat", "model_registry.deployment ws/live",
		"model_registry.model triage", "model_registry.model_version triage/2",
		"vendor.model_lifecycle gpt-4o-2024-08-06", "vendor.model_lifecycle gpt-fading-1", "vendor.model_lifecycle gpt-old-1",
		"vendor.model_observation gpt-4o-2024-08-06",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	for key, wants := range map[string]map[string]any{
		"cloud.deployment_policy acme-ai/chat":       {"version_upgrade_option": "OnceNewDefaultVersionAvailable", "guardrail": "strict"},
		"cloud.invocation_logging acme-ai":           {"enabled": true},
		"cloud.invocation_logging vision":            {"enabled": false},
		"vendor.model_lifecycle gpt-4o-2024-08-06":   {"status": "active", "shutdown_at": "2999-01-01T00:00:00Z"},
		"vendor.model_lifecycle gpt-fading-1":        {"status": "deprecated", "announced_basis": "first_seen"},
		"vendor.model_lifecycle gpt-old-1":           {"status": "retired", "announced_at": "2026-01-31T00:00:00Z", "announced_basis": "published"},
		"vendor.model_observation gpt-4o-2024-08-06": {"requested_model": "gpt-4o-2024-08-06", "system_id": "assistant", "observed_at": "2026-02-01T10:00:00Z"},
		"model_registry.deployment acme-ai/chat":     {"environment": "production", "config_ref": "bo@example.test"},
		"model_registry.model_version triage/2":      {"stage_or_alias": "Production", "source_run": "job-7"},
		"cloud.model_monitor azureml:live:blue":      {"monitor_type": "model", "schedule_status": "enabled", "schedule_expression": "0 3 * * *"},
	} {
		for field, want := range wants {
			if payloads[key][field] != want {
				t.Errorf("%s: %s is %v, want %v", key, field, payloads[key][field], want)
			}
		}
	}
	var variants []string
	for _, v := range payloads["model_registry.deployment ws/live"]["variants"].([]any) {
		m := v.(map[string]any)
		variants = append(variants, fmt.Sprint(m["name"], " ", m["model"], "/", m["version"], " ", m["weight"], " ", m["shadow"], " ", m["resolved"]))
	}
	if d := cmp.Diff([]string{"blue triage/2 90 false true", "green loose/1 10 false true", "grey / 0 true true"}, variants); d != "" {
		t.Error(d)
	}
	again, _ := f.collect(t, rec)
	t.Logf("first run %+v, unchanged run %+v", rec.Counted(), again.Counted())
}

// A version that changes while nobody changed the deployment was swapped by
// Azure; one that somebody asked for was not.
func TestSwappedModel(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, nil)
	f.put(cog+"/deployments", deployments("2024-11-20", "2026-02-01T10:00:00Z"))
	second, _ := f.collect(t, first)
	got := second.Records(records.KindModelObservation)
	if len(got) != 1 {
		t.Fatalf("%d observations", len(got))
	}
	p := connectortest.Payload(t, got[0])
	if p["requested_model"] != "gpt-4o-2024-08-06" || p["served_model"] != "gpt-4o-2024-11-20" || p["source"] != "deployment_read" {
		t.Errorf("swapped by Azure: %v", p)
	}
	third, _ := f.collect(t, second)
	if again := third.Records(records.KindModelObservation); len(again) != 1 || again[0].Key != got[0].Key {
		t.Errorf("seen again: %v", again)
	}
	f.put(cog+"/deployments", deployments("2024-11-20", "2026-03-01T10:00:00Z"))
	fourth, _ := f.collect(t, third)
	p = connectortest.Payload(t, fourth.Records(records.KindModelObservation)[0])
	if p["requested_model"] != "gpt-4o-2024-11-20" || p["served_model"] != "gpt-4o-2024-11-20" || p["observed_at"] != "2026-03-01T10:00:00Z" {
		t.Errorf("asked for by a person: %v", p)
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"accounts denied":    {sub + "/providers/Microsoft.CognitiveServices/accounts", 403, "", records.KindDeploymentPolicy, connector.Denied},
		"deployments denied": {cog + "/deployments", 403, "", records.KindDeploymentPolicy, connector.Denied},
		"filters denied":     {cog + "/raiPolicies", 403, "", records.KindGuardrail, connector.Denied},
		"models broken":      {sub + "/providers/Microsoft.CognitiveServices/locations/swedencentral/models", 500, "", records.KindModelLifecycle, connector.Unavailable},
		"no list":            {cog + "/deployments", 200, `{}`, records.KindDeploymentPolicy, connector.Malformed},
		"null list":          {cog + "/deployments", 200, `{"value":null}`, records.KindDeploymentPolicy, connector.Malformed},
		"html":               {cog + "/deployments", 200, `<html>`, records.KindDeploymentPolicy, connector.Malformed},
		"retyped":            {cog + "/deployments", 200, `{"value":[{"id":7}]}`, records.KindDeploymentPolicy, connector.Malformed},
		"no model":           {cog + "/deployments", 200, `{"value":[{"id":"` + cog + `/deployments/x","name":"x","properties":{}}]}`, records.KindDeploymentPolicy, connector.Malformed},
		"no date":            {sub + "/providers/Microsoft.CognitiveServices/locations/swedencentral/models", 200, `{"value":[{"model":{"name":"a","version":"1","deprecation":{"inference":"soon"}}}]}`, records.KindModelLifecycle, connector.Malformed},
		"logging unknown":    {cog + "/providers/Microsoft.Insights/diagnosticSettings", 200, `{}`, records.KindInvocationLogging, connector.Malformed},
		"workspaces gone":    {sub + "/providers/Microsoft.MachineLearningServices/workspaces", 410, "", records.KindModelVersion, connector.Unsupported},
		"versions denied":    {mlw + "/models/triage/versions", 403, "", records.KindModelVersion, connector.Denied},
		"a strange id":       {sub + "/providers/Microsoft.MachineLearningServices/workspaces", 200, `{"value":[{"id":"../x","name":"w"}]}`, records.KindModel, connector.Malformed},
		"log limited":        {sub + "/providers/Microsoft.Insights/eventtypes/management/values", 403, "", records.KindCloudAuditEvent, connector.Denied},
		"log of tomorrow":    {sub + "/providers/Microsoft.Insights/eventtypes/management/values", 200, `{"value":[{"eventDataId":"e","eventTimestamp":"2999-01-01T00:00:00Z"}]}`, records.KindCloudAuditEvent, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.put(c.path, c.body)
			}
			rec, cov := f.collect(t, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if strings.Contains(g.Detail, "http://") || strings.Contains(g.Detail, fakeToken) {
					t.Errorf("gap tells an address or a token: %s", g.Detail)
				}
			}
		})
	}
}

// Pages go on by a link whose host is not followed with the token, and one that
// comes again is told.
func TestPaging(t *testing.T) {
	f := newFake(t)
	var header http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		fmt.Fprint(w, `{"value":[]}`)
	}))
	defer other.Close()
	f.on(cog+"/deployments", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.TrimSuffix(deployments("1", "2026-02-01T10:00:00Z"), "}")+`,"nextLink":"`+other.URL+`/more"}`)
	})
	f.collect(t, nil)
	if header != nil && header.Get("Authorization") != "" {
		t.Errorf("the other host saw %v", header)
	}
	f.on(cog+"/deployments", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.TrimSuffix(deployments("1", "2026-02-01T10:00:00Z"), "}")+`,"nextLink":"`+f.URL+cog+`/deployments"}`)
	})
	rec, cov := f.collect(t, nil)
	if cov[records.KindDeploymentPolicy].Status == connector.Complete || len(rec.Gaps()) == 0 || len(rec.Records(records.KindDeploymentPolicy)) == 0 {
		t.Errorf("an endless listing: %+v", rec.Gaps())
	}
}

func TestCredentials(t *testing.T) {
	f := newFake(t)
	cfg := f.config()
	cfg.Secrets = map[string]string{secretClient: "wrong-secret"}
	_, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("workload-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Secrets = nil
	cfg.Settings = []byte(strings.Replace(string(cfg.Settings), `{`, `{"federated_token_file":"`+file+`",`, 1))
	if rec, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil); err != nil || len(rec.Records()) == 0 {
		t.Errorf("with a workload identity: %v", err)
	}
	if _, err := parseConfig(connector.Config{Settings: []byte(`{"tenant_id":"t","client_id":"c","subscriptions":["s"],"authority_url":"https://evil.example"}`), Secrets: map[string]string{secretClient: "x"}}); err == nil {
		t.Error("the secret may be sent elsewhere than to Azure")
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	report, err := New().Check(t.Context(), f.config())
	if err != nil || report.Problem != "" {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, p := range report.Permissions {
		want := connector.Granted
		if p.Permission == permActivity {
			want = connector.Missing
		}
		if p.Grant != want {
			t.Errorf("%+v, want %q", p, want)
		}
	}
	f.status(sub+"/providers/Microsoft.Authorization/permissions", 500)
	report, err = New().Check(t.Context(), f.config())
	if err != nil || report.Permissions[0].Grant != connector.GrantUnknown {
		t.Errorf("not told: %+v, %v", report.Permissions[0], err)
	}
}

func TestAssets(t *testing.T) {
	for ref, want := range map[string]string{
		"/subscriptions/s/x/models/m/versions/3": "m/3", "azureml:m:3": "m/3", "azureml://registries/r/models/m/versions/3": "m/3", "azureml://datastores/x": "/", "": "/", "models": "/",
	} {
		name, version := assetOf(ref)
		if name+"/"+version != want {
			t.Errorf("%s: %s/%s, want %s", ref, name, version, want)
		}
	}
}

func FuzzDeployments(f *testing.F) {
	f.Add([]byte(deployments("1", "2026-02-01T10:00:00Z")))
	f.Add([]byte(`{"value":[{"id":"x","name":"y","properties":{"model":{}}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		srv := newFake(t)
		srv.put(cog+"/deployments", string(body))
		rec, cov := srv.collect(t, nil)
		if len(rec.Gaps()) == 0 && cov[records.KindDeploymentPolicy].Status != connector.Complete {
			t.Error("neither whole nor a gap")
		}
	})
}
