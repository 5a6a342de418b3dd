package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const testToken = "a-token-of-the-tests"

// server imitates an API server: lists by path, in pages.
type server struct {
	*connectortest.Answers
	lists map[string][]string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{lists: map[string][]string{}}
	s.Answers = connectortest.NewAnswers(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer "+testToken {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"kind":"Status","message":"who are you","code":401}`)
			return false
		}
		return true
	})
	for _, path := range builtin() {
		s.serve(path)
	}
	s.Put("/apis", `{"kind":"APIGroupList","groups":[{"name":"apps","preferredVersion":{"groupVersion":"apps/v1"}},
	  {"name":"serving.kserve.io","preferredVersion":{"groupVersion":"serving.kserve.io/v1beta1"}},
	  {"name":"acme.example","preferredVersion":{"groupVersion":"acme.example/v1"}}]}`)
	s.Put("/apis/serving.kserve.io/v1beta1", `{"resources":[{"name":"inferenceservices","kind":"InferenceService","namespaced":true},
	  {"name":"inferenceservices/status","kind":"InferenceService","namespaced":true},{"name":"others","kind":"Other","namespaced":true}]}`)
	s.serve("apis/serving.kserve.io/v1beta1/inferenceservices")
	s.add("apis/serving.kserve.io/v1beta1/inferenceservices",
		`{"metadata":{"name":"llm","namespace":"ml","creationTimestamp":"2026-03-01T10:00:00Z"},"spec":{"predictor":{"model":{"modelFormat":{"name":"huggingface"},"storageUri":"hf://meta-llama/Llama-3.1-8B-Instruct"}}}}`)
	s.add("apis/apps/v1/deployments",
		deployment("chat", `{"image":"acme/chat:1","env":[{"name":"OPENAI_API_KEY","valueFrom":{"secretKeyRef":{"name":"openai","key":"api-key"}}},{"name":"OPENAI_MODEL","value":"gpt-4o-2024-08-06"},{"name":"PASSWORD","value":"hunter-two-of-the-tests"}]}`),
		deployment("web", `{"image":"nginx:1.27","env":[{"name":"PORT","value":"8080"}]}`),
		deployment("gateway", `{"image":"acme/gw","args":["--upstream=https://me:pass@my-res.openai.azure.com/openai?key=abc"]}`))
	s.add("apis/apps/v1/statefulsets", strings.Replace(deployment("ollama", `{"image":"docker.io/ollama/ollama:0.5"}`), `"labels"`, `"annotations":{"team":"ml-platform"},"labels"`, 1))
	s.add("apis/batch/v1/cronjobs", `{"metadata":{"name":"embed","namespace":"jobs","creationTimestamp":"2026-03-02T10:00:00Z"},"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"acme/embed","env":[{"name":"COHERE_API_KEY","value":"x"}]}]}}}}}}`)
	s.add("apis/batch/v1/jobs", `{"metadata":{"name":"embed-1","namespace":"jobs","ownerReferences":[{"kind":"CronJob","name":"embed","controller":true}]},"spec":{"template":{"spec":{"containers":[{"image":"acme/embed","env":[{"name":"COHERE_API_KEY","value":"x"}]}]}}}}`)
	s.add("apis/apps/v1/replicasets", `{"metadata":{"name":"chat-1","namespace":"ml","ownerReferences":[{"kind":"Deployment","name":"chat","controller":true}]},"spec":{"template":{"spec":{"containers":[{"image":"x","env":[{"name":"OPENAI_API_KEY"}]}]}}}}`)
	s.add("api/v1/pods",
		pod("chat-1-x", "Running", `[{"kind":"ReplicaSet","name":"chat-1","controller":true}]`),
		pod("ray-a", "Running", `[{"kind":"RayCluster","name":"ray","controller":true}]`), pod("ray-b", "Running", `[{"kind":"RayCluster","name":"ray","controller":true}]`),
		pod("done", "Succeeded", `[]`), pod("lone", "Running", `[]`))
	return s
}

func deployment(name, container string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"ml","creationTimestamp":"2026-02-01T10:00:00Z","labels":{"team":"search","app.kubernetes.io/managed-by":"Helm"}},
	  "spec":{"template":{"spec":{"containers":[%s]}}}}`, name, container)
}

func pod(name, phase, owners string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"ml","creationTimestamp":"2026-02-01T10:00:00Z","ownerReferences":%s},
	  "spec":{"containers":[{"image":"vllm/vllm-openai:v0.6"}]},"status":{"phase":%q}}`, name, owners, phase)
}

func (s *server) add(path string, objects ...string) {
	s.lists[path] = append(s.lists[path], objects...)
}

// serve answers a list in pages of the size that is asked for.
func (s *server) serve(path string) {
	s.On("/"+path, func(w http.ResponseWriter, r *http.Request) {
		all := s.lists[path]
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		from, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("continue"), "at-"))
		to := min(from+max(limit, 1), len(all))
		next := ""
		if to < len(all) {
			next = fmt.Sprintf("at-%d", to)
		}
		items := "null"
		if to > from {
			items = "[" + strings.Join(all[from:to], ",") + "]"
		}
		fmt.Fprintf(w, `{"kind":%q,"apiVersion":"v1","metadata":{"continue":%q},"items":%s}`, kindOf(path)+"List", next, items)
	})
}

func kindOf(path string) string {
	return map[string]string{"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "replicasets": "ReplicaSet", "jobs": "Job",
		"cronjobs": "CronJob", "pods": "Pod", "inferenceservices": "InferenceService"}[path[strings.LastIndexByte(path, '/')+1:]]
}

func (s *server) config(more map[string]any) connector.Config {
	settings := map[string]any{"cluster": "prod", "url": s.URL, "page_size": 2, "requests_per_second": 1000}
	for k, v := range more {
		settings[k] = v
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return connector.Config{Settings: raw, Secrets: map[string]string{secretToken: testToken}}
}

// hasty is the connector without waits.
func hasty() *Connector {
	return &Connector{signatures: once, clock: connectortest.Hasty{}}
}

// once is the signatures, read one time for all tests.
var once = sync.OnceValues(aisign.Load)

func collect(t *testing.T, cfg connector.Config) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.Sound(t, New())
	return rec, cov
}
