package gcp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const fakeToken = "ya29.fake-0123456789"

// fake imitates Google's services: an answer by path.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]func(w http.ResponseWriter, r *http.Request, body string)
	asked   []string
}

const place1 = "/v1/projects/acme-ai/locations/europe-west4"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{answers: map[string]func(http.ResponseWriter, *http.Request, string){}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	f.pages(place1+"/models", `{"models":[{"name":"projects/1/locations/europe-west4/models/11","displayName":"triage","createTime":"2026-01-01T10:00:00Z","labels":{"owner":"ana"}}]}`,
		`{"models":[{"name":"projects/1/locations/europe-west4/models/12@2","displayName":"chat","createTime":"2026-01-02T10:00:00Z"}]}`)
	f.put(place1+"/models/11:listVersions", `{"models":[
	  {"name":"x/models/11@1","versionId":"1","versionCreateTime":"2026-01-01T10:00:00Z","versionUpdateTime":"2026-01-03T10:00:00Z","versionAliases":["default"],"trainingPipeline":"projects/1/locations/europe-west4/trainingPipelines/77"},
	  {"name":"x/models/11@2","versionId":"2","versionCreateTime":"2026-02-01T10:00:00Z","versionUpdateTime":"2026-02-03T10:00:00Z","versionAliases":["prod","latest"],"containerSpec":{"imageUri":"img"}}]}`)
	f.put(place1+"/models/12:listVersions", `{"models":[{"name":"x/models/12@2","versionId":"2","versionCreateTime":"2026-01-02T10:00:00Z","modelSourceInfo":{"sourceType":"MODEL_GARDEN"},"baseModelSource":{"modelGardenSource":{"publicModelName":"publishers/google/models/gemini-1"}}}]}`)
	f.put(place1+"/models/11@1/evaluations", `{"modelEvaluations":[{"name":"projects/1/locations/europe-west4/models/11/evaluations/5","createTime":"2026-01-02T10:00:00Z","metrics":{"auPrc":0.91,"confusion":[1]}}]}`)
	f.put(place1+"/models/11@2/evaluations", `{}`)
	f.put(place1+"/models/12@2/evaluations", `{}`)
	f.put(place1+"/trainingPipelines/77", `{"name":"projects/1/locations/europe-west4/trainingPipelines/77","startTime":"2026-01-01T08:00:00Z","endTime":"2026-01-01T09:00:00Z","inputDataConfig":{"datasetId":"ds-1"},"trainingTaskInputs":{"b":1,"a":2}}`)
	f.put(place1+"/endpoints", `{"endpoints":[{"name":"projects/1/locations/europe-west4/endpoints/9","displayName":"live","createTime":"2026-02-01T10:00:00Z","updateTime":"2026-02-04T10:00:00Z","labels":{"environment":"production"},
	  "trafficSplit":{"d1":90,"d2":10},"deployedModels":[{"id":"d2","model":"projects/1/locations/europe-west4/models/11","modelVersionId":"1"},{"id":"d1","model":"projects/1/locations/europe-west4/models/11","modelVersionId":"2","dedicatedResources":{"minReplicaCount":2}}],
	  "predictRequestResponseLoggingConfig":{"enabled":true,"samplingRate":0.5,"bigqueryDestination":{"outputUri":"bq://acme.logs.t"}}},
	  {"name":"projects/1/locations/europe-west4/endpoints/10","createTime":"2026-02-01T10:00:00Z","updateTime":"2026-02-01T10:00:00Z"}]}`)
	f.put(place1+"/modelDeploymentMonitoringJobs", `{"modelDeploymentMonitoringJobs":[
	  {"name":"j/1","endpoint":"projects/1/locations/europe-west4/endpoints/9","state":"JOB_STATE_RUNNING","scheduleState":"OFFLINE","createTime":"2026-02-01T10:00:00Z","modelDeploymentMonitoringScheduleConfig":{"monitorInterval":"86400s"},"latestMonitoringPipelineMetadata":{"runTime":"2026-02-05T10:00:00Z","status":{}}},
	  {"name":"j/2","endpoint":"projects/1/locations/europe-west4/endpoints/10","state":"JOB_STATE_PENDING","createTime":"2026-02-01T10:00:00Z"}]}`)
	beta := strings.Replace(place1, "/v1/", "/v1beta1/", 1)
	f.put(beta+"/modelMonitors", `{"modelMonitors":[{"name":"m/3","modelMonitoringTarget":{"vertexModel":{"model":"projects/1/locations/europe-west4/models/11","modelVersionId":"2"}}}]}`)
	f.put(beta+"/modelMonitors/3/modelMonitoringJobs", `{"modelMonitoringJobs":[{"name":"m/3/jobs/1","state":"JOB_STATE_SUCCEEDED","createTime":"2026-02-06T10:00:00Z","updateTime":"2026-02-06T11:00:00Z"}]}`)
	f.put(place1+"/tuningJobs", `{"tuningJobs":[{"name":"t/1","baseModel":"gemini-1","startTime":"2026-01-02T08:00:00Z","endTime":"2026-01-02T09:00:00Z","tunedModel":{"model":"projects/1/locations/europe-west4/models/12@2"},"supervisedTuningSpec":{"trainingDatasetUri":"gs://b/train.jsonl","hyperParameters":{"epochCount":"3"}}},{"name":"t/2"}]}`)
	f.put(place1+"/reasoningEngines", `{"reasoningEngines":[{"name":"projects/1/locations/europe-west4/reasoningEngines/4","displayName":"agent","createTime":"2026-02-01T10:00:00Z"}]}`)
	f.put(place1+"/notebookRuntimes", `{}`)
	f.put("/v1beta1/publishers/google/models", `{"publisherModels":[{"name":"publishers/google/models/gemini-1","versionId":"001","launchStage":"GA"}]}`)
	f.put("/v2/entries:list", `{"entries":[{"insertId":"e1","timestamp":"2026-02-03T10:00:00Z","resource":{"labels":{"location":"europe-west4"}},"protoPayload":{"methodName":"google.cloud.aiplatform.v1.ModelService.MergeVersionAliases","serviceName":"aiplatform.googleapis.com","resourceName":"projects/1/locations/europe-west4/models/11","authenticationInfo":{"principalEmail":"bo@example.test"},"request":{"secret":"hidden"}}}]}`)
	f.on("/v1/projects/acme-ai:testIamPermissions", func(w http.ResponseWriter, _ *http.Request, body string) {
		var q struct{ Permissions []string }
		if json.Unmarshal([]byte(body), &q) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		held := []string{}
		for _, p := range q.Permissions {
			if p != permLogs {
				held = append(held, p)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"permissions": held})
	})
	return f
}

