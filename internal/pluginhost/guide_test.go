package pluginhost_test

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// guideFile returns the code that follows the marker for name in the guide.
func guideFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../../plugins/README.md")
	must(t, err)
	_, rest, ok := strings.Cut(string(raw), "<!-- "+name+" -->\n```go\n")
	code, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatalf("plugins/README.md holds no %s", name)
	}
	return code
}

// The guide's connector, in a module of its own, builds, passes the
// conformance suite and is collected from.
func TestGuide(t *testing.T) {
	root, err := filepath.Abs("../..")
	must(t, err)
	module, bin := t.TempDir(), t.TempDir()
	code := guideFile(t, "main.go")
	if n := strings.Count(code, "\n"); n >= 40 {
		t.Errorf("the guide's connector has %d lines, it claims to have under 40", n)
	}
	if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
		t.Errorf("the guide's code is not formatted: %v", err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	must(t, err)
	for name, text := range map[string]string{
		"main.go": code, "main_test.go": guideFile(t, "main_test.go"), "go.sum": string(sums),
		"go.mod": fmt.Sprintf("module example.com/folder\n\ngo 1.26.0\n\nrequire github.com/exhibit-aims/exhibit v0.0.0\n\n"+
			"replace github.com/exhibit-aims/exhibit => %s\n", root),
	} {
		must(t, os.WriteFile(filepath.Join(module, name), []byte(text), 0o644))
	}
	for _, args := range [][]string{
		{"build", "-o", filepath.Join(bin, "exhibit-connector-folder"), "."}, {"test", "-vet=off", "."}, // or all that it imports would be vetted, for one screen of code
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	collectFromGuide(t, bin)
}

func collectFromGuide(t *testing.T, bin string) {
	t.Helper()
	lock, err := pluginhost.Lock(bin)
	must(t, err)
	must(t, lock.Write(filepath.Join(bin, pluginhost.LockName)))
	host := newHost(t, pluginhost.Options{Dir: bin, Confine: pluginhost.Confine{Mode: pluginhost.ConfineBestEffort}})
	settings, err := json.Marshal(map[string]string{"path": bin})
	must(t, err)
	var sink memory
	got, err := host.Collect(t.Context(), "folder", connector.Request{Config: connector.Config{Settings: settings}}, &sink)
	must(t, err)
	if n := got.Counts.Records["folder.file"]; n != 2 || len(sink.records()) != 2 {
		t.Errorf("collected %d records, want the binary and its lock file", n)
	}
	if c := got.Coverage["folder.file"]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("coverage = %+v, want complete and enumerated", c)
	}

	// By hand it refuses, kindly.
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "exhibit-connector-folder"))
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 2 || !strings.Contains(string(out), "exhibit-connector-folder: hint: ") {
		t.Errorf("run by hand: exit code %d, output %q", code, out)
	}
}
