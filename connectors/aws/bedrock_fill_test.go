package aws

import (
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

const (
	bedrockARN = "arn:aws:bedrock:eu-west-1:123456789012:"
	titan      = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-lite-v1"
	claude     = "anthropic.claude-sonnet-4-v1:0"
	claudeARN  = "arn:aws:bedrock:eu-west-1::foundation-model/" + claude
)

// fillBedrock fills the fake: a model of each state, a custom and an imported
// model, one of each thing that serves, an agent behind a guardrail, logging to
// both destinations, an evaluation, and calls on two days.
func (f *fakeAWS) fillBedrock() {
	f.fillModels()
	f.fillServing()
	f.fillAgents()
	f.fillSafeguards()
	f.fillUsage()
}

func foundation(id string, lifecycle obj) obj {
	return obj{"modelArn": "arn:aws:bedrock:eu-west-1::foundation-model/" + id, "modelId": id, "modelLifecycle": lifecycle}
}

func (f *fakeAWS) fillModels() {
	f.ops["ListFoundationModels"] = one(obj{"modelSummaries": []obj{
		foundation(claude, obj{"status": "ACTIVE", "startOfLifeTime": "2025-05-22T00:00:00Z", "endOfLifeTime": "2027-05-22T00:00:00Z"}),
		foundation("anthropic.claude-v2:1", obj{"status": "LEGACY", "startOfLifeTime": "2023-11-29T00:00:00Z", "legacyTime": "2025-01-21T00:00:00Z", "endOfLifeTime": "2025-07-21T00:00:00Z"}),
		foundation("cohere.command-r-v1:0", obj{"status": "LEGACY", "startOfLifeTime": "2024-04-29T00:00:00Z", "legacyTime": "2026-02-01T00:00:00Z",
			"publicExtendedAccessTime": "2098-01-01T00:00:00Z", "endOfLifeTime": "2099-01-01T00:00:00Z"}),
	}})
	f.ops["ListCustomModels"] = one(obj{"modelSummaries": []obj{{"modelArn": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456", "modelName": "claims",
		"creationTime": "2026-03-01T10:00:00Z", "baseModelArn": titan, "baseModelName": "Titan", "customizationType": "FINE_TUNING", "ownerAccountId": "123456789012", "modelStatus": "Active"}}})
	f.ops["GetCustomModel"] = one(obj{"modelArn": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456", "modelName": "claims", "creationTime": "2026-03-01T10:00:00Z",
		"jobArn": bedrockARN + "model-customization-job/job1", "outputDataConfig": obj{"s3Uri": "s3://out/claims"}})
	f.ops["ListImportedModels"] = one(obj{"modelSummaries": []obj{{"modelArn": bedrockARN + "imported-model/imp123", "modelName": "llama-own", "creationTime": "2026-03-02T10:00:00Z", "modelArchitecture": "llama3"}}})
	f.ops["GetImportedModel"] = one(obj{"modelArn": bedrockARN + "imported-model/imp123", "modelName": "llama-own", "modelDataSource": obj{"s3DataSource": obj{"s3Uri": "s3://models/llama"}}})
	f.ops["ListTagsForResource"] = func(in obj) (int, any) {
		return 200, obj{"tags": []obj{{"key": "Environment", "value": "production"}}}
	}
	f.ops["ListModelCustomizationJobs"] = one(obj{"modelCustomizationJobSummaries": []obj{{"jobArn": bedrockARN + "model-customization-job/job1", "jobName": "tune", "status": "Completed",
		"creationTime": "2026-02-28T10:00:00Z", "baseModelArn": titan}}})
	f.ops["GetModelCustomizationJob"] = one(obj{"jobArn": bedrockARN + "model-customization-job/job1", "jobName": "tune", "outputModelName": "claims", "status": "Completed",
		"outputModelArn": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456", "baseModelArn": titan, "creationTime": "2026-02-28T10:00:00Z", "endTime": "2026-03-01T10:00:00Z",
		"hyperParameters": obj{"epochCount": "2"}, "trainingDataConfig": obj{"s3Uri": "s3://data/train.jsonl"}, "validationDataConfig": obj{"validators": []obj{{"s3Uri": "s3://data/valid.jsonl"}}}})
	f.ops["ListEvaluationJobs"] = one(obj{"jobSummaries": []obj{{"jobArn": bedrockARN + "evaluation-job/ev1", "jobName": "quality", "status": "Completed", "creationTime": "2026-04-01T10:00:00Z"}}})
	f.ops["GetEvaluationJob"] = one(obj{"jobArn": bedrockARN + "evaluation-job/ev1", "jobName": "quality", "status": "Completed", "jobType": "Automated", "creationTime": "2026-04-01T10:00:00Z",
		"lastModifiedTime": "2026-04-01T12:00:00Z", "roleArn": "arn:aws:iam::123456789012:role/evaluator", "outputDataConfig": obj{"s3Uri": "s3://out/ev"},
		"inferenceConfig": obj{"models": []obj{{"bedrockModel": obj{"modelIdentifier": "eu." + claude}}, {"bedrockModel": obj{"modelIdentifier": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456"}}}},
		"evaluationConfig": obj{"automated": obj{"datasetMetricConfigs": []obj{{"taskType": "QuestionAndAnswer", "metricNames": []string{"Builtin.Accuracy"},
			"dataset": obj{"name": "qa", "datasetLocation": obj{"s3Uri": "s3://data/qa.jsonl"}}}}}}})
}

func (f *fakeAWS) fillServing() {
	f.ops["ListInferenceProfiles"] = func(in obj) (int, any) {
		if in["type"] == "SYSTEM_DEFINED" {
			return 200, obj{"inferenceProfileSummaries": []obj{{"inferenceProfileArn": bedrockARN + "inference-profile/eu." + claude, "inferenceProfileId": "eu." + claude, "inferenceProfileName": "EU Claude",
				"status": "ACTIVE", "type": "SYSTEM_DEFINED", "models": []obj{{"modelArn": "arn:aws:bedrock:eu-west-3::foundation-model/" + claude}, {"modelArn": claudeARN}}}}}
		}
		return 200, obj{"inferenceProfileSummaries": []obj{{"inferenceProfileArn": bedrockARN + "application-inference-profile/app1", "inferenceProfileId": "app1", "inferenceProfileName": "chat",
			"status": "ACTIVE", "type": "APPLICATION", "createdAt": "2026-05-01T10:00:00Z", "updatedAt": "2026-05-02T10:00:00Z",
			"models": []obj{{"modelArn": "arn:aws:bedrock:eu-west-3::foundation-model/" + claude}, {"modelArn": claudeARN}}}}}
	}
	f.ops["ListProvisionedModelThroughputs"] = one(obj{"provisionedModelSummaries": []obj{{"provisionedModelArn": bedrockARN + "provisioned-model/pt1", "provisionedModelName": "reserved", "status": "InService",
		"modelArn": bedrockARN + "custom-model/amazon.titan-text-lite-v1:0:4k/abc123def456", "desiredModelArn": titan, "foundationModelArn": titan, "modelUnits": 2, "desiredModelUnits": 2,
		"creationTime": "2026-03-05T10:00:00Z", "lastModifiedTime": "2026-03-06T10:00:00Z"}}})
	f.ops["ListCustomModelDeployments"] = one(obj{"modelDeploymentSummaries": []obj{{"customModelDeploymentArn": bedrockARN + "custom-model-deployment/cd1", "customModelDeploymentName": "on-demand",
		"modelArn": bedrockARN + "custom-model/gone/zzz", "createdAt": "2026-03-07T10:00:00Z", "status": "Active"}}})
	const endpoint = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/market"
	f.ops["ListMarketplaceModelEndpoints"] = one(obj{"marketplaceModelEndpoints": []obj{{"endpointArn": endpoint, "modelSourceIdentifier": "arn:aws:sagemaker:eu-west-1:aws:hub-content/SageMakerPublicHub/Model/x/1",
		"createdAt": "2026-03-08T10:00:00Z", "updatedAt": "2026-03-08T10:00:00Z", "status": "REGISTERED"}}})
	f.ops["GetMarketplaceModelEndpoint"] = one(obj{"marketplaceModelEndpoint": obj{"endpointArn": endpoint, "endpointStatus": "InService", "modelSourceIdentifier": "x",
		"createdAt": "2026-03-08T10:00:00Z", "updatedAt": "2026-03-08T10:00:00Z", "endpointConfig": obj{"sageMaker": obj{"initialInstanceCount": 3, "instanceType": "ml.g5.xlarge", "executionRole": "r"}}}})
	f.ops["ListPromptRouters"] = one(obj{"promptRouterSummaries": []obj{{"promptRouterArn": bedrockARN + "prompt-router/pr1", "promptRouterName": "router", "status": "AVAILABLE", "type": "custom",
		"models": []obj{{"modelArn": claudeARN}}, "fallbackModel": obj{"modelArn": titan}, "createdAt": "2026-03-09T10:00:00Z", "routingCriteria": obj{"responseQualityDifference": 25.0}}}})
}

func (f *fakeAWS) fillAgents() {
	guard := obj{"guardrailIdentifier": "gr1", "guardrailVersion": "1"}
	f.ops["ListAgents"] = one(obj{"agentSummaries": []obj{{"agentId": "AGENT00001", "agentName": "helper", "agentStatus": "PREPARED", "updatedAt": "2026-06-01T10:00:00Z"}}})
	f.ops["GetAgent"] = one(obj{"agent": obj{"agentId": "AGENT00001", "agentName": "helper", "agentArn": bedrockARN + "agent/AGENT00001", "agentStatus": "PREPARED", "foundationModel": claude,
		"agentResourceRoleArn": "arn:aws:iam::123456789012:role/agent", "createdAt": "2026-05-30T10:00:00Z", "updatedAt": "2026-06-01T10:00:00Z", "idleSessionTTLInSeconds": 600, "agentVersion": "DRAFT"}})
	f.ops["ListAgentVersions"] = one(obj{"agentVersionSummaries": []obj{
		{"agentName": "helper", "agentVersion": "DRAFT", "agentStatus": "PREPARED", "createdAt": "2026-05-30T10:00:00Z", "updatedAt": "2026-06-01T10:00:00Z"},
		{"agentName": "helper", "agentVersion": "1", "agentStatus": "PREPARED", "createdAt": "2026-05-31T10:00:00Z", "updatedAt": "2026-05-31T10:00:00Z", "guardrailConfiguration": guard}}})
	f.ops["GetAgentVersion"] = one(obj{"agentVersion": obj{"agentId": "AGENT00001", "agentName": "helper", "agentArn": bedrockARN + "agent/AGENT00001", "version": "1", "agentStatus": "PREPARED",
		"foundationModel": bedrockARN + "inference-profile/eu." + claude, "agentResourceRoleArn": "arn:aws:iam::123456789012:role/agent", "createdAt": "2026-05-31T10:00:00Z",
		"updatedAt": "2026-05-31T10:00:00Z", "idleSessionTTLInSeconds": 600}})
	f.ops["ListAgentAliases"] = one(obj{"agentAliasSummaries": []obj{{"agentAliasId": "ALIAS00001", "agentAliasName": "live", "agentAliasStatus": "PREPARED", "createdAt": "2026-05-31T10:00:00Z",
		"updatedAt": "2026-05-31T11:00:00Z", "routingConfiguration": []obj{{"agentVersion": "1"}}}}})
	f.ops["ListAgentActionGroups"] = one(obj{"actionGroupSummaries": []obj{{"actionGroupId": "AG", "actionGroupName": "pay-out", "actionGroupState": "ENABLED", "updatedAt": "2026-05-31T10:00:00Z"}}})
	f.ops["ListAgentKnowledgeBases"] = one(obj{"agentKnowledgeBaseSummaries": []obj{{"knowledgeBaseId": "KB00000001", "knowledgeBaseState": "ENABLED", "updatedAt": "2026-05-31T10:00:00Z"}}})
	f.ops["ListFlows"] = one(obj{"flowSummaries": []obj{{"id": "FLOW000001", "arn": bedrockARN + "flow/FLOW000001", "name": "triage", "status": "Prepared", "version": "DRAFT", "createdAt": "2026-06-02T10:00:00Z", "updatedAt": "2026-06-02T10:00:00Z"}}})
	flow := obj{"id": "FLOW000001", "arn": bedrockARN + "flow/FLOW000001", "name": "triage", "status": "Prepared", "version": "DRAFT", "executionRoleArn": "arn:aws:iam::123456789012:role/flow",
		"createdAt": "2026-06-02T10:00:00Z", "updatedAt": "2026-06-02T10:00:00Z", "definition": obj{"nodes": []obj{
			{"name": "p", "type": "Prompt", "configuration": obj{"prompt": obj{"sourceConfiguration": obj{"inline": obj{"modelId": claude, "templateType": "TEXT",
				"templateConfiguration": obj{"text": obj{"text": "hi"}}}}, "guardrailConfiguration": obj{"guardrailIdentifier": bedrockARN + "guardrail/gr1", "guardrailVersion": "DRAFT"}}}},
			{"name": "a", "type": "Agent", "configuration": obj{"agent": obj{"agentAliasArn": bedrockARN + "agent-alias/AGENT00001/ALIAS00001"}}}}}}
	f.ops["GetFlow"] = one(flow)
	f.ops["GetFlowVersion"] = one(obj{"id": "FLOW000001", "arn": bedrockARN + "flow/FLOW000001", "name": "triage", "status": "Prepared", "version": "3", "executionRoleArn": "r", "createdAt": "2026-06-03T10:00:00Z"})
	f.ops["ListFlowAliases"] = one(obj{"flowAliasSummaries": []obj{{"id": "FA", "flowId": "FLOW000001", "arn": bedrockARN + "flow/FLOW000001/alias/FA", "name": "live", "createdAt": "2026-06-03T10:00:00Z",
		"updatedAt": "2026-06-03T10:00:00Z", "routingConfiguration": []obj{{"flowVersion": "3"}}}}})
	f.ops["ListPrompts"] = func(in obj) (int, any) {
		p := obj{"id": "PROMPT0001", "arn": bedrockARN + "prompt/PROMPT0001", "name": "greeting", "version": "DRAFT", "createdAt": "2026-06-04T10:00:00Z", "updatedAt": "2026-06-05T10:00:00Z"}
		if in["promptIdentifier"] == nil {
			return 200, obj{"promptSummaries": []obj{p}}
		}
		return 200, obj{"promptSummaries": []obj{p, {"id": "PROMPT0001", "arn": bedrockARN + "prompt/PROMPT0001:1", "name": "greeting", "version": "1", "createdAt": "2026-06-04T11:00:00Z", "updatedAt": "2026-06-04T11:00:00Z"}}}
	}
	f.ops["GetPrompt"] = func(in obj) (int, any) {
		return 200, obj{"id": "PROMPT0001", "arn": bedrockARN + "prompt/PROMPT0001", "name": "greeting", "version": "1", "createdAt": "2026-06-04T11:00:00Z", "updatedAt": "2026-06-04T11:00:00Z",
			"variants": []obj{{"name": "v", "modelId": claude, "templateType": "TEXT", "templateConfiguration": obj{"text": obj{"text": "hello"}}}}}
	}
	f.ops["ListKnowledgeBases"] = one(obj{"knowledgeBaseSummaries": []obj{{"knowledgeBaseId": "KB00000001", "name": "handbook", "status": "ACTIVE", "updatedAt": "2026-05-31T10:00:00Z"}}})
	f.ops["GetKnowledgeBase"] = one(obj{"knowledgeBase": obj{"knowledgeBaseId": "KB00000001", "name": "handbook", "status": "ACTIVE", "knowledgeBaseArn": bedrockARN + "knowledge-base/KB00000001",
		"createdAt": "2026-05-30T10:00:00Z", "updatedAt": "2026-05-31T10:00:00Z", "roleArn": "r", "knowledgeBaseConfiguration": obj{"type": "VECTOR", "vectorKnowledgeBaseConfiguration": obj{"embeddingModelArn": titan}},
		"storageConfiguration": obj{"type": "OPENSEARCH_SERVERLESS"}}})
	f.ops["ListDataSources"] = one(obj{"dataSourceSummaries": []obj{{"dataSourceId": "DS00000001", "knowledgeBaseId": "KB00000001", "name": "intranet", "status": "AVAILABLE", "updatedAt": "2026-05-31T10:00:00Z"}}})
	f.ops["GetDataSource"] = one(obj{"dataSource": obj{"dataSourceId": "DS00000001", "knowledgeBaseId": "KB00000001", "name": "intranet", "status": "AVAILABLE", "createdAt": "2026-05-30T10:00:00Z",
		"updatedAt": "2026-05-31T10:00:00Z", "dataDeletionPolicy": "DELETE", "dataSourceConfiguration": obj{"type": "S3", "s3Configuration": obj{"bucketArn": "arn:aws:s3:::intranet"}}}})
}

func (f *fakeAWS) fillSafeguards() {
	draft := obj{"id": "gr1", "arn": bedrockARN + "guardrail/gr1", "name": "safe", "status": "READY", "version": "DRAFT", "createdAt": "2026-01-10T10:00:00Z", "updatedAt": "2026-06-10T10:00:00Z"}
	f.ops["ListGuardrails"] = func(in obj) (int, any) {
		if in["guardrailIdentifier"] == nil {
			return 200, obj{"guardrails": []obj{draft}}
		}
		return 200, obj{"guardrails": []obj{draft, {"id": "gr1", "arn": bedrockARN + "guardrail/gr1", "name": "safe", "status": "READY", "version": "1", "createdAt": "2026-01-11T10:00:00Z", "updatedAt": "2026-01-11T10:00:00Z"}}}
	}
	f.ops["GetGuardrail"] = func(in obj) (int, any) {
		return 200, obj{"guardrailId": "gr1", "guardrailArn": bedrockARN + "guardrail/gr1", "name": "safe", "status": "READY", "version": in["guardrailVersion"],
			"createdAt": "2026-01-10T10:00:00Z", "updatedAt": "2026-01-11T10:00:00Z", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no",
			"contentPolicy":              obj{"filters": []obj{{"type": "VIOLENCE", "inputStrength": "HIGH", "outputStrength": "HIGH"}, {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "MEDIUM"}}},
			"topicPolicy":                obj{"topics": []obj{{"name": "advice", "definition": "legal advice", "type": "DENY"}}},
			"wordPolicy":                 obj{"words": []obj{{"text": "hell"}}, "managedWordLists": []obj{{"type": "PROFANITY"}}},
			"sensitiveInformationPolicy": obj{"piiEntities": []obj{{"type": "EMAIL", "action": "ANONYMIZE"}}, "regexes": []obj{{"name": "policy-number", "pattern": "P-[0-9]{9}", "action": "BLOCK"}}},
			"contextualGroundingPolicy":  obj{"filters": []obj{{"type": "GROUNDING", "threshold": 0.75}}},
			"automatedReasoningPolicy":   obj{"policies": []string{"arn:b", "arn:a"}, "confidenceThreshold": 0.9},
			"crossRegionDetails":         obj{"guardrailProfileArn": "arn:profile", "guardrailProfileId": "eu.guardrail.v1:0"},
		}
	}
	f.ops["ListEnforcedGuardrailsConfiguration"] = one(obj{"guardrailsConfig": []obj{{"configId": "c", "guardrailArn": bedrockARN + "guardrail/gr1", "guardrailId": "gr1", "guardrailVersion": "1", "owner": "ACCOUNT"}}})
	f.ops["GetModelInvocationLoggingConfiguration"] = one(obj{"loggingConfig": obj{"textDataDeliveryEnabled": true, "imageDataDeliveryEnabled": true, "embeddingDataDeliveryEnabled": false,
		"cloudWatchConfig": obj{"logGroupName": "/ai", "roleArn": "r", "largeDataDeliveryS3Config": obj{"bucketName": "large", "keyPrefix": ""}}, "s3Config": obj{"bucketName": "logs", "keyPrefix": "bedrock"}}})
	f.ops["Logs_20140328.DescribeLogGroups"] = one(obj{"logGroups": []obj{
		{"logGroupName": "/ai", "arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/ai:*", "logGroupArn": "arn:aws:logs:eu-west-1:123456789012:log-group:/ai", "retentionInDays": 400, "kmsKeyId": "arn:kms", "deletionProtectionEnabled": true},
		{"logGroupName": "/ai-other", "retentionInDays": 1}}})
	f.ops["S3lifecycle"] = func(in obj) (int, any) {
		if in["bucket"] == "large" {
			return 404, `<Error><Code>NoSuchLifecycleConfiguration</Code><Message>none</Message></Error>`
		}
		return 200, `<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>bedrock/</Prefix></Filter><Expiration><Days>730</Days></Expiration></Rule></LifecycleConfiguration>`
	}
	f.ops["S3object-lock"] = func(in obj) (int, any) {
		if in["bucket"] == "large" {
			return 404, `<Error><Code>ObjectLockConfigurationNotFoundError</Code><Message>none</Message></Error>`
		}
		return 200, `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>`
	}
}

// daysAgo is the midnight that began the day n days ago.
func daysAgo(n int) time.Time { return time.Now().UTC().Add(-settled).Truncate(day).AddDate(0, 0, -n) }

func metric(dimensions ...string) cbor.Map {
	var list cbor.List
	for i := 0; i+1 < len(dimensions); i += 2 {
		list = append(list, cbor.Map{"Name": cbor.String(dimensions[i]), "Value": cbor.String(dimensions[i+1])})
	}
	return cbor.Map{"Namespace": cbor.String("AWS/Bedrock"), "MetricName": cbor.String("Invocations"), "Dimensions": list}
}

func result(id string, values map[int]float64) cbor.Map {
	at, v := cbor.List{}, cbor.List{}
	for n := 14; n >= 0; n-- {
		if x, ok := values[n]; ok {
			at, v = append(at, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(daysAgo(n).Unix()))}), append(v, cbor.Float64(x))
		}
	}
	return cbor.Map{"Id": cbor.String(id), "Label": cbor.String(id), "StatusCode": cbor.String("Complete"), "Timestamps": at, "Values": v}
}

func (f *fakeAWS) fillUsage() {
	f.ops["ListMetrics"] = one2(cbor.Map{"Metrics": cbor.List{
		metric("ModelId", "eu."+claude), metric("ModelId", "amazon.titan-text-lite-v1"), metric("ModelId", "eu."+claude, "BucketedStepSize", "1")}})
	f.ops["GetMetricData"] = one2(cbor.Map{"MetricDataResults": cbor.List{ // in the order of model names
		result("m0_0", map[int]float64{2: 10}), result("m0_1", map[int]float64{2: 0}),
		result("m1_0", map[int]float64{2: 3, 1: 5}), result("m1_1", map[int]float64{2: 100, 1: 200}), result("m1_2", map[int]float64{2: 50, 1: 60})}})
}
