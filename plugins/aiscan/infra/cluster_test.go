package infra

import "testing"

func TestKubernetes(t *testing.T) {
	check(t, []fileCase{{
		name: "documents, variables, arguments",
		path: "k8s/app.yaml",
		text: `
# Source: chart/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  annotations:
    note: uses ollama/ollama:old
spec:
  template:
    spec:
      initContainers:
        - name: pull
          image: ollama/ollama:0.3
          command: ["/bin/sh", "-c"]
          args:
            - ollama pull llama3
      containers:
        - name: api
          image: "ghcr.io/acme/api:v2"
          # image: vllm/vllm-openai
          args:
            - --model=gpt-4o
            - --base-url=https://llm.example/v1
          ports:
            - containerPort: 8000
          env:
            - name: OPENAI_API_KEY
              valueFrom:
                secretKeyRef:
                  name: ai
                  key: ANTHROPIC_API_KEY
--- # second
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
spec:
  predictor:
    model:
      storageUri: hf://meta-llama/Llama-3.1-8B
---
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 0
  template: {spec: {containers: [{image: qdrant/qdrant}]}}
`,
		want: `
			3 workload apps/Deployment
			13 image ollama/ollama @0.3
			16 call ollama pull [sh]
			16 model llama3
			19 image ghcr.io/acme/api @v2
			22 model gpt-4o
			23 host llm.example
			25 port 8000
			27 env OPENAI_API_KEY
			31 env ANTHROPIC_API_KEY
			34 workload serving.kserve.io/InferenceService
			38 model meta-llama/Llama-3.1-8B
			41 workload apps/Deployment optional
			44 image qdrant/qdrant optional
		`,
	}, {
		name: "settings and secrets, values never",
		path: "config.yaml",
		text: `
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  data:
    OPENAI_BASE_URL: https://llm.example
    model: gpt-4o
    application.yml: |
      spring:
        ai:
          openai:
            base-url: https://inner.example
- apiVersion: v1
  kind: Secret
  stringData:
    OPENAI_API_KEY: not-kept
    anthropic-api-key: not-kept
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  spec: {names: {kind: InferenceService}, image: x/y}
`,
		want: `
			5 workload ConfigMap
			7 env OPENAI_BASE_URL
			7 host llm.example
			8 env model
			8 model gpt-4o
			13 host inner.example
			13 setting spring.ai.openai.base-url
			15 workload Secret
			17 env OPENAI_API_KEY
			18 env ANTHROPIC_API_KEY
			20 workload apiextensions.k8s.io/CustomResourceDefinition
		`,
	}, {
		name: "what the network lets through",
		path: "egress.yaml",
		text: "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nspec:\n  hosts:\n  - api.openai.com\n",
		want: "2 workload networking.istio.io/ServiceEntry\n5 host api.openai.com",
	}, {
		name: "charts of Flux and Argo",
		path: "apps.yaml",
		text: `
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  chart:
    spec:
      chart: ollama
      version: 1.2.3
  values:
    image: {repository: ollama/ollama, tag: 0.4.0}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    chart: qdrant
    targetRevision: 0.9.1
    repoURL: https://qdrant.github.io/qdrant-helm
    helm:
      values: |
        extra:
          image: ghcr.io/acme/x:1
`,
		want: `
			2 workload helm.toolkit.fluxcd.io/HelmRelease
			6 chart ollama @1.2.3
			9 image ollama/ollama @0.4.0
			12 workload argoproj.io/Application
			15 chart qdrant @0.9.1
			17 host qdrant.github.io
			21 image ghcr.io/acme/x @1
		`,
	}, {
		name: "JSON",
		path: "pod.json",
		text: "{\"apiVersion\": \"v1\",\n \"kind\": \"Pod\", \"metadata\": {},\n \"spec\": {\"containers\": [\n  {\"image\": \"localai/localai:v2\"}]}}\n",
		want: "2 workload Pod\n4 image localai/localai @v2",
	}})
}

