package aws

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// bedrockPermissions are the IAM actions that reading Bedrock calls, and those
// of the stores that it logs to.
func bedrockPermissions() []connector.Permission {
	models := []string{records.KindModel, records.KindModelVersion}
	named := []string{records.KindModel, records.KindModelVersion, records.KindDeployment}
	serving, inventory, guards := []string{records.KindDeployment}, []string{records.KindAIResource}, []string{records.KindGuardrail}
	logs := []string{records.KindInvocationLogging, records.KindLogRetention}
	use := []string{records.KindVendorUsage, records.KindModelObservation}
	flows := []string{records.KindAIResource, records.KindGuardrail}
	var out []connector.Permission
	for _, p := range []struct {
		action, why string
		kinds       []string
	}{
		{"bedrock:ListFoundationModels", "states and dates of foundation models", []string{records.KindModelLifecycle}},
		{"bedrock:ListCustomModels", "lists customised models, and names them in deployments", named},
		{"bedrock:GetCustomModel", "the job that made a customised model", models[1:]},
		{"bedrock:ListImportedModels", "lists imported models, and names them in deployments", named},
		{"bedrock:GetImportedModel", "where an imported model came from", models[1:]},
		{"bedrock:ListModelCustomizationJobs", "lists the jobs that made models", []string{records.KindLineage}},
		{"bedrock:GetModelCustomizationJob", "base model, data and hyperparameters of a job", []string{records.KindLineage}},
		{"bedrock:ListProvisionedModelThroughputs", "lists reserved capacity with the model it serves", serving},
		{"bedrock:ListCustomModelDeployments", "lists deployments of customised models", serving},
		{"bedrock:ListMarketplaceModelEndpoints", "lists endpoints of models from the marketplace", serving},
		{"bedrock:GetMarketplaceModelEndpoint", "the size of a marketplace endpoint", serving},
		{"bedrock:ListPromptRouters", "lists what picks a model for each prompt", serving},
		{"bedrock:ListInferenceProfiles", "models and regions behind inference profiles", []string{records.KindDeployment, records.KindAIResource, kindEvaluationRun, records.KindModelObservation}},
		{"bedrock:ListGuardrails", "lists guardrails and their versions", guards},
		{"bedrock:GetGuardrail", "the policies of a guardrail", guards},
		{"bedrock:ListEnforcedGuardrailsConfiguration", "guardrails that the account puts on every call", guards},
		{"bedrock:GetModelInvocationLoggingConfiguration", "whether calls are logged, and where", logs},
		{"bedrock:ListEvaluationJobs", "lists evaluation jobs", []string{kindEvaluationRun}},
		{"bedrock:GetEvaluationJob", "what an evaluation job tested, on which data", []string{kindEvaluationRun}},
		{"bedrock:ListTagsForResource", "tags of models, deployments and agents, the environment among them", append(named[:3:3], records.KindAIResource)},
		{"bedrock:ListAgents", "lists agents", agentKinds()},
		{"bedrock:GetAgent", "the model and role of an agent's draft", agentKinds()[:2]},
		{"bedrock:ListAgentVersions", "versions of an agent and their guardrails", agentKinds()},
		{"bedrock:GetAgentVersion", "the model and role of a version that is served", agentKinds()[:2]},
		{"bedrock:ListAgentAliases", "which versions of an agent are served", agentKinds()},
		{"bedrock:ListAgentActionGroups", "what an agent may do", inventory},
		{"bedrock:ListAgentKnowledgeBases", "what an agent reads", inventory},
		{"bedrock:ListFlows", "lists flows", flows},
		{"bedrock:GetFlow", "models, prompts and guardrails of a flow's draft", flows},
		{"bedrock:ListFlowAliases", "which versions of a flow are served", flows},
		{"bedrock:GetFlowVersion", "models, prompts and guardrails of a version that is served", flows},
		{"bedrock:ListPrompts", "lists managed prompts and their versions", inventory},
		{"bedrock:GetPrompt", "models and digest of a prompt", inventory},
		{"bedrock:ListKnowledgeBases", "lists knowledge bases", inventory},
		{"bedrock:GetKnowledgeBase", "embedding model and store of a knowledge base", inventory},
		{"bedrock:ListDataSources", "lists where a knowledge base's content comes from", inventory},
		{"bedrock:GetDataSource", "the place of a data source", inventory},
		{"logs:DescribeLogGroups", "how long the log group of invocations is kept", logs},
		{"s3:GetLifecycleConfiguration", "how long the bucket of invocations keeps them", logs[1:]},
		{"s3:GetBucketObjectLockConfiguration", "whether what is in the bucket can be removed before its time", logs[1:]},
		{"cloudwatch:ListMetrics", "which models were called", use},
		{"cloudwatch:GetMetricData", "how often models were called, by day", use},
	} {
		on, managed := `"*"`, ""
		switch {
		case strings.HasPrefix(p.action, "bedrock:"):
			managed = " (AmazonBedrockReadOnly holds all of bedrock:)"
		case strings.HasPrefix(p.action, "s3:"):
			on = "the bucket that invocations are logged to"
		}
		out = append(out, connector.Permission{ID: p.action, Kinds: p.kinds, Why: p.why,
			Grant: `add "` + p.action + `" on ` + on + ` to a policy of the reading identity` + managed})
	}
	return out
}

