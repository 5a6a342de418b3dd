package aws

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// bedrockRun reads Amazon Bedrock in one region.
type bedrockRun struct {
	*regionRun
	session *session
	api     *bedrock.Client
	agents  *bedrockagent.Client

	absent   map[string]error    // services that this region does not have: asked once
	own      map[string]target   // custom and imported models by ARN
	profiles map[string][]string // ARNs of the models behind an inference profile, by its id and its ARN
	guards   map[string][]string // what a guardrail's version is attached to, by guardKey
	tagless  struct {            // why tags cannot be read, and the kinds that it was told for
		err   error
		kinds map[string]bool
	}
}

// service names of parts, for bedrockRun.absent.
const (
	controlPlane = "Amazon Bedrock"
	agentPlane   = "Agents for Amazon Bedrock"
)

// bedrockKinds are the kinds that Bedrock alone brings.
func bedrockKinds() []connector.KindSpec {
	return []connector.KindSpec{
		{Kind: records.KindModelLifecycle, Major: 1, Summary: "a state and the dates of a foundation model in a region"},
		{Kind: records.KindGuardrail, Major: 1, Summary: "a version of a guardrail, DRAFT among them, and what it is attached to"},
		{Kind: records.KindInvocationLogging, Major: 1, Summary: "whether a region logs what models are asked and answer, and where"},
		{Kind: records.KindLogRetention, Major: 1, Summary: "how long a log group or bucket that invocations are logged to keeps them"},
		{Kind: records.KindAIResource, Major: 1, Summary: "a domain, notebook, endpoint, model, feature group, pipeline, monitor, agent, flow, prompt, knowledge base, data source, inference profile of AWS's own, or a region's audit trail"},
		{Kind: records.KindLineage, Major: 1, Summary: "a job that made a model: data, code and settings", Reread: connector.ReadSinceCursor},
		{Kind: kindEvaluationRun, Major: 1, Summary: "a completed evaluation job, for each model that it tested", Reread: connector.ReadSinceCursor},
		{Kind: records.KindVendorUsage, Major: 1, Summary: "calls and tokens of a model on a day", Reread: connector.ReadSinceCursor},
		{Kind: records.KindModelObservation, Major: 1, Summary: "a model that answered on a day, as the usage metrics name it", Reread: connector.ReadSinceCursor},
	}
}

// bedrockQueries say what was asked for each kind, for coverage.
func bedrockQueries() map[string]string {
	return map[string]string{
		records.KindModel:             "bedrock ListCustomModels, ListImportedModels",
		records.KindModelVersion:      "bedrock GetCustomModel, GetImportedModel",
		records.KindLineage:           "bedrock ListModelCustomizationJobs since the last run, GetModelCustomizationJob of completed jobs",
		records.KindDeployment:        "bedrock ListProvisionedModelThroughputs, ListCustomModelDeployments, ListMarketplaceModelEndpoints, ListPromptRouters, ListInferenceProfiles of type APPLICATION, ListAgentAliases",
		records.KindModelLifecycle:    "bedrock ListFoundationModels",
		records.KindGuardrail:         "bedrock ListGuardrails with all versions, GetGuardrail, ListEnforcedGuardrailsConfiguration",
		records.KindInvocationLogging: "bedrock GetModelInvocationLoggingConfiguration, logs DescribeLogGroups",
		records.KindLogRetention:      "logs DescribeLogGroups, s3 GetBucketLifecycleConfiguration, GetObjectLockConfiguration of the destinations of invocation logging",
		records.KindAIResource:        "bedrock ListAgents, ListFlows, ListPrompts, ListKnowledgeBases, ListDataSources, ListInferenceProfiles of type SYSTEM_DEFINED",
		kindEvaluationRun:             "bedrock ListEvaluationJobs since the last run, GetEvaluationJob of completed jobs",
		records.KindVendorUsage:       "cloudwatch ListMetrics (models called within two weeks) and GetMetricData of AWS/Bedrock Invocations, InputTokenCount, OutputTokenCount by day",
		records.KindModelObservation:  "cloudwatch ListMetrics and GetMetricData of AWS/Bedrock Invocations by day",
	}
}

