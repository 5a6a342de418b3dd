package mlflow

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const fakeToken = "an-odd-and-long-token"

// fakeMLflow answers as MLflow does, as far as the connector asks. A handler
// for a path takes its place.
type fakeMLflow struct {
	*httptest.Server
	mu       sync.Mutex
	models   []obj
	versions []obj
	runs     map[string]obj
	tests    []obj // runs of the experiment "tests"
	handlers map[string]http.HandlerFunc
	calls    map[string]int
	auth     []string
}

func newFake(t *testing.T) *fakeMLflow {
	f := &fakeMLflow{runs: map[string]obj{}, handlers: map[string]http.HandlerFunc{}, calls: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// fill puts a model with two versions and their runs into it.
func (f *fakeMLflow) fill() {
	f.models = []obj{
		{"name": "triage", "creation_timestamp": 1700000000000, "last_updated_timestamp": 1700000009000, "description": "sorts",
			"tags": []obj{{"key": "system", "value": "bot"}}, "aliases": []obj{{"alias": "champion", "version": "2"}},
			"latest_versions": []obj{{"version": "2"}, {"version": "1"}}},
		{"name": "other", "creation_timestamp": 1700000000001},
		{"name": "greeting", "creation_timestamp": 1700000000001, "tags": []obj{{"key": "mlflow.prompt.is_prompt", "value": "true"}}},
	}
	f.versions = []obj{
		fakeVersion("triage", 1, "Archived", "r1", obj{"key": "approval_status", "value": "rejected"}),
		fakeVersion("triage", 2, "Production", "r2", obj{"key": "approval_status", "value": "APPROVED"}, obj{"key": "approved_by", "value": "bo"}),
	}
	f.runs["r1"], f.runs["r2"] = fakeRun("r1", "FINISHED"), fakeRun("r2", "FINISHED")
	test := fakeRun("t1", "FINISHED")
	test["data"].(obj)["tags"] = []obj{{"key": "model_version", "value": "models:/triage/2"}, {"key": "gate", "value": "Passed"}}
	f.tests = []obj{test}
}

func fakeVersion(model string, n int, stage, run string, tags ...obj) obj {
	return obj{"name": model, "version": strconv.Itoa(n), "creation_timestamp": 1700000000000 + n, "last_updated_timestamp": 1700000005000 + n,
		"current_stage": stage, "source": "s3://m/" + run, "run_id": run, "status": "READY", "tags": tags}
}

func fakeRun(id, status string) obj {
	return obj{
		"info": obj{"run_id": id, "experiment_id": "7", "user_id": "ada", "status": status, "start_time": 1700000000000, "end_time": 1700000004000},
		"data": obj{"metrics": []obj{{"key": "accuracy", "value": 0.9, "step": 0}}, "params": []obj{{"key": "lr", "value": "1"}}, "tags": []obj{}},
	}
}

func (f *fakeMLflow) config(more obj) connector.Config {
	settings := obj{"base_url": f.URL, "requests_per_second": 1000}
	for k, v := range more {
		settings[k] = v
	}
	b, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return connector.Config{Settings: b, Secrets: map[string]string{"token": fakeToken}}
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow")
	f.calls[path]++
	f.auth = append(f.auth, r.Header.Get("Authorization"))
	if h := f.handlers[path]; h != nil {
		h(w, r)
		return
	}
	q := r.URL.Query()
	switch path {
	case pathModels:
		reply(w, page("registered_models", f.models, q.Get("max_results"), q.Get("page_token")))
	case pathVersions:
		reply(w, page("model_versions", f.versions, q.Get("max_results"), q.Get("page_token")))
	case pathModel:
		for _, m := range f.models {
			if m["name"] == q.Get("name") {
				reply(w, obj{"registered_model": m})
				return
			}
		}
		fail(w, 404, "RESOURCE_DOES_NOT_EXIST")
	case pathRun:
		if run := f.runs[q.Get("run_id")]; run != nil {
			reply(w, obj{"run": run})
			return
		}
		fail(w, 404, "RESOURCE_DOES_NOT_EXIST")
	case pathExperiment:
		if q.Get("experiment_name") == "tests" {
			reply(w, obj{"experiment": obj{"experiment_id": "9", "name": "tests"}})
			return
		}
		fail(w, 404, "RESOURCE_DOES_NOT_EXIST")
	case pathRuns:
		reply(w, obj{"runs": f.tests})
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<!doctype html><title>404 Not Found</title>"))
	}
}

// page cuts a listing; MLflow leaves out an empty one.
func page(name string, rows []obj, size, token string) obj {
	n, _ := strconv.Atoi(size)
	from, _ := strconv.Atoi(token)
	to := min(from+n, len(rows))
	out := obj{}
	if to > from {
		out[name] = rows[from:to]
	}
	if to < len(rows) {
		out["next_page_token"] = strconv.Itoa(to)
	}
	return out
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error_code":"` + code + `","message":"` + code + ` it is"}`))
}

// failing answers every question with a status and a body.
func failing(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