// errUnknowable: whether an action is granted cannot be told without a thing
// to try it on.
var errUnknowable = errors.New("invocation logging names no bucket in this region, so this cannot be tried")

// prober tries actions in one region.
type prober struct {
	s         *session
	region    string
	id        identity
	sagemaker *sagemaker.Client
	control   *bedrock.Client
	agent     *bedrockagent.Client
}

func newProber(ctx context.Context, s *session, region string, id identity) (*prober, error) {
	p := &prober{s: s, region: region, id: id}
	var err error
	if p.sagemaker, err = s.sagemaker(ctx, region); err != nil {
		return nil, err
	}
	if p.control, err = s.bedrock(ctx, region); err != nil {
		return nil, err
	}
	p.agent, err = s.bedrockAgent(ctx, region)
	return p, err
}

// try makes the smallest call of an action, on a name that nobody has. Names
// are well-formed, so that the answer is about access and not about the name.
// known is false for an action that is not one of these.
func (p *prober) try(ctx context.Context, action string) (known bool, err error) {
	for _, try := range []func(context.Context, string) (bool, error){p.registryOf, p.endpointsOf, p.lineageOf, p.monitorsOf, p.resourcesOf, p.trailsOf, p.models, p.safeguards, p.agents, p.content, p.stores} {
		if known, err := try(ctx, action); known {
			return true, err
		}
	}
	return false, nil
}

func (p *prober) arn(service, resource string) *string {
	return aws.String("arn:" + p.id.partition() + ":" + service + ":" + p.region + ":" + p.id.account + ":" + resource)
}

func (p *prober) models(ctx context.Context, action string) (bool, error) {
	api := p.control
	name, one := aws.String(probeName), aws.Int32(1)
	var err error
	switch action {
	case "bedrock:ListFoundationModels":
		_, err = api.ListFoundationModels(ctx, &bedrock.ListFoundationModelsInput{})
	case "bedrock:ListCustomModels":
		_, err = api.ListCustomModels(ctx, &bedrock.ListCustomModelsInput{MaxResults: one})
	case "bedrock:GetCustomModel":
		_, err = api.GetCustomModel(ctx, &bedrock.GetCustomModelInput{ModelIdentifier: name})
	case "bedrock:ListImportedModels":
		_, err = api.ListImportedModels(ctx, &bedrock.ListImportedModelsInput{MaxResults: one})
	case "bedrock:GetImportedModel":
		_, err = api.GetImportedModel(ctx, &bedrock.GetImportedModelInput{ModelIdentifier: name})
	case "bedrock:ListModelCustomizationJobs":
		_, err = api.ListModelCustomizationJobs(ctx, &bedrock.ListModelCustomizationJobsInput{MaxResults: one})
	case "bedrock:GetModelCustomizationJob":
		_, err = api.GetModelCustomizationJob(ctx, &bedrock.GetModelCustomizationJobInput{JobIdentifier: name})
	case "bedrock:ListProvisionedModelThroughputs":
		_, err = api.ListProvisionedModelThroughputs(ctx, &bedrock.ListProvisionedModelThroughputsInput{MaxResults: one})
	case "bedrock:ListCustomModelDeployments":
		_, err = api.ListCustomModelDeployments(ctx, &bedrock.ListCustomModelDeploymentsInput{MaxResults: one})
	case "bedrock:ListMarketplaceModelEndpoints":
		_, err = api.ListMarketplaceModelEndpoints(ctx, &bedrock.ListMarketplaceModelEndpointsInput{MaxResults: one})
	case "bedrock:GetMarketplaceModelEndpoint":
		_, err = api.GetMarketplaceModelEndpoint(ctx, &bedrock.GetMarketplaceModelEndpointInput{EndpointArn: p.arn("sagemaker", "endpoint/"+probeName)})
	case "bedrock:ListPromptRouters":
		_, err = api.ListPromptRouters(ctx, &bedrock.ListPromptRoutersInput{MaxResults: one})
	case "bedrock:ListInferenceProfiles":
		_, err = api.ListInferenceProfiles(ctx, &bedrock.ListInferenceProfilesInput{MaxResults: one})
	default:
		return false, nil
	}
	return true, err
}

