package aws

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// shorts gives kind, key and time of records.
func shorts(list []connector.Record) []string {
	var out []string
	for _, r := range list {
		s := r.Kind + " " + r.Key
		if !r.EventTime.IsZero() {
			s += " " + r.EventTime.Format(time.RFC3339)
		}
		out = append(out, s)
	}
	return out
}

// fast is a configuration without a budget of requests and without retries.
func (f *fakeAWS) fast() connector.Config {
	cfg := f.config()
	cfg.Settings = []byte(strings.NewReplacer(`_per_second":1000`, `_per_second":100000`, `"max_attempts":2`, `"max_attempts":1`).Replace(string(cfg.Settings)))
	return cfg
}

func TestBedrock(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	rec, cov, err := run(t, f.fast())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %+v, error %v", rec.gaps, err)
	}
	const reg = "bedrock/123456789012/eu-west-1"
	two, one := daysAgo(2), daysAgo(1)
	use := func(kind, rest string, at time.Time) string {
		return kind + " aws|123456789012/eu-west-1|" + rest + "|" + at.Format(time.DateOnly) + " " + at.Format(time.RFC3339)
	}
	want := []string{
		"cloud.ai_resource_inventory cloudtrail/123456789012/eu-west-1",
		"vendor.model_lifecycle aws|" + claude + "|eu-west-1|active|||2027-05-22T00:00:00Z 2025-05-22T00:00:00Z",
		"vendor.model_lifecycle aws|anthropic.claude-v2:1|eu-west-1|retired|2025-01-21T00:00:00Z||2025-07-21T00:00:00Z 2025-01-21T00:00:00Z",
		"vendor.model_lifecycle aws|cohere.command-r-v1:0|eu-west-1|deprecated|2026-02-01T00:00:00Z|2098-01-01T00:00:00Z|2099-01-01T00:00:00Z 2026-02-01T00:00:00Z",
		"model_registry.model " + reg + "|claims 2026-03-01T10:00:00Z",
		"model_registry.model_version " + reg + "|claims|abc123def456 2026-03-01T10:00:00Z",
		"model_registry.model " + reg + "|llama-own 2026-03-02T10:00:00Z",
		"model_registry.model_version " + reg + "|llama-own|imp123 2026-03-02T10:00:00Z",
		"model_registry.lineage " + bedrockARN + "model-customization-job/job1 2026-03-01T10:00:00Z",
		"cloud.ai_resource_inventory " + bedrockARN + "inference-profile/eu." + claude,
		"model_registry.deployment " + reg + "|inference-profile/app1 2026-05-02T10:00:00Z",
		"model_registry.deployment " + reg + "|provisioned-model/pt1 2026-03-06T10:00:00Z",
		"model_registry.deployment " + reg + "|custom-model-deployment/cd1 2026-03-07T10:00:00Z",
		"model_registry.deployment " + reg + "|marketplace-endpoint/market 2026-03-08T10:00:00Z",
		"model_registry.deployment " + reg + "|prompt-router/pr1 2026-03-09T10:00:00Z",
		"cloud.ai_resource_inventory " + bedrockARN + "agent/AGENT00001#1",
		"cloud.ai_resource_inventory " + bedrockARN + "agent/AGENT00001#DRAFT",
		"model_registry.deployment " + reg + "|agent-alias/AGENT00001/ALIAS00001 2026-05-31T11:00:00Z",
		"cloud.ai_resource_inventory " + bedrockARN + "flow/FLOW000001#3",
		"cloud.ai_resource_inventory " + bedrockARN + "flow/FLOW000001#DRAFT",
		"cloud.ai_resource_inventory " + bedrockARN + "prompt/PROMPT0001#DRAFT",
		"cloud.ai_resource_inventory " + bedrockARN + "prompt/PROMPT0001:1#1",
		"cloud.ai_resource_inventory " + bedrockARN + "knowledge-base/KB00000001",
		"cloud.ai_resource_inventory " + bedrockARN + "knowledge-base/KB00000001/data-source/DS00000001",
		"cloud.guardrail " + bedrockARN + "guardrail/gr1|DRAFT 2026-06-10T10:00:00Z",
		"cloud.guardrail " + bedrockARN + "guardrail/gr1|1 2026-01-11T10:00:00Z",
		"cloud.log_retention arn:aws:logs:eu-west-1:123456789012:log-group:/ai",
		"cloud.log_retention s3://logs/bedrock",
		"cloud.log_retention s3://large/",
		"cloud.invocation_logging aws|123456789012|eu-west-1",
		"evaluation.run " + bedrockARN + "evaluation-job/ev1#" + claude + " 2026-04-01T12:00:00Z",
		"evaluation.run " + bedrockARN + "evaluation-job/ev1#claims/abc123def456 2026-04-01T12:00:00Z",
		use("vendor.usage", "|amazon.titan-text-lite-v1", two), use("vendor.model_observation", "amazon.titan-text-lite-v1|", two),
		use("vendor.usage", "|eu."+claude, two), use("vendor.model_observation", claude+"|eu."+claude, two),
		use("vendor.usage", "|eu."+claude, one), use("vendor.model_observation", claude+"|eu."+claude, one),
	}
	if d := cmp.Diff(want, shorts(rec.records)); d != "" {
		t.Error(d)
	}
	events := []string{records.KindModelMonitor, records.KindCloudAuditEvent, records.KindModelApproval, records.KindModelLifecycle, records.KindLineage, kindEvaluationRun, records.KindVendorUsage, records.KindModelObservation}
	for kind, c := range cov {
		if c.Status != connector.Complete || c.Enumerated == slices.Contains(events, kind) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

// payloadOf returns the payload of the record with a key that ends so.
func payloadOf(t *testing.T, rec *recorder, kind, end string) obj {
	t.Helper()
	for _, r := range rec.byKind(kind) {
		if strings.HasSuffix(r.Key, end) {
			return payload(t, r)
		}
	}
	t.Fatalf("no %s that ends in %q among %v", kind, end, shorts(rec.byKind(kind)))
	return nil
}

func TestWhatServesOnBedrock(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	rec, _, err := run(t, f.fast())
	if err != nil {
		t.Fatal(err)
	}
	model := func(name, ref, arn string) obj {
		return obj{"name": name, "model_ref": ref, "model_package_arn": arn, "model": "", "version": "", "weight": 1.0, "instance_count": 0.0, "shadow": false, "resolved": true}
	}
	const custom, paris = bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456", "arn:aws:bedrock:eu-west-3::foundation-model/" + claude
	reserved := model("current", custom, custom)
	reserved["model"], reserved["version"], reserved["instance_count"] = "claims", "abc123def456", 2.0
	next := model("desired", "amazon.titan-text-lite-v1", titan)
	next["weight"] = 0.0
	gone := obj{"name": "current", "model_ref": bedrockARN + "custom-model/gone/zzz", "model_package_arn": "", "model": "", "version": "", "weight": 1.0, "instance_count": 0.0, "shadow": false, "resolved": false}
	for end, want := range map[string][]any{
		"inference-profile/app1":            {model("eu-west-1", claude, claudeARN), model("eu-west-3", claude, paris)},
		"provisioned-model/pt1":             {reserved, next},
		"custom-model-deployment/cd1":       {gone}, // a model that the account does not have is not known
		"prompt-router/pr1":                 {model("route", claude, claudeARN), model("fallback", "amazon.titan-text-lite-v1", titan)},
		"agent-alias/AGENT00001/ALIAS00001": {model("version 1/eu-west-1", claude, claudeARN), model("version 1/eu-west-3", claude, paris)},
	} {
		p := payloadOf(t, rec, records.KindDeployment, end)
		if d := cmp.Diff(want, p["variants"]); d != "" {
			t.Errorf("%s: %s", end, d)
		}
		if p["platform"] != "bedrock" || p["region"] != "eu-west-1" {
			t.Errorf("%s: %v", end, p)
		}
	}
	if p := payloadOf(t, rec, records.KindDeployment, "provisioned-model/pt1"); p["environment"] != "production" || p["status"] != "InService" || p["config_ref"] != "reserved" {
		t.Errorf("%v", p)
	}
	profile := payloadOf(t, rec, records.KindAIResource, "inference-profile/eu."+claude)["attributes"]
	if d := cmp.Diff(obj{"type": "SYSTEM_DEFINED", "models": claude, "regions": "eu-west-1, eu-west-3"}, profile); d != "" {
		t.Error(d)
	}
	agent := payloadOf(t, rec, records.KindAIResource, "agent/AGENT00001#1")["attributes"]
	if d := cmp.Diff(obj{"version": "1", "model": bedrockARN + "inference-profile/eu." + claude, "role": "arn:aws:iam::123456789012:role/agent", "guardrail": "gr1 version 1",
		"action_groups": "pay-out (enabled)", "knowledge_bases": "KB00000001 (enabled)"}, agent); d != "" {
		t.Error(d)
	}
	flow := payloadOf(t, rec, records.KindAIResource, "flow/FLOW000001#DRAFT")["attributes"]
	if d := cmp.Diff(obj{"version": "DRAFT", "role": "arn:aws:iam::123456789012:role/flow", "models": claude, "agents": bedrockARN + "agent-alias/AGENT00001/ALIAS00001",
		"guardrails": bedrockARN + "guardrail/gr1 version DRAFT"}, flow); d != "" {
		t.Error(d)
	}
	if strings.Contains(string(mustJSON(t, rec.records)), "hello") {
		t.Error("the text of a prompt is in a record")
	}
}

func TestOwnModelsAndLineage(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	rec, _, err := run(t, f.fast())
	if err != nil {
		t.Fatal(err)
	}
	v := payloadOf(t, rec, records.KindModelVersion, "|claims|abc123def456")
	want := obj{"registry": "bedrock/123456789012/eu-west-1", "model": "claims", "version": "abc123def456", "arn_or_uri": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456",
		"created_at": "2026-03-01T10:00:00Z", "source_run": bedrockARN + "model-customization-job/job1", "metrics_uri": "s3://out/claims", "tags": obj{"Environment": "production"},
		"framework": "fine_tuning", "base_model": "amazon.titan-text-lite-v1", "status": "Active"}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
	l := payloadOf(t, rec, records.KindLineage, "job1")
	digest, _ := l["parameters_digest"].(string)
	delete(l, "parameters_digest")
	wantLineage := obj{"run_id": bedrockARN + "model-customization-job/job1", "registry": "bedrock/123456789012/eu-west-1", "model": "claims", "model_version": "abc123def456", "training_run": "tune",
		"dataset_versions": []any{"base model " + titan, "training data s3://data/train.jsonl", "validation data s3://data/valid.jsonl"},
		"started_at":       "2026-02-28T10:00:00Z", "ended_at": "2026-03-01T10:00:00Z"}
	if d := cmp.Diff(wantLineage, l); d != "" || !strings.HasPrefix(digest, "sha256:") || len(digest) != 71 {
		t.Errorf("%s %q", d, digest)
	}
	e := payloadOf(t, rec, kindEvaluationRun, "#"+claude)
	wantRun := obj{"run_id": bedrockARN + "evaluation-job/ev1#" + claude, "subject_ref": claude, "dataset_version": "s3://data/qa.jsonl", "started_at": "2026-04-01T10:00:00Z",
		"finished_at": "2026-04-01T12:00:00Z", "executor": "bedrock automated evaluation by role arn:aws:iam::123456789012:role/evaluator",
		"metrics": obj{"Builtin.Accuracy": obj{"task": "QuestionAndAnswer", "dataset": "s3://data/qa.jsonl", "results": "s3://out/ev"}}}
	if d := cmp.Diff(wantRun, e); d != "" {
		t.Error(d)
	}
}

// Each listing that is denied, not offered, breaks off or is no answer is a
// gap of the kinds that it is for.
func TestBedrockAnswersThatAreNone(t *testing.T) {
	alone := map[string]string{ // listings that nothing else of the kind stands beside
		"ListFoundationModels": records.KindModelLifecycle, "ListEvaluationJobs": kindEvaluationRun,
		"ListGuardrails": records.KindGuardrail, "GetModelInvocationLoggingConfiguration": records.KindInvocationLogging, "ListMetrics": records.KindVendorUsage,
	}
	beside := map[string]string{
		"ListCustomModels": records.KindModelVersion, "ListModelCustomizationJobs": records.KindLineage, "ListImportedModels": records.KindModel, "ListInferenceProfiles": records.KindDeployment,
		"ListProvisionedModelThroughputs": records.KindDeployment, "ListCustomModelDeployments": records.KindDeployment, "ListMarketplaceModelEndpoints": records.KindDeployment,
		"ListPromptRouters": records.KindDeployment, "ListAgents": records.KindAIResource, "ListFlows": records.KindAIResource, "ListPrompts": records.KindAIResource,
		"ListKnowledgeBases": records.KindAIResource, "ListEnforcedGuardrailsConfiguration": records.KindGuardrail, "ListAgentVersions": records.KindGuardrail,
		"ListAgentAliases": records.KindDeployment, "GetAgentVersion": records.KindDeployment, "ListAgentActionGroups": records.KindAIResource, "GetFlow": records.KindGuardrail,
		"GetGuardrail": records.KindGuardrail, "GetCustomModel": records.KindModelVersion, "GetPrompt": records.KindAIResource, "GetDataSource": records.KindAIResource,
		"GetModelCustomizationJob": records.KindLineage, "GetEvaluationJob": kindEvaluationRun, "ListTagsForResource": records.KindModel, "GetMetricData": records.KindVendorUsage,
		"Logs_20140328.DescribeLogGroups": records.KindLogRetention, "S3lifecycle": records.KindLogRetention, "S3object-lock": records.KindLogRetention,
	}
	for name, tt := range map[string]struct {
		answer func(obj) (int, any)
		raw    http.HandlerFunc
		reason connector.Reason
	}{
		"denied":   {failWith("AccessDeniedException"), nil, connector.Denied},
		"HTML 500": {nil, html500, connector.Unavailable},
		"HTML 200": {nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) }, connector.Malformed},
	} {
		for ops, cover := range map[*map[string]string]connector.CoverageStatus{&alone: connector.Refused, &beside: connector.Partial} {
			for op, kind := range *ops {
				t.Run(name+" "+op, func(t *testing.T) {
					t.Parallel()
					f := newFakeAWS(t)
					f.fillBedrock()
					f.ops[op], f.raw[op] = tt.answer, tt.raw
					if strings.HasPrefix(op, "S3") && tt.answer != nil {
						f.ops[op] = func(obj) (int, any) { return 403, `<Error><Code>AccessDenied</Code></Error>` }
					} else if strings.Contains(op, "Metric") && tt.answer != nil {
						f.ops[op] = func(obj) (int, any) { return 403, cbor.Map{"__type": cbor.String("AccessDenied")} }
					}
					rec, cov, err := run(t, f.fast())
					if err != nil {
						t.Fatal(err)
					}
					found := false
					for _, g := range rec.gaps {
						found = found || g.Reason == tt.reason && slices.Contains(g.Kinds, kind)
						if g.Reason == connector.Denied && g.Permission == "" {
							t.Errorf("no permission in %+v", g)
						}
					}
					if c := cov[kind]; !found || c.Status != cover || c.Enumerated {
						t.Errorf("gaps %+v, coverage %+v", rec.gaps, c)
					}
				})
			}
		}
	}
}