// bedrock reads Bedrock in the region, step by step. Agents come before
// guardrails, which say what they are attached to.
func (r *regionRun) bedrock(ctx context.Context, s *session) error {
	b := &bedrockRun{
		regionRun: r, session: s, absent: map[string]error{}, profiles: map[string][]string{}, guards: map[string][]string{},
	}
	b.tagless.kinds = map[string]bool{}
	var err error
	if b.api, err = s.bedrock(ctx, r.region); err != nil {
		return err
	}
	if b.agents, err = s.bedrockAgent(ctx, r.region); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		b.lifecycles, b.ownModels, b.customizations, b.inferenceProfiles, b.serving,
		b.allAgents, b.flows, b.prompts, b.knowledge, b.guardrails, b.logging, b.evaluations, b.usage,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// piece is a part of Bedrock that is read at once.
type piece struct {
	service string // controlPlane, agentPlane
	what    string
	kinds   []string
}

// part reads a piece and turns what ended it into a gap. A service that the
// region does not have is asked once; every piece of it is a gap all the same.
func (b *bedrockRun) part(ctx context.Context, p piece, read func(kinds []string) error) error {
	kinds := b.wanted(slices.Clone(p.kinds)...)
	if len(kinds) == 0 {
		return nil
	}
	err := b.absent[p.service]
	if err == nil {
		if err = read(kinds); notHere(err) {
			err = &absentError{service: p.service, region: b.region, err: err}
			b.absent[p.service] = err
		}
	}
	return b.failed(ctx, kinds, p.what, err)
}

// saw notes, when called, that a listing of kinds was answered.
func (b *bedrockRun) saw(kinds ...string) func() {
	return func() {
		for _, k := range kinds {
			b.read[k] = true
		}
	}
}

// absentError is a service without an address in a region.
type absentError struct {
	service, region string
	err             error
}

func (e *absentError) Unwrap() error { return e.err }

// ErrorCode, ErrorMessage and ErrorFault make it an operation that is not
// offered.
func (*absentError) ErrorCode() string { return "UnsupportedOperation" }

func (e *absentError) ErrorMessage() string { return e.Error() }

func (*absentError) ErrorFault() smithy.ErrorFault { return smithy.FaultServer }

func (e *absentError) Error() string {
	return "there is no address of " + e.service + " in " + e.region + ", so the region does not seem to offer it"
}

// notHere reports whether an error says that an address does not exist. Other
// failures to find one may pass.
func notHere(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// listing asks an operation for page after page and hands over each entry. A
// page whose list is missing is no answer; one that is empty is. answered is
// called for each page that is one.
func listing[T any](ctx context.Context, op string, answered func(), ask func(token *string) ([]T, *string, error), each func(T) error) error {
	return eachPage(ctx, op, func(token *string) (*string, error) {
		items, next, err := ask(token)
		if err == nil && items == nil {
			err = errNoAnswer
		}
		if err != nil {
			return nil, &callError{op, err}
		}
		answered()
		for _, item := range items {
			if err := each(item); err != nil {
				return nil, err
			}
		}
		return next, nil
	})
}

// catalogue names Bedrock's models in this account and region.
func (b *bedrockRun) catalogue() string { return "bedrock/" + b.id.account + "/" + b.region }

// resourceTags lists the tags of a resource of Bedrock. A refusal is a gap of
// every kind that misses tags because of it, told once.
func (b *bedrockRun) resourceTags(ctx context.Context, arn *string, kinds ...string) (map[string]string, error) {
	const op = "bedrock:ListTagsForResource"
	tags := map[string]string{}
	if aws.ToString(arn) == "" {
		return tags, nil
	}
	if b.skip[op] {
		left := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return b.tagless.kinds[k] })
		if left = b.wanted(left...); len(left) == 0 {
			return tags, nil
		}
		return tags, b.withoutTags(ctx, "resources of Bedrock", b.tagless.err, left)
	}
	keep := func(k, v *string) { tags[text(k, 128)] = text(v, 256) }
	if ofAgents(*arn) {
		out, err := b.agents.ListTagsForResource(ctx, &bedrockagent.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil {
			return tags, b.withoutTags(ctx, text(arn, 150), &callError{op, err}, kinds)
		}
		for k, v := range out.Tags {
			keep(&k, &v)
		}
		return tags, nil
	}
	out, err := b.api.ListTagsForResource(ctx, &bedrock.ListTagsForResourceInput{ResourceARN: arn})
	if err != nil {
		return tags, b.withoutTags(ctx, text(arn, 150), &callError{op, err}, kinds)
	}
	for _, t := range out.Tags { // a resource without tags may lack the list
		keep(t.Key, t.Value)
	}
	return tags, nil
}

// withoutTags reports that tags could not be read, and remembers for which
// kinds that was told.
func (b *bedrockRun) withoutTags(ctx context.Context, what string, err error, kinds []string) error {
	b.tagless.err = err
	for _, k := range kinds {
		b.tagless.kinds[k] = true
	}
	return b.failed(ctx, kinds, "tags of "+what, err)
}

// ofAgents reports whether the agents' part of Bedrock knows a resource.
func ofAgents(arn string) bool {
	kind, _, _ := strings.Cut(resourceOf(arn), "/")
	return slices.Contains([]string{"agent", "agent-alias", "flow", "prompt", "knowledge-base"}, kind)
}

// resourceOf returns the last part of an ARN: custom-model/base/id.
func resourceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	return parts[5]
}

// lastOf returns what follows the last slash.
func lastOf(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// regionOf returns the region in an ARN. A profile that routes anywhere names
// its models without one.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case len(parts) < 6:
		return ""
	case parts[3] == "":
		return "global"
	}
	return parts[3]
}

// pageOf is where a person finds a part of Bedrock in the console.
func (b *bedrockRun) pageOf(page string) string {
	return records.Link("https://" + b.region + ".console.aws.amazon.com/bedrock/home?region=" + b.region + "#/" + page)
}

// text takes a string out of an answer, made fit for a record.
func text(s *string, limit int) string { return printable(aws.ToString(s), limit) }
