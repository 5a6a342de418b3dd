package aiscan

import "testing"

func TestPlaces(t *testing.T) {
	for name, want := range map[string]place{
		"demo_data/a.py":            placeSupporting,
		"src/demos/a.py":            placeSupporting,
		"internal/sandbox/org/a.go": placeSupporting,
		"tools/simulator/a.go":      placeSupporting,
		"internal/peertest/a.txt":   placeSupporting,
		"pkg/llm_mock/a.go":         placeSupporting,
		"pkg/llm-fixtures/a.go":     placeSupporting,
		"pkg/llm_mock.go":           placeSupporting,
		"src/client.mock.ts":        placeSupporting,
		"pkg/mock_client.go":        placeSupporting,
		"testing-service/a.py":      placeProduct,
		"examples-api/a.py":         placeProduct,
		"sandboxed/a.py":            placeProduct,
		"simulators-api/a.py":       placeProduct,
		"demographics/a.py":         placeProduct,
		"src/mockingbird.ts":        placeProduct,
		"src/democracy/a.go":        placeProduct,
	} {
		if got := placeOf(name); got != want {
			t.Errorf("%s: place %d, want %d", name, got, want)
		}
	}
}
