//go:build peers

package mlflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// hostile is a name that MLflow takes.
const hostile = `it's a "model" 😀 %2F?#|x`

// fillReal seeds a registry: two versions with a run each, of which the second
// is still running, a hostile name, and more models than fit a page.
func fillReal(s seeder) (first, second string) {
	s.post("experiments/create", obj{"name": "tests"})
	training := "0"
	first = s.run(training, "train", obj{"mlflow.source.git.commit": "0a1b2c", "gate": "passed"},
		obj{"accuracy": 0.93, "loss": "NaN", "worst": "Infinity", "steps": 9007199254740993})
	s.post("runs/log-parameter", obj{"run_id": first, "key": "lr", "value": "0.1"})
	s.post("runs/log-inputs", obj{"run_id": first, "datasets": []obj{{
		"tags":    []obj{{"key": "mlflow.data.context", "value": "training"}},
		"dataset": obj{"name": "claims", "digest": "d1", "source_type": "http", "source": `{"url":"https://x"}`, "schema": "{}", "profile": "{}"},
	}}})
	s.finish(first)
	second = s.run(training, "again", nil, nil)
	s.post("registered-models/create", obj{"name": "triage", "description": "sorts claims", "tags": []obj{{"key": "system", "value": "bot"}}})
	s.post("registered-models/create", obj{"name": hostile})
	for i := range 3 {
		s.post("registered-models/create", obj{"name": fmt.Sprintf("empty-%d", i)})
	}
	s.version("triage", first, obj{"key": "approved_by", "value": "bo"})
	s.version("triage", second)
	s.version(hostile, "")
	s.post("registered-models/alias", obj{"name": "triage", "alias": "champion", "version": "1"})
	s.post("model-versions/transition-stage", obj{"name": "triage", "version": "1", "stage": "Production", "archive_existing_versions": false})
	s.post("model-versions/transition-stage", obj{"name": hostile, "version": "1", "stage": "Archived", "archive_existing_versions": false})
	prompt := []obj{{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "mlflow.prompt.text", "value": "hello"}}
	s.post("registered-models/create", obj{"name": "greeting", "tags": prompt[:1]})
	s.post("model-versions/create", obj{"name": "greeting", "source": "prompt-template", "tags": prompt})
	test := s.run("1", "test", obj{"model_version": "triage/1", "gate": "failed"}, obj{"bias": 0.4})
	s.finish(test)
	return first, second
}

func realSettings(base string) obj {
	return obj{"base_url": base, "canary": "triage", "system_tag": "system", "page_size": 2, "requests_per_second": 1000,
		"approval": obj{"alias": "champion", "by_tag": "approved_by"}, "evaluation": obj{"experiments": []string{"tests"}, "passed_tag": "gate"}}
}