func TestHelm(t *testing.T) {
	check(t, []fileCase{{
		name: "dependencies",
		path: "chart/Chart.yaml",
		text: `
apiVersion: v2
name: app
dependencies:
  - name: ollama
    version: 1.0.0
    repository: https://otwld.github.io/ollama-helm/
  - name: qdrant
    condition: qdrant.enabled
    alias: vectors
  # - name: milvus
`,
		want: `
			4 chart ollama @1.0.0
			6 host otwld.github.io
			7 chart qdrant optional
		`,
	}, {
		name: "values",
		path: "chart/values-prod.yaml",
		text: `
image:
  registry: ghcr.io
  repository: acme/app
  tag: "1.2"
sidecarImage: vllm/vllm-openai:v0.6
ollama:
  enabled: false
  image: {repository: ollama/ollama, tag: ""}
env:
  - name: OPENAI_API_KEY
    value: ""
extraEnv:
  ANTHROPIC_API_KEY: ""
llm:
  model: claude-3-5-sonnet-20241022
  baseUrl: https://llm.example
`,
		want: `
			3 image ghcr.io/acme/app @1.2
			5 image vllm/vllm-openai @v0.6
			8 image ollama/ollama optional
			10 env OPENAI_API_KEY
			13 env ANTHROPIC_API_KEY
			15 model claude-3-5-sonnet-20241022
			16 host llm.example
		`,
	}, {
		name: "a template is read by lines",
		path: "chart/templates/deployment.yaml",
		text: `
apiVersion: apps/v1
kind: Deployment
spec:
  {{- if .Values.ollama.enabled }}
  - image: "ollama/ollama:{{ .Values.tag }}"
  {{- end }}
  {{/* image: vllm/vllm-openai
  */}}
  - image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
  # image: qdrant/qdrant
  - image: {{ .Values.registry }}/acme/model-server:1.0
    env:
      - name: OPENAI_API_KEY
        value: {{ .Values.key | quote }}
`,
		want: `
			2 workload apps/Deployment
			5 image ollama/ollama optional
			11 image acme/model-server @1.0 templated
			13 env OPENAI_API_KEY
		`,
	}, {
		name: "helmfile",
		path: "helmfile.yaml",
		text: "releases:\n- name: a\n  chart: otwld/ollama\n- name: b\n  chart: qdrant/qdrant\n  installed: false\n- name: c\n  chart: ./local\n",
		want: "3 chart ollama\n5 chart qdrant excluded",
	}, {
		name: "kustomize",
		path: "overlays/kustomization.yaml",
		text: `
images:
- name: app
  newName: ghcr.io/acme/llm-server
  newTag: v3
- name: ollama/ollama
  newTag: 0.5.0
helmCharts:
- name: weaviate
  version: 17.0.0
configMapGenerator:
- name: c
  literals:
  - OPENAI_BASE_URL=https://llm.example
`,
		want: `
			3 image ghcr.io/acme/llm-server @v3
			5 image ollama/ollama @0.5.0
			8 chart weaviate @17.0.0
			13 env OPENAI_BASE_URL
			13 host llm.example
		`,
	}})
}

func TestOneBrokenDocumentHidesNoOther(t *testing.T) {
	text := "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a/b}]}\n---\nkind: [\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: c/d}]}\n"
	facts, err := For("x.yaml", []byte(text)).Read("x.yaml", []byte(text))
	if err == nil {
		t.Error("the broken document is not named")
	}
	got := rendered(facts)
	if len(got) != 4 || got[1] != "3 image a/b" || got[3] != "9 image c/d" {
		t.Errorf("got %q", got)
	}
}

func TestTemplateThatIsNoYAML(t *testing.T) {
	text := "services:\n  llm:\n    image: ollama/ollama:{{ tag }}\n  {% if x %}\n    environment:\n      OPENAI_API_KEY: {{ key }}\n  {% endif %}\n"
	facts, err := For("compose.yaml", []byte(text)).Read("compose.yaml", []byte(text))
	if err == nil {
		t.Error("what could not be parsed is not named")
	}
	if got := rendered(facts); len(got) != 2 || got[0] != "3 image ollama/ollama templated" || got[1] != "6 env OPENAI_API_KEY" {
		t.Errorf("got %q", got)
	}
}
