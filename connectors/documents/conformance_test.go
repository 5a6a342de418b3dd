package documents

import (
	"encoding/json"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 10, 9), map[string]string{"policies/ai.md": policyV1, "records/risk.yaml": goodAssessmentOf("2026-01-05")})
	r.commit(at(2, 10, 9), map[string]string{"policies/ai.md": policyV2})
	s := documentSettings(r)
	s["records"] = recordSettings(r)["records"]
	conform(t, s)
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 10, 9), map[string]string{
		"policies/ai.md": policyV1, "policies/bad.md": "---\nid: [\n---\n", "records/bad.yaml": "kind: [", "records/risk.yaml": goodAssessmentOf("2031-01-05"),
	})
	s := documentSettings(r)
	s["records"] = recordSettings(r)["records"]
	conform(t, s)
}

func conform(t *testing.T, settings map[string]any) {
	t.Helper()
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	connectortest.Run(t, New(), connectortest.Case{Config: connector.Config{Settings: b}})
}