func TestAgainstMLflow(t *testing.T) {
	base := peertest.MLflow(t)
	s := seeder{t: t, base: base}
	cfg := connector.Config{Settings: raw(t, realSettings(base))}
	if rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: raw(t, obj{"base_url": base})}}, nil); err != nil || len(rec.Records()) != 0 ||
		cov[records.KindModel].Status != connector.Complete || !cov[records.KindModel].Enumerated {
		t.Errorf("an empty registry: %v %+v %v", rec.Records(), cov, err)
	}
	firstRun, secondRun := fillReal(s)

	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Problem != "" || rep.Permissions[0].Grant != connector.Granted || rep.Permissions[1].Grant != connector.Granted {
		t.Errorf("check: %+v, %v", rep, err)
	}
	rec, cov := collect(t, cfg, nil)
	wantComplete(t, rec, cov)
	counts := map[string]int{}
	for _, r := range rec.Records() {
		counts[r.Kind]++
	}
	if d := cmp.Diff(map[string]int{records.KindModel: 5, records.KindModelVersion: 3, records.KindModelApproval: 1, records.KindLineage: 2, kindEvaluation: 2}, counts); d != "" {
		t.Error(d)
	}
	v := find(t, rec, records.KindModelVersion, "triage/1")
	if v["stage_or_alias"] != "Production" || cmp.Diff([]any{"champion"}, v["aliases"]) != "" || v["source_run"] != firstRun || v["arn_or_uri"] != "models:/triage/1" || v["status"] != "READY" {
		t.Errorf("version %v", v)
	}
	if v := find(t, rec, records.KindModelVersion, hostile+"/1"); v["stage_or_alias"] != "Archived" {
		t.Errorf("archived version %v", v)
	}
	a := find(t, rec, records.KindModelApproval, "triage/1")
	if a["approval_status"] != "Approved" || a["changed_by"] != "bo" || a["basis"] != "first_seen" {
		t.Errorf("approval %v", a)
	}
	l := find(t, rec, records.KindLineage, "triage/1")
	if l["code_commit"] != "0a1b2c" || cmp.Diff([]any{"claims@d1"}, l["dataset_versions"]) != "" || l["ended_at"] != "2023-11-14T22:13:25Z" || !strings.HasPrefix(l["parameters_digest"].(string), "sha256:") {
		t.Errorf("lineage %v", l)
	}
	var made, tested obj
	for _, r := range rec.Records(kindEvaluation) {
		if e := connectortest.Payload(t, r); e["run_id"] == firstRun {
			made = e
		} else {
			tested = e
		}
	}
	// MLflow's database has no infinity: it keeps the largest number that it can.
	want := obj{"accuracy": 0.93, "loss": "NaN", "worst": "1.7976931348623157e+308", "steps": 9007199254740992.0}
	if d := cmp.Diff(want, made["metrics"]); d != "" || made["passed"] != true || made["executor"] != "ada" || made["system_id"] != "bot" || made["dataset_version"] != "claims@d1" {
		t.Errorf("evaluation %v: %s", made, d)
	}
	if tested["subject_ref"] != "triage/1" || tested["passed"] != false {
		t.Errorf("the run of the experiment: %v", tested)
	}
	for _, r := range rec.Records() {
		if r.URL != "" {
			followable(t, r.URL)
		}
	}
	realChanges(t, s, cfg, rec, secondRun)
	if got := "MLflow " + version(t, base); got != peertest.MLflowName {
		t.Errorf("the server is %s, and is named %s", got, peertest.MLflowName)
	}
	connectortest.Peer(t, peertest.MLflowName, rec.Kinds())
}

// realChanges reads again, unchanged and then changed.
func realChanges(t *testing.T, s seeder, cfg connector.Config, first *connectortest.Recorder, secondRun string) {
	t.Helper()
	again, cov := collect(t, cfg, first)
	wantComplete(t, again, cov)
	if d := cmp.Diff(byKey(first), byKey(again)); d != "" {
		t.Errorf("an unchanged server tells another story:\n%s", d)
	}
	s.finish(secondRun)
	s.post("runs/log-metric", obj{"run_id": secondRun, "key": "late", "value": 1, "timestamp": 1700000001000})
	s.post("registered-models/alias", obj{"name": "triage", "alias": "champion", "version": "2"})
	time.Sleep(2 * time.Millisecond)
	moved, cov := collect(t, cfg, again)
	wantComplete(t, moved, cov)
	old, now := find(t, moved, records.KindModelApproval, "triage/1"), find(t, moved, records.KindModelApproval, "triage/2")
	if old["approval_status"] != "PendingManualApproval" || old["previous_status"] != "Approved" || now["approval_status"] != "Approved" {
		t.Errorf("after the alias moved: %v, %v", old, now)
	}
	if l := find(t, moved, records.KindLineage, "triage/2"); l["ended_at"] == nil {
		t.Errorf("a run that ended after it was first read: %v", l)
	}
	full, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg, Full: true}, moved)
	if err != nil || cmp.Diff(byKey(moved), byKey(full)) != "" {
		t.Errorf("a full run forgets: %v %s", err, cmp.Diff(byKey(moved), byKey(full)))
	}
}

// followable checks that a link is one that the server answers.
func followable(t *testing.T, link string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatalf("link %q: %v", link, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("link %q: %v", link, err)
	}
	_ = resp.Body.Close()
}

