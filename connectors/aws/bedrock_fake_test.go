package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// routes of Bedrock and its agents: method, path, operation.
const routes = `
GET /foundation-models ListFoundationModels
GET /custom-models ListCustomModels
GET /custom-models/{id} GetCustomModel
GET /imported-models ListImportedModels
GET /imported-models/{id} GetImportedModel
GET /model-customization-jobs ListModelCustomizationJobs
GET /model-customization-jobs/{id} GetModelCustomizationJob
GET /provisioned-model-throughputs ListProvisionedModelThroughputs
GET /model-customization/custom-model-deployments ListCustomModelDeployments
GET /marketplace-model/endpoints ListMarketplaceModelEndpoints
GET /marketplace-model/endpoints/{id} GetMarketplaceModelEndpoint
GET /prompt-routers ListPromptRouters
GET /inference-profiles ListInferenceProfiles
GET /guardrails ListGuardrails
GET /guardrails/{id} GetGuardrail
GET /enforcedGuardrailsConfiguration ListEnforcedGuardrailsConfiguration
GET /logging/modelinvocations GetModelInvocationLoggingConfiguration
GET /evaluation-jobs ListEvaluationJobs
GET /evaluation-jobs/{id} GetEvaluationJob
POST /listTagsForResource ListTagsForResource
GET /tags/{id} AgentTags
POST /agents/ ListAgents
GET /agents/{id}/ GetAgent
POST /agents/{id}/agentversions/ ListAgentVersions
GET /agents/{id}/agentversions/{version}/ GetAgentVersion
POST /agents/{id}/agentaliases/ ListAgentAliases
POST /agents/{id}/agentversions/{version}/actiongroups/ ListAgentActionGroups
POST /agents/{id}/agentversions/{version}/knowledgebases/ ListAgentKnowledgeBases
GET /flows/ ListFlows
GET /flows/{id}/ GetFlow
GET /flows/{id}/aliases ListFlowAliases
GET /flows/{id}/versions/{version}/ GetFlowVersion
GET /prompts/ ListPrompts
GET /prompts/{id}/ GetPrompt
POST /knowledgebases/ ListKnowledgeBases
GET /knowledgebases/{id} GetKnowledgeBase
POST /knowledgebases/{id}/datasources/ ListDataSources
GET /knowledgebases/{id}/datasources/{source} GetDataSource
POST /service/GraniteServiceVersion20100801/operation/ListMetrics ListMetrics
POST /service/GraniteServiceVersion20100801/operation/GetMetricData GetMetricData
`

// restOp finds the operation of a REST request, with what it asks for: the
// names in the path, the query and the body. Of S3 it is S3lifecycle or
// S3object-lock.
func restOp(r *http.Request, body []byte) (op string, in obj, ok bool) {
	for line := range strings.Lines(strings.TrimSpace(routes)) {
		f := strings.Fields(line)
		if in = match(f[1], r.URL.EscapedPath()); in != nil && f[0] == r.Method {
			op = f[2]
			break
		}
	}
	if op == "" && r.Method == http.MethodGet && r.Header.Get("X-Amz-Target") == "" {
		for _, setting := range []string{"lifecycle", "object-lock"} {
			if r.URL.Query().Has(setting) {
				op, in = "S3"+setting, obj{"bucket": strings.Trim(r.URL.Path, "/")}
			}
		}
	}
	if op == "" {
		return "", nil, false
	}
	for k, v := range r.URL.Query() {
		in[k] = v[0]
	}
	if strings.Contains(r.Header.Get("Content-Type"), "cbor") {
		v, err := cbor.Decode(body)
		in["cbor"] = v
		return op, in, err == nil
	}
	var more obj
	if json.Unmarshal(body, &more) == nil {
		for k, v := range more {
			in[k] = v
		}
	}
	return op, in, true
}

// match holds a path against a template; nil if it does not fit.
func match(template, path string) obj {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil
	}
	in := obj{}
	for i, w := range want {
		if strings.HasPrefix(w, "{") && got[i] != "" {
			v, err := url.PathUnescape(got[i])
			if err != nil {
				return nil
			}
			in[strings.Trim(w, "{}")] = v
		} else if w != got[i] {
			return nil
		}
	}
	return in
}

// rest answers a REST request.
func (f *fakeAWS) rest(w http.ResponseWriter, r *http.Request, op string, in obj) {
	f.calls = append(f.calls, op)
	if h := f.raw[op]; h != nil {
		h(w, r)
		return
	}
	answer := f.ops[op]
	if answer == nil {
		f.write(w, 404, obj{"__type": "ResourceNotFoundException", "message": "there is none"})
		return
	}
	status, out := answer(in)
	switch out := out.(type) {
	case cbor.Value:
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cbor.Encode(out))
	case string: // S3
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprint(w, out)
	default:
		f.write(w, status, out)
	}
}

// emptyBedrock makes every list of Bedrock one without entries.
func (f *fakeAWS) emptyBedrock() {
	for op, list := range map[string]string{
		"ListFoundationModels": "modelSummaries", "ListCustomModels": "modelSummaries", "ListImportedModels": "modelSummaries",
		"ListModelCustomizationJobs": "modelCustomizationJobSummaries", "ListProvisionedModelThroughputs": "provisionedModelSummaries",
		"ListCustomModelDeployments": "modelDeploymentSummaries", "ListMarketplaceModelEndpoints": "marketplaceModelEndpoints",
		"ListPromptRouters": "promptRouterSummaries", "ListInferenceProfiles": "inferenceProfileSummaries", "ListGuardrails": "guardrails",
		"ListEnforcedGuardrailsConfiguration": "guardrailsConfig", "ListEvaluationJobs": "jobSummaries", "ListTagsForResource": "tags",
		"ListAgents": "agentSummaries", "ListFlows": "flowSummaries", "ListPrompts": "promptSummaries", "ListKnowledgeBases": "knowledgeBaseSummaries",
		"ListDataSources": "dataSourceSummaries", "Logs_20140328.DescribeLogGroups": "logGroups",
	} {
		f.ops[op] = one(obj{list: []obj{}})
	}
	f.ops["GetModelInvocationLoggingConfiguration"] = one(obj{})
	f.ops["AgentTags"] = one(obj{"tags": obj{}})
	f.ops["ListMetrics"] = one2(cbor.Map{"Metrics": cbor.List{}})
	f.ops["GetMetricData"] = one2(cbor.Map{"MetricDataResults": cbor.List{}})
}

func one2(v any) func(obj) (int, any) { return func(obj) (int, any) { return 200, v } }
