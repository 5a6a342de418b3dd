package azure

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const (
	fakeSecret = "client-secret-0123456789"
	fakeToken  = "eyJ.fake.token"
	sub        = "/subscriptions/s-1"
	cog        = sub + "/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/acme-ai"
	mlw        = sub + "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
	mlr        = sub + "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/registries/reg"
)

// fake imitates Azure's resource manager and Entra ID: an answer by path.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc
}

const system = `"systemData":{"createdAt":"2026-01-01T10:00:00Z","createdBy":"ana@example.test","lastModifiedAt":"2026-02-01T10:00:00Z","lastModifiedBy":"bo@example.test"}`

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{answers: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	f.put("/t-1/oauth2/v2.0/token", fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, fakeToken))
	f.put(sub+"/providers/Microsoft.CognitiveServices/accounts", `{"value":[{"id":"`+cog+`","name":"acme-ai","kind":"OpenAI","location":"swedencentral","tags":{"environment":"production","owner":"ana"},`+system+`},
	  {"id":"`+strings.Replace(cog, "acme-ai", "vision", 1)+`","name":"vision","kind":"ComputerVision","location":"swedencentral"}]}`)
	f.put(cog+"/deployments", deployments("2024-08-06", "2026-02-01T10:00:00Z"))
	f.put(cog+"/raiPolicies", `{"value":[{"id":"`+cog+`/raiPolicies/strict","name":"strict","properties":{"mode":"Blocking","type":"UserManaged","contentFilters":[{"name":"hate","enabled":true,"blocking":true,"severityThreshold":"Low","source":"Prompt"}]}}]}`)
	f.put(cog+"/providers/Microsoft.Insights/diagnosticSettings", `{"value":[{"properties":{"workspaceId":"/subscriptions/s-1/law","logs":[{"category":"RequestResponse","enabled":true},{"category":"Audit","enabled":false}]}}]}`)
	f.put(strings.Replace(cog, "acme-ai", "vision", 1)+"/providers/Microsoft.Insights/diagnosticSettings", `{"value":[]}`)
	f.put(sub+"/providers/Microsoft.CognitiveServices/locations/swedencentral/models", `{"value":[
	  {"kind":"OpenAI","model":{"name":"gpt-4o","version":"2024-08-06","lifecycleStatus":"GenerallyAvailable","deprecation":{"inference":"2999-01-01T00:00:00Z"}}},
	  {"kind":"OpenAI","model":{"name":"gpt-4o","version":"2024-08-06","lifecycleStatus":"GenerallyAvailable","deprecation":{"inference":"2999-01-01T00:00:00Z"}}},
	  {"kind":"OpenAI","model":{"name":"gpt-old","version":"1","lifecycleStatus":"Deprecated","deprecation":{"inference":"2026-01-31T00:00:00Z"}}},
	  {"kind":"OpenAI","model":{"name":"gpt-fading","version":"1","lifecycleStatus":"Deprecating","deprecation":{"inference":"2999-01-01T00:00:00Z"}}}]}`)
	f.put(sub+"/providers/Microsoft.MachineLearningServices/workspaces", `{"value":[{"id":"`+mlw+`","name":"ws","location":"swedencentral",`+system+`}]}`)
	f.put(mlw+"/models", `{"value":[{"id":"`+mlw+`/models/triage","name":"triage","properties":{"isArchived":false,"tags":{"owner":"ana"}},`+system+`}]}`)
	f.put(mlw+"/models/triage/versions", `{"value":[{"id":"`+mlw+`/models/triage/versions/2","name":"2","properties":{"stage":"Production","modelUri":"azureml://x","jobName":"job-7","modelType":"mlflow_model"},`+system+`}]}`)
	f.put(mlw+"/onlineEndpoints", `{"value":[{"id":"`+mlw+`/onlineEndpoints/live","name":"live","location":"swedencentral","tags":{"environment":"production"},"properties":{"authMode":"Key","traffic":{"blue":90,"green":10},"mirrorTraffic":{"grey":10},"provisioningState":"Succeeded"},`+system+`}]}`)
	f.put(mlw+"/onlineEndpoints/live/deployments", `{"value":[
	  {"name":"green","location":"x","properties":{"endpointComputeType":"Managed","model":"azureml:loose:1"}},
	  {"name":"blue","location":"x","sku":{"name":"Default","capacity":2},"properties":{"endpointComputeType":"Managed","model":"`+mlw+`/models/triage/versions/2","dataCollector":{"collections":{"model_inputs":{"dataCollectionMode":"Enabled"}}}}},
	  {"name":"grey","location":"x","properties":{"endpointComputeType":"Managed","model":"azureml://datastores/files"}}]}`)
	f.put(mlw+"/schedules", `{"value":[{"id":"`+mlw+`/schedules/drift","name":"drift","properties":{"isEnabled":true,"action":{"actionType":"CreateMonitor","monitorDefinition":{"monitoringTarget":{"taskType":"Classification","deploymentId":"azureml:live:blue"},"computeConfiguration":{"computeType":"ServerlessSpark"},"signals":{"a":{"signalType":"PredictionDrift"}}}},"trigger":{"triggerType":"Cron","expression":"0 3 * * *"}},`+system+`},
	  {"id":"`+mlw+`/schedules/job","name":"job","properties":{"action":{"actionType":"CreateJob"},"trigger":{"triggerType":"Cron","expression":"0 4 * * *"}}}]}`)
	f.put(sub+"/providers/Microsoft.MachineLearningServices/registries", `{"value":[{"id":"`+mlr+`","name":"reg","location":"swedencentral"}]}`)
	f.put(mlr+"/models", `{"value":[]}`)
	f.on(sub+"/providers/Microsoft.Insights/eventtypes/management/values", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Query().Get("$filter"), "CognitiveServices") {
			fmt.Fprint(w, `{"value":[]}`)
			return
		}
		fmt.Fprint(w, `{"value":[{"eventDataId":"e-1","eventTimestamp":"2026-02-01T10:00:00Z","caller":"bo@example.test","resourceId":"`+cog+`/deployments/chat",
		  "operationName":{"value":"Microsoft.CognitiveServices/accounts/deployments/write"},"resourceProviderName":{"value":"Microsoft.CognitiveServices"},"status":{"value":"Succeeded"},"properties":{"requestbody":"hidden"}}]}`)
	})
	f.put(sub+"/providers/Microsoft.Authorization/permissions", `{"value":[{"actions":["Microsoft.CognitiveServices/*/read","Microsoft.MachineLearningServices/*/read","Microsoft.Resources/subscriptions/read","Microsoft.Insights/*"],"notActions":["Microsoft.Insights/eventtypes/*"]}]}`)
	return f
}

