package aws

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A service that is left out is not asked, and nothing is claimed of it.
func TestServices(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	cfg := f.config("eu-west-1")
	var settings map[string]any
	if err := json.Unmarshal(cfg.Settings, &settings); err != nil {
		t.Fatal(err)
	}
	settings["services"] = []string{"sagemaker"}
	raw, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Settings = raw
	rec, cov, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rec.gaps {
		t.Errorf("gap %+v", g)
	}
	for kind, want := range map[string]connector.CoverageStatus{
		records.KindModel: connector.Complete, records.KindModelApproval: connector.Complete, records.KindDeployment: connector.Complete,
		records.KindGuardrail: connector.NotRead, records.KindModelLifecycle: connector.NotRead, records.KindCloudAuditEvent: connector.NotRead,
	} {
		if c := cov[kind]; c.Status != want || c.Query == "" {
			t.Errorf("coverage of %s: %+v, want %q", kind, c, want)
		}
	}
	if q := cov[records.KindModelApproval].Query; !strings.Contains(q, "cloudtrail is left out") {
		t.Errorf("approvals: %s", q)
	}
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	for _, p := range rep.Permissions {
		if service := serviceOf(p.Permission); service != "" && service != serveSageMaker && (p.Grant != connector.GrantUnknown || !strings.Contains(p.Detail, "not needed")) {
			t.Errorf("%+v", p)
		}
	}
}