func version(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/version", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b [40]byte
	n, _ := resp.Body.Read(b[:])
	return strings.TrimSpace(string(b[:n]))
}

func TestPeerConformance(t *testing.T) {
	base := peertest.MLflow(t)
	fillReal(seeder{t: t, base: base})
	settings := realSettings(base)
	settings["approval"] = obj{"stage": "Production"} // its time is the server's
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	connectortest.Run(t, New(), connectortest.Case{Config: connector.Config{Settings: b}})
}

// startGuarded runs MLflow with its own login, where nobody may read anything
// that is not granted, and returns its address and the administrator's password.
func startGuarded(t *testing.T) (base, password string) {
	t.Helper()
	dir := t.TempDir()
	ini := filepath.Join(dir, "auth.ini")
	settings := "[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = sqlite:///" + filepath.Join(dir, "auth.db") +
		"\nadmin_username = admin\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
	if err := os.WriteFile(ini, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	password = "of-the-administrator"
	t.Setenv("MLFLOW_AUTH_CONFIG_PATH", ini)
	t.Setenv("MLFLOW_AUTH_ADMIN_PASSWORD", password)
	t.Setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "for a test")
	return peertest.Start(t, "MLflow with a login", "/health", func(port string) []string {
		return []string{peertest.Path(t, "mlflow", "bin", "mlflow"), "server", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--app-name", "basic-auth",
			"--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--default-artifact-root", filepath.Join(dir, "artifacts")}
	}), password
}

// The real login leaves out what a reader may not see, without a word.
func TestAgainstMLflowWithALogin(t *testing.T) {
	base, password := startGuarded(t)
	admin := seeder{t: t, base: base, user: "admin", password: password}
	for _, name := range []string{"open", "secret"} {
		admin.post("registered-models/create", obj{"name": name})
		run := admin.run("0", name, nil, obj{"a": 1})
		admin.finish(run)
		admin.version(name, run)
	}
	const secret = "of-the-plain-reader"
	admin.post("users/create", obj{"username": "reader", "password": secret})
	admin.post("/api/3.0/mlflow/users/permissions/grant", obj{"username": "reader", "resource_type": "registered_model", "resource_id": "open", "permission": "READ"})
	cfg := func(user, password string, more obj) connector.Config {
		settings := obj{"base_url": base, "requests_per_second": 1000}
		maps.Copy(settings, more)
		return connector.Config{Settings: raw(t, settings), Secrets: map[string]string{"username": user, "password": password}}
	}
	if _, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg("reader", "wrong", nil)}, nil); !errors.Is(err, connector.ErrRefused) {
		t.Errorf("a wrong password: %v", err)
	}
	rec, cov := collect(t, cfg("reader", secret, nil), nil)
	if d := cmp.Diff(map[string]int{"open": 1}, subjects(rec, records.KindModel)); d != "" || cov[records.KindModel].Status != connector.Partial || !reasons(rec)[connector.Hidden] || !reasons(rec)[connector.Denied] {
		t.Errorf("the reader's view: %s %+v %+v", d, cov, rec.Gaps())
	}
	rec, cov = collect(t, cfg("reader", secret, obj{"canary": "secret"}), nil)
	if cov[records.KindModelVersion].Enumerated || !reasons(rec)[connector.Hidden] {
		t.Errorf("a canary that is not seen: %+v", cov)
	}
	rec, cov = collect(t, cfg("admin", password, obj{"canary": "secret"}), nil)
	wantComplete(t, rec, cov)
	wantGrants(t, cfg("reader", secret, nil), "reader", connector.Missing, connector.Missing)
	wantGrants(t, cfg("admin", password, nil), "admin", connector.Granted, connector.Granted)
}

func wantGrants(t *testing.T, cfg connector.Config, identity string, models, runs connector.Grant) {
	t.Helper()
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Identity != identity || len(rep.Permissions) != 2 || rep.Permissions[0].Grant != models || rep.Permissions[1].Grant != runs {
		t.Errorf("check: %+v, %v", rep, err)
	}
}

func raw(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
