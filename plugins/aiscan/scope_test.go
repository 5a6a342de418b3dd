package aiscan

import "testing"

func TestPlaces(t *testing.T) {
	for name, want := range map[string]place{
		"demo_data/a.py":                  placeSupporting,
		"src/demos/a.py":                  placeSupporting,
		"internal/sandbox/org/a.go":       placeSupporting,
		"tools/simulator/a.go":            placeSupporting,
		"internal/peertest/a.txt":         placeSupporting,
		"pkg/llm_mock/a.go":               placeSupporting,
		"pkg/llm-fixtures/a.go":           placeSupporting,
		"pkg/llm_mock.go":                 placeSupporting,
		"src/client.mock.ts":              placeSupporting,
		"pkg/mock_client.go":              placeSupporting,
		"features/login.py":               placeSupporting,
		"src/features/chat/a.ts":          placeProduct,
		"frontend/features/a.ts":          placeProduct,
		"src/external/llm.py":             placeProduct,
		"external/zlib/a.c":               placeSupporting,
		"app/playground/page.tsx":         placeProduct,
		"playground/a.ts":                 placeSupporting,
		"services/archive/a.go":           placeProduct,
		"archive/2019/a.go":               placeSupporting,
		"src/it/java/A.java":              placeSupporting,
		"app/locale_it/it/a.py":           placeProduct,
		"src/tests/features/a.py":         placeSupporting,
		"packages/web/src/stories/api.ts": placeProduct,
		"testing-service/a.py":            placeProduct,
		"examples-api/a.py":               placeProduct,
		"sandboxed/a.py":                  placeProduct,
		"simulators-api/a.py":             placeProduct,
		"demographics/a.py":               placeProduct,
		"src/mockingbird.ts":              placeProduct,
		"src/democracy/a.go":              placeProduct,
	} {
		if got := placeOf(name); got != want {
			t.Errorf("%s: place %d, want %d", name, got, want)
		}
	}
}
