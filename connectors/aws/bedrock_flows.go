package aws

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// flows reads the flows: their draft, and the versions that an alias points
// to.
func (b *bedrockRun) flows(ctx context.Context) error {
	kinds := []string{records.KindAIResource, records.KindGuardrail}
	return b.part(ctx, piece{agentPlane, "flows", kinds}, func(kinds []string) error {
		saw := b.saw(without(kinds, records.KindGuardrail)...)
		return listing(ctx, "bedrock:ListFlows", saw, func(token *string) ([]types.FlowSummary, *string, error) {
			out, err := b.agents.ListFlows(ctx, &bedrockagent.ListFlowsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.FlowSummaries, out.NextToken, nil
		}, func(f types.FlowSummary) error { return b.flow(ctx, f, kinds) })
	})
}

// flowVersion is a version of a flow, DRAFT among them.
type flowVersion struct {
	version, status, created, updated, role string
	aliases                                 []string
	definition                              *types.FlowDefinition
}

func (b *bedrockRun) flow(ctx context.Context, f types.FlowSummary, kinds []string) error {
	what := "flow " + text(f.Name, 100)
	aliases, err := b.flowAliases(ctx, f.Id)
	if err := b.failed(ctx, kinds, "aliases of "+what, err); err != nil {
		return err
	}
	by := map[string][]string{"DRAFT": nil}
	for _, alias := range aliases {
		for _, r := range alias.RoutingConfiguration {
			version := aws.ToString(r.FlowVersion)
			by[version] = append(by[version], text(alias.Name, 100))
		}
	}
	versions := make([]string, 0, len(by))
	for version := range by {
		versions = append(versions, version)
	}
	slices.Sort(versions)
	for _, version := range versions {
		v, err := b.askFlow(ctx, f, version)
		if err := b.failed(ctx, kinds, what+" version "+printable(version, 20), err); err != nil {
			return err
		}
		if v == nil {
			continue
		}
		v.aliases = by[version]
		if err := b.flowVersion(ctx, f, v); err != nil {
			return err
		}
	}
	return nil
}

func (b *bedrockRun) flowAliases(ctx context.Context, id *string) (aliases []types.FlowAliasSummary, err error) {
	if b.skip["bedrock:ListFlowAliases"] {
		return nil, nil
	}
	return aliases, listing(ctx, "bedrock:ListFlowAliases", func() {}, func(token *string) ([]types.FlowAliasSummary, *string, error) {
		out, err := b.agents.ListFlowAliases(ctx, &bedrockagent.ListFlowAliasesInput{FlowIdentifier: id, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.FlowAliasSummaries, out.NextToken, nil
	}, func(a types.FlowAliasSummary) error {
		aliases = append(aliases, a)
		return nil
	})
}

// askFlow asks what a version of a flow is made of; nil if it was not asked.
func (b *bedrockRun) askFlow(ctx context.Context, f types.FlowSummary, version string) (*flowVersion, error) {
	op := "bedrock:GetFlowVersion"
	if version == "DRAFT" {
		op = "bedrock:GetFlow"
	}
	if b.skip[op] {
		return nil, nil
	}
	if version == "DRAFT" {
		out, err := b.agents.GetFlow(ctx, &bedrockagent.GetFlowInput{FlowIdentifier: f.Id})
		if err == nil && aws.ToString(out.Arn) == "" {
			err = errNoAnswer
		}
		if err != nil {
			return nil, &callError{op, err}
		}
		return &flowVersion{version: version, status: string(out.Status), created: stamp(out.CreatedAt), updated: stamp(out.UpdatedAt),
			role: text(out.ExecutionRoleArn, 300), definition: out.Definition}, nil
	}
	out, err := b.agents.GetFlowVersion(ctx, &bedrockagent.GetFlowVersionInput{FlowIdentifier: f.Id, FlowVersion: &version})
	if err == nil && aws.ToString(out.Arn) == "" {
		err = errNoAnswer
	}
	if err != nil {
		return nil, &callError{op, err}
	}
	return &flowVersion{version: version, status: string(out.Status), created: stamp(out.CreatedAt), role: text(out.ExecutionRoleArn, 300), definition: out.Definition}, nil
}

// flowVersion emits a version of a flow with the models, prompts, agents and
// knowledge bases that its nodes use.
func (b *bedrockRun) flowVersion(ctx context.Context, f types.FlowSummary, v *flowVersion) error {
	u := flowUses(v.definition)
	for _, g := range u.guards {
		b.attach(g, "flow/"+text(f.Id, 40)+" version "+printable(v.version, 20))
	}
	if !b.req.Wants(records.KindAIResource) {
		return nil
	}
	var guards []string
	for _, g := range u.guards {
		guards = append(guards, guardrailOf(g))
	}
	return b.resource(ctx, records.AIResource{
		ResourceType: "flow-version", ResourceID: text(f.Arn, 300) + "#" + printable(v.version, 20), Name: text(f.Name, 200),
		CreatedAt: v.created, UpdatedAt: v.updated, Status: v.status,
		Attributes: attributes("version", v.version, "aliases", joined(v.aliases), "role", v.role, "models", joined(u.models), "prompts", joined(u.prompts),
			"agents", joined(u.agents), "knowledge_bases", joined(u.bases), "guardrails", joined(guards)),
	}, f.Arn, "flows/"+text(f.Id, 40))
}

// uses is what the nodes of a flow use.
type uses struct {
	models, prompts, agents, bases []string
	guards                         []*types.GuardrailConfiguration
}

func flowUses(d *types.FlowDefinition) (u uses) {
	if d == nil {
		return u
	}
	for _, n := range d.Nodes {
		switch c := n.Configuration.(type) {
		case *types.FlowNodeConfigurationMemberPrompt:
			if c.Value.GuardrailConfiguration != nil {
				u.guards = append(u.guards, c.Value.GuardrailConfiguration)
			}
			switch from := c.Value.SourceConfiguration.(type) {
			case *types.PromptFlowNodeSourceConfigurationMemberInline:
				u.models = append(u.models, text(from.Value.ModelId, 300))
			case *types.PromptFlowNodeSourceConfigurationMemberResource:
				u.prompts = append(u.prompts, text(from.Value.PromptArn, 300))
			}
		case *types.FlowNodeConfigurationMemberKnowledgeBase:
			if c.Value.GuardrailConfiguration != nil {
				u.guards = append(u.guards, c.Value.GuardrailConfiguration)
			}
			u.bases, u.models = append(u.bases, text(c.Value.KnowledgeBaseId, 40)), append(u.models, text(c.Value.ModelId, 300))
		case *types.FlowNodeConfigurationMemberAgent:
			u.agents = append(u.agents, text(c.Value.AgentAliasArn, 300))
		}
	}
	return u
}

// prompts reads the prompts that Bedrock manages: the draft and each version,
// with the models they are written for. Of the text only a digest is kept.
func (b *bedrockRun) prompts(ctx context.Context) error {
	return b.part(ctx, piece{agentPlane, "prompts", []string{records.KindAIResource}}, func(kinds []string) error {
		return b.listPrompts(ctx, nil, b.saw(kinds...), func(p types.PromptSummary) error {
			err := b.listPrompts(ctx, p.Id, func() {}, func(v types.PromptSummary) error { return b.prompt(ctx, v) })
			return b.failed(ctx, kinds, "versions of prompt "+text(p.Name, 100), err)
		})
	})
}

// listPrompts lists all prompts, or the versions of one.
func (b *bedrockRun) listPrompts(ctx context.Context, id *string, answered func(), each func(types.PromptSummary) error) error {
	return listing(ctx, "bedrock:ListPrompts", answered, func(token *string) ([]types.PromptSummary, *string, error) {
		out, err := b.agents.ListPrompts(ctx, &bedrockagent.ListPromptsInput{PromptIdentifier: id, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.PromptSummaries, out.NextToken, nil
	}, each)
}

func (b *bedrockRun) prompt(ctx context.Context, p types.PromptSummary) error {
	const op = "bedrock:GetPrompt"
	a := records.AIResource{
		ResourceType: "prompt-version", ResourceID: text(p.Arn, 300) + "#" + text(p.Version, 20), Name: text(p.Name, 200),
		CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt), Attributes: attributes("version", aws.ToString(p.Version)),
	}
	if !b.skip[op] {
		out, err := b.agents.GetPrompt(ctx, &bedrockagent.GetPromptInput{PromptIdentifier: p.Id, PromptVersion: versionOf(p.Version)})
		if err == nil && aws.ToString(out.Arn) == "" {
			err = errNoAnswer
		}
		if err != nil {
			if err := b.failed(ctx, []string{records.KindAIResource}, "prompt "+text(p.Name, 100), &callError{op, err}); err != nil {
				return err
			}
		} else {
			var models []string
			for _, v := range out.Variants {
				models = append(models, text(v.ModelId, 300))
			}
			a.Attributes = attributes("version", aws.ToString(p.Version), "models", joined(models), "default_variant", text(out.DefaultVariant, 100),
				"content_sha256", promptDigest(out.Variants))
		}
	}
	return b.resource(ctx, a, unversionedARN(p.Arn), "prompt-management/"+text(p.Id, 40))
}

// unversionedARN is the ARN of a prompt without a version: tags belong to the
// prompt.
func unversionedARN(arn *string) *string {
	before, after, ok := strings.Cut(aws.ToString(arn), ":prompt/")
	if !ok {
		return arn
	}
	id, _, _ := strings.Cut(after, ":")
	return aws.String(before + ":prompt/" + id)
}

// versionOf: the draft is asked for without a version.
func versionOf(v *string) *string {
	if aws.ToString(v) == "DRAFT" {
		return nil
	}
	return v
}

// promptDigest is a digest of the variants' templates and settings, as JSON.
func promptDigest(variants []types.PromptVariant) string {
	type shape struct {
		Name, Model, Type string
		Template          any
		Inference         any
	}
	var all []shape
	for _, v := range variants {
		all = append(all, shape{aws.ToString(v.Name), aws.ToString(v.ModelId), string(v.TemplateType), v.TemplateConfiguration, v.InferenceConfiguration})
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sha256Of(raw))
}