func TestConformanceOfBedrock(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.fillBedrock()
	connectortest.Run(t, New(), connectortest.Case{Config: f.config()})
}

// Names that somebody chose to do harm end in a record or a gap, not in the end
// of the run.
func TestHostileNamesOnBedrock(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	bad := "\x1b[31m\u202e" + strings.Repeat("ä", 3000) + "\n"
	f.ops["ListAgents"] = one(obj{"agentSummaries": []obj{{"agentId": bad, "agentName": bad, "agentStatus": "PREPARED", "updatedAt": "2026-06-01T10:00:00Z"}}})
	f.ops["ListCustomModels"] = one(obj{"modelSummaries": []obj{{"modelArn": bad, "modelName": bad, "creationTime": "2026-03-01T10:00:00Z", "baseModelArn": bad}}})
	f.ops["ListFoundationModels"] = one(obj{"modelSummaries": []obj{foundation(bad, obj{"status": "ACTIVE"}), foundation("x", obj{"status": bad})}})
	f.ops["ListFlows"] = one(obj{"flowSummaries": []obj{{"id": bad, "arn": bad, "name": bad, "status": bad, "createdAt": "2099-06-02T10:00:00Z", "updatedAt": "2099-06-02T10:00:00Z"}}})
	f.ops["GetModelInvocationLoggingConfiguration"] = one(obj{"loggingConfig": obj{"s3Config": obj{"bucketName": "../" + bad, "keyPrefix": bad}, "cloudWatchConfig": obj{"logGroupName": bad, "roleArn": bad}}})
	connectortest.Run(t, New(), connectortest.Case{Config: f.config()})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