// deployments is one deployment that serves a version, last changed at a time.
func deployments(version, changed string) string {
	return `{"value":[{"id":"` + cog + `/deployments/chat","name":"chat","properties":{"model":{"format":"OpenAI","name":"gpt-4o","version":"` + version + `"},
	  "versionUpgradeOption":"OnceNewDefaultVersionAvailable","raiPolicyName":"strict","provisioningState":"Succeeded"},
	  "systemData":{"createdAt":"2026-01-01T10:00:00Z","lastModifiedAt":"` + changed + `","lastModifiedBy":"bo@example.test"}}]}`
}

func (f *fake) on(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[strings.ToLower(path)] = h
}

func (f *fake) put(path, body string) {
	f.on(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
}

func (f *fake) status(path string, code int) {
	f.on(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"code":"Code%d","message":"because"}}`, code)
	})
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.answers[strings.ToLower(r.URL.Path)]
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/token") {
		if err := r.ParseForm(); err != nil || r.Form.Get("client_secret") != fakeSecret && r.Form.Get("client_assertion") != "workload-token" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
	} else if r.Header.Get("Authorization") != "Bearer "+fakeToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h == nil {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"code":"ResourceNotFound"}}`)
		return
	}
	h(w, r)
}

func (f *fake) config() connector.Config {
	return connector.Config{
		Settings: []byte(`{"tenant_id":"t-1","client_id":"c-1","subscriptions":["s-1"],"requests_per_second":1000,"systems":{"acme-ai/chat":"assistant"},"base_url":"` + f.URL + `","authority_url":"` + f.URL + `"}`),
		Secrets:  map[string]string{secretClient: fakeSecret},
	}
}

func (f *fake) collect(t *testing.T, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config()}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}