func (f *fake) on(path string, h func(http.ResponseWriter, *http.Request, string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = h
}

func (f *fake) put(path, body string) {
	f.on(path, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, body) })
}

func (f *fake) status(path string, code int) {
	f.on(path, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":"because","status":"X"}}`, code)
	})
}

// pages answers page after page.
func (f *fake) pages(path string, bodies ...string) {
	f.on(path, func(w http.ResponseWriter, r *http.Request, _ string) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("pageToken"), "p%d", &n)
		body := bodies[n]
		if n+1 < len(bodies) {
			body = strings.TrimSuffix(body, "}") + fmt.Sprintf(`,"nextPageToken":"p%d"}`, n+1)
		}
		fmt.Fprint(w, body)
	})
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	h := f.answers[r.URL.Path]
	f.asked = append(f.asked, r.URL.Path)
	f.mu.Unlock()
	if r.URL.Path != "/token" && r.Header.Get("Authorization") != "Bearer "+fakeToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if h == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h(w, r, string(body))
}

func (f *fake) settings() string {
	return `{"projects":["acme-ai"],"locations":["europe-west4"],"approval_aliases":["prod"],"requests_per_second":1000,"base_url":"` + f.URL + `"}`
}

func (f *fake) config() connector.Config {
	return connector.Config{Settings: []byte(f.settings()), Secrets: map[string]string{secretToken: fakeToken}}
}

func (f *fake) collect(t *testing.T, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config()}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

// keyFile makes the key of a service account that f issues tokens for.
func (f *fake) keyFile(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	out, err := json.Marshal(serviceKey{Type: "service_account", Email: "reader@acme-ai.example", KeyID: "k1", PrivateKey: text, TokenURI: f.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
