//go:build peers && unix

package real

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/peertest"
)

// TestRealRequests asks a running agent on a sandbox of its own whatever a
// generator of others makes of its description, of its form and not, in every
// operation that ends, with a token that may do everything. It judges the answers:
// none is a fault of the agent, and each is of a status, a type and a form that is
// described.
func TestRealRequests(t *testing.T) {
	dir := t.TempDir()
	exhibit := filepath.Join(binaries(t), "exhibit")
	run(t, dir, exhibit, "try", "--quiet", "--out", dir)
	args := []string{"access", "token", "create", "--name", "requests", "--as", "aokonjo", "--source", "ci"}
	for _, role := range []string{"operator", "approver", "security", "admin"} {
		args = append(args, "--role", role)
	}
	for _, scope := range []string{"read", "read_payload", "run_sources", "act_findings", "request", "approve", "decide_shadow", "sample", "note", "export", "ingest"} {
		args = append(args, "--scope", scope)
	}
	token := strings.TrimSpace(run(t, dir, exhibit, args...))
	base := peertest.Start(t, "exhibit agent", "/healthz", func(port string) []string {
		return []string{exhibit, "agent", "--config", filepath.Join(dir, "exhibit.yaml"), "--listen", "127.0.0.1:" + port}
	})
	document := filepath.Join(dir, "openapi.json")
	if err := os.WriteFile(document, ask(t, base+"/v1/openapi.json", token, http.StatusOK), 0o600); err != nil {
		t.Fatal(err)
	}
	generate(t, dir, document, base, token)
	ask(t, base+"/readyz", token, http.StatusOK)
	everyOperationIsGuarded(t, document, base)
	// Whoever guesses waits, and with them whoever asks from the same address.
	for range 20 {
		ask(t, base+"/v1/controls", "exb_guess", 0)
	}
	ask(t, base+"/v1/controls", "exb_guess", http.StatusTooManyRequests)
}

var counted = regexp.MustCompile(`(?s)  Tested: (\d+)\n.*  (\d+) generated`)

// generate runs Schemathesis for a minute: all but the stream of events, which does
// not end. Guards are left to everyOperationIsGuarded: it would guess tokens, and
// be made to wait.
func generate(t *testing.T, dir, document, base, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	here, err := filepath.Abs("requests")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, peertest.Path(t, "schemathesis", "bin", "schemathesis"), "--config-file", filepath.Join(here, "schemathesis.toml"),
		"run", document, "--url", base, "--header", "Authorization: Bearer "+token, "--exclude-path", "/v1/events", "--exclude-checks", "ignored_auth",
		"--phases", "coverage,fuzzing", "--max-examples", "3", "--max-time", "60", "--seed", "42001", "--continue-on-failure", "--no-shrink",
		"--generation-database", "none", "--warnings", "off", "--no-color")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "SCHEMATHESIS_HOOKS="+filepath.Join(here, "checks.py"), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n := counted.FindSubmatch(out)
	if n == nil {
		t.Fatalf("it does not say what was tested:\n%s", out)
	}
	tested, _ := strconv.Atoi(string(n[1]))
	cases, _ := strconv.Atoi(string(n[2]))
	if tested < 80 || cases < 2*tested {
		t.Fatalf("hardly anything was asked:\n%s", out)
	}
	t.Logf("%s", out[bytes.Index(out, []byte("SUMMARY")):])
}

// everyOperationIsGuarded asks each as nobody.
func everyOperationIsGuarded(t *testing.T, document, base string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method := range item {
			req, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), base+strings.NewReplacer("{", "", "}", "").Replace(path), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s is answered to nobody: %s", method, path, res.Status)
			}
		}
	}
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stderr = dir, &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return string(out)
}

// ask returns what is answered, which has a status unless none is wanted.
func ask(t *testing.T, url, token string, status int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil || status != 0 && res.StatusCode != status {
		t.Fatalf("%s: %s %v %.600s", url, res.Status, err, &text)
	}
	return text.Bytes()
}
