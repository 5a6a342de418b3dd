//go:build peers

package mlflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// seeder writes into a real server as a data scientist's tools do.
type seeder struct {
	t              *testing.T
	base           string
	user, password string // where the server asks for a login
}

func (s seeder) send(method, path string, body obj) obj {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/api/2.0/mlflow/" + path
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	var out obj
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(got, &out) != nil {
		s.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, got, err)
	}
	return out
}

func (s seeder) post(path string, body obj) obj {
	s.t.Helper()
	return s.send(http.MethodPost, path, body)
}

// run logs a finished run and returns its id.
func (s seeder) run(experiment, name string, tags obj, metrics obj) string {
	s.t.Helper()
	run := s.post("runs/create", obj{"experiment_id": experiment, "run_name": name, "start_time": 1700000000000, "user_id": "ada"})
	id := run["run"].(obj)["info"].(obj)["run_id"].(string)
	for k, v := range tags {
		s.post("runs/set-tag", obj{"run_id": id, "key": k, "value": v})
	}
	for k, v := range metrics {
		s.post("runs/log-metric", obj{"run_id": id, "key": k, "value": v, "timestamp": 1700000001000})
	}
	return id
}

func (s seeder) finish(run string) {
	s.t.Helper()
	s.post("runs/update", obj{"run_id": run, "status": "FINISHED", "end_time": 1700000005000})
}

func (s seeder) version(model, run string, tags ...obj) string {
	s.t.Helper()
	v := s.post("model-versions/create", obj{"name": model, "source": "s3://bucket/model" + run, "run_id": run, "tags": tags})
	return fmt.Sprint(v["model_version"].(obj)["version"])
}
