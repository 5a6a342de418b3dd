//go:build unix

package peertest

import (
	"path/filepath"
	"testing"
)

// Names of the servers, with the versions that .ci/peers installs.
const (
	EmulateName    = "emulate 0.12.2"
	PrismName      = "prism 5.16.0"
	SimulacrumName = "simulacrum 0.8.0"
	SteadyName     = "steady 0.22.2"
	MotoName       = "moto_server 5.2.1"
	MLflowName     = "MLflow 3.17.2"
	WireMockName   = "WireMock 3.13.2"
)

// Emulate runs emulate, a stateful imitation of GitHub and others, with a seed.
func Emulate(t testing.TB, service, seed string) string {
	t.Helper()
	return Start(t, EmulateName, "/rate_limit", func(port string) []string {
		return []string{Node(t), Path(t, "node_modules", "emulate", "dist", "index.js"),
			"start", "--host", "127.0.0.1", "-s", service, "-p", port, "--seed", seed}
	})
}

// Prism serves an OpenAPI document: it answers with the document's examples and
// refuses what does not fit it. probe is a path of the document.
func Prism(t testing.TB, document, probe string) string {
	t.Helper()
	return Start(t, PrismName+" "+filepath.Base(document), probe, func(port string) []string {
		return []string{Node(t), Path(t, "node_modules", "@stoplight", "prism-cli", "dist", "index.js"),
			"mock", "-h", "127.0.0.1", "-p", port, document}
	})
}

// Steady serves an OpenAPI document as the makers of vendors' clients do.
func Steady(t testing.TB, document, probe string) string {
	t.Helper()
	return Start(t, SteadyName+" "+filepath.Base(document), probe, func(port string) []string {
		return []string{Node(t), Path(t, "node_modules", "@stdy", "cli", "steady.js"), "--host", "127.0.0.1", "-p", port,
			"--validator-query-array-format=brackets", "--validator-query-object-format=brackets", document}
	})
}

// Script runs a module of JavaScript that starts a server; it gets the port as
// its argument and may import what is in node_modules.
func Script(t testing.TB, name, module, probe string) string {
	t.Helper()
	return Start(t, name, probe, func(port string) []string {
		return []string{Node(t), module, port, Path(t, "node_modules")}
	})
}

// Moto runs moto_server, an imitation of AWS.
func Moto(t testing.TB) string {
	t.Helper()
	return Start(t, MotoName, "/moto-api/", func(port string) []string {
		return []string{Path(t, "moto", "bin", "python"), "-m", "moto.server", "-H", "127.0.0.1", "-p", port}
	})
}

// MLflow runs the real tracking server and model registry on an empty database.
func MLflow(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	return Start(t, MLflowName, "/health", func(port string) []string {
		return []string{Path(t, "mlflow", "bin", "mlflow"), "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
			"--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--default-artifact-root", filepath.Join(dir, "artifacts")}
	})
}

// WireMock runs WireMock with the mappings of a folder.
func WireMock(t testing.TB, folder string) string {
	t.Helper()
	return Start(t, WireMockName, "/__admin/mappings", func(port string) []string {
		return []string{Which(t, "java"), "-jar", Path(t, "node_modules", "wiremock", "build", "wiremock-standalone-3.13.2.jar"),
			"--bind-address", "127.0.0.1", "--port", port, "--root-dir", folder, "--disable-banner"}
	})
}