func (p *prober) safeguards(ctx context.Context, action string) (bool, error) {
	api := p.control
	one := aws.Int32(1)
	var err error
	switch action {
	case "bedrock:ListGuardrails":
		_, err = api.ListGuardrails(ctx, &bedrock.ListGuardrailsInput{MaxResults: one})
	case "bedrock:GetGuardrail":
		_, err = api.GetGuardrail(ctx, &bedrock.GetGuardrailInput{GuardrailIdentifier: aws.String("exhibitprobe")})
	case "bedrock:ListEnforcedGuardrailsConfiguration":
		_, err = api.ListEnforcedGuardrailsConfiguration(ctx, &bedrock.ListEnforcedGuardrailsConfigurationInput{})
	case "bedrock:GetModelInvocationLoggingConfiguration":
		_, err = api.GetModelInvocationLoggingConfiguration(ctx, &bedrock.GetModelInvocationLoggingConfigurationInput{})
	case "bedrock:ListEvaluationJobs":
		_, err = api.ListEvaluationJobs(ctx, &bedrock.ListEvaluationJobsInput{MaxResults: one})
	case "bedrock:GetEvaluationJob":
		_, err = api.GetEvaluationJob(ctx, &bedrock.GetEvaluationJobInput{JobIdentifier: p.arn("bedrock", "evaluation-job/exhibitprobe")})
	case "bedrock:ListTagsForResource":
		_, err = api.ListTagsForResource(ctx, &bedrock.ListTagsForResourceInput{ResourceARN: p.arn("bedrock", "guardrail/exhibitprobe")})
	default:
		return false, nil
	}
	return true, err
}

// probeID is an id of ten letters, as agents, flows and prompts have them.
const probeID = "EXHIBPROBE"

func (p *prober) agents(ctx context.Context, action string) (bool, error) {
	api := p.agent
	id, version, one := aws.String(probeID), aws.String("1"), aws.Int32(1)
	var err error
	switch action {
	case "bedrock:ListAgents":
		_, err = api.ListAgents(ctx, &bedrockagent.ListAgentsInput{MaxResults: one})
	case "bedrock:GetAgent":
		_, err = api.GetAgent(ctx, &bedrockagent.GetAgentInput{AgentId: id})
	case "bedrock:ListAgentVersions":
		_, err = api.ListAgentVersions(ctx, &bedrockagent.ListAgentVersionsInput{AgentId: id, MaxResults: one})
	case "bedrock:GetAgentVersion":
		_, err = api.GetAgentVersion(ctx, &bedrockagent.GetAgentVersionInput{AgentId: id, AgentVersion: version})
	case "bedrock:ListAgentAliases":
		_, err = api.ListAgentAliases(ctx, &bedrockagent.ListAgentAliasesInput{AgentId: id, MaxResults: one})
	case "bedrock:ListAgentActionGroups":
		_, err = api.ListAgentActionGroups(ctx, &bedrockagent.ListAgentActionGroupsInput{AgentId: id, AgentVersion: version, MaxResults: one})
	case "bedrock:ListAgentKnowledgeBases":
		_, err = api.ListAgentKnowledgeBases(ctx, &bedrockagent.ListAgentKnowledgeBasesInput{AgentId: id, AgentVersion: version, MaxResults: one})
	default:
		return false, nil
	}
	return true, err
}

