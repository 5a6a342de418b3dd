package jira

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, New()) }

func TestConformance(t *testing.T) {
	f := newFakeJira(t)
	id := f.add(1, "Incident", map[string]any{"priority": map[string]any{"name": "High"}})
	f.add(2, "Incident", map[string]any{"priority": map[string]any{"name": "Low"}})
	f.add(3, "Task", nil)
	f.changes[id] = []map[string]any{history(1, "2026-01-02T10:00:00.000+0000", "status", "Open", "Contained")}
	f.approvals["INC-3"] = []map[string]any{{"id": "5", "finalDecision": "pending"}}
	s := f.settings(incidentMapping())
	s["projects"] = []any{map[string]any{"key": "INC", "canary": "INC-1", "approvals": true}}
	connectortest.Run(t, New(), connectortest.Case{Config: config0(t, s)})
}

// Gaps must be as acceptable as records.
func TestConformanceOfGaps(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Incident", map[string]any{"priority": map[string]any{"name": "Blocker"}})
	f.add(2, "Task", map[string]any{"status": "none\x00"})
	f.count = 40
	f.routes["GET /rest/api/3/project/OPS"] = status(404)
	s := f.settings(incidentMapping())
	s["projects"] = []any{map[string]any{"key": "INC", "canary": "INC-1"}, map[string]any{"key": "OPS"}}
	connectortest.Run(t, New(), connectortest.Case{Config: config0(t, s)})
}