func (p *prober) content(ctx context.Context, action string) (bool, error) {
	api := p.agent
	id, version, one := aws.String(probeID), aws.String("1"), aws.Int32(1)
	var err error
	switch action {
	case "bedrock:ListFlows":
		_, err = api.ListFlows(ctx, &bedrockagent.ListFlowsInput{MaxResults: one})
	case "bedrock:GetFlow":
		_, err = api.GetFlow(ctx, &bedrockagent.GetFlowInput{FlowIdentifier: id})
	case "bedrock:ListFlowAliases":
		_, err = api.ListFlowAliases(ctx, &bedrockagent.ListFlowAliasesInput{FlowIdentifier: id, MaxResults: one})
	case "bedrock:GetFlowVersion":
		_, err = api.GetFlowVersion(ctx, &bedrockagent.GetFlowVersionInput{FlowIdentifier: id, FlowVersion: version})
	case "bedrock:ListPrompts":
		_, err = api.ListPrompts(ctx, &bedrockagent.ListPromptsInput{MaxResults: one})
	case "bedrock:GetPrompt":
		_, err = api.GetPrompt(ctx, &bedrockagent.GetPromptInput{PromptIdentifier: id})
	case "bedrock:ListKnowledgeBases":
		_, err = api.ListKnowledgeBases(ctx, &bedrockagent.ListKnowledgeBasesInput{MaxResults: one})
	case "bedrock:GetKnowledgeBase":
		_, err = api.GetKnowledgeBase(ctx, &bedrockagent.GetKnowledgeBaseInput{KnowledgeBaseId: id})
	case "bedrock:ListDataSources":
		_, err = api.ListDataSources(ctx, &bedrockagent.ListDataSourcesInput{KnowledgeBaseId: id, MaxResults: one})
	case "bedrock:GetDataSource":
		_, err = api.GetDataSource(ctx, &bedrockagent.GetDataSourceInput{KnowledgeBaseId: id, DataSourceId: id})
	default:
		return false, nil
	}
	return true, err
}

// stores tries the actions on what Bedrock logs and counts to.
func (p *prober) stores(ctx context.Context, action string) (bool, error) {
	switch action {
	case "logs:DescribeLogGroups":
		api, err := p.s.cloudWatchLogs(ctx, p.region)
		if err == nil {
			_, err = api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(1)})
		}
		return true, err
	case "cloudwatch:ListMetrics", "cloudwatch:GetMetricData":
		return true, p.metrics(ctx, action)
	case "s3:GetLifecycleConfiguration", "s3:GetBucketObjectLockConfiguration":
		return true, p.bucket(ctx, action)
	}
	return false, nil
}

func (p *prober) metrics(ctx context.Context, action string) error {
	api, err := p.s.cloudWatch(ctx, p.region)
	if err != nil {
		return err
	}
	if action == "cloudwatch:ListMetrics" {
		_, err = api.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/Bedrock"), MetricName: aws.String("Invocations")})
		return err
	}
	to := time.Now().UTC().Truncate(day)
	from := to.Add(-day)
	_, err = api.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, MetricDataQueries: []cwtypes.MetricDataQuery{{
		Id: aws.String("probe"), MetricStat: &cwtypes.MetricStat{Period: aws.Int32(int32(day / time.Second)), Stat: aws.String("Sum"),
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/Bedrock"), MetricName: aws.String("Invocations")}},
	}}})
	return err
}

// bucket tries an action on the bucket that invocations are logged to. Of a
// bucket that nobody has S3 says that there is none, whoever asks.
func (p *prober) bucket(ctx context.Context, action string) error {
	c, err := loggingConfig(ctx, p.control)
	if err != nil {
		return errUnknowable
	}
	var name *string
	if c != nil && c.S3Config != nil {
		name = c.S3Config.BucketName
	} else if c != nil && c.CloudWatchConfig != nil && c.CloudWatchConfig.LargeDataDeliveryS3Config != nil {
		name = c.CloudWatchConfig.LargeDataDeliveryS3Config.BucketName
	}
	if aws.ToString(name) == "" {
		return errUnknowable
	}
	api, err := p.s.buckets(ctx, p.region)
	if err != nil {
		return err
	}
	setting := "object-lock"
	if action == "s3:GetLifecycleConfiguration" {
		setting = "lifecycle"
	}
	err = api.ask(ctx, *name, setting, &struct{}{})
	if isCode(err, "NoSuchBucket") {
		return errUnknowable
	}
	return err
}
