package aws

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// agentKinds are what agents, flows and knowledge bases bear on: they are
// resources, an alias of an agent serves, and a guardrail may be attached.
func agentKinds() []string {
	return []string{records.KindAIResource, records.KindDeployment, records.KindGuardrail}
}

// allAgents reads the agents with their versions, aliases and what they may
// use.
func (b *bedrockRun) allAgents(ctx context.Context) error {
	return b.part(ctx, piece{agentPlane, "agents", agentKinds()}, func(kinds []string) error {
		saw := b.saw(without(kinds, records.KindGuardrail)...)
		return listing(ctx, "bedrock:ListAgents", saw, func(token *string) ([]types.AgentSummary, *string, error) {
			out, err := b.agents.ListAgents(ctx, &bedrockagent.ListAgentsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.AgentSummaries, out.NextToken, nil
		}, func(a types.AgentSummary) error { return b.agent(ctx, a) })
	})
}

// agentVersion is a version of an agent, DRAFT among them, as a listing tells
// it; model is set for those that were asked about.
type agentVersion struct {
	types.AgentVersionSummary
	model, role string
	instruction string // its digest
	asked       bool
}

// agent reads one agent: what it is, its versions and its aliases.
func (b *bedrockRun) agent(ctx context.Context, a types.AgentSummary) error {
	id, what := aws.ToString(a.AgentId), "agent "+text(a.AgentName, 100)
	versions, err := b.agentVersions(ctx, id)
	if err := b.failed(ctx, b.wanted(agentKinds()...), "versions of "+what, err); err != nil {
		return err
	}
	aliases, err := b.agentAliases(ctx, id)
	if err := b.failed(ctx, b.wanted(agentKinds()...), "aliases of "+what, err); err != nil {
		return err
	}
	if versions["DRAFT"] == nil { // known from the list of agents already
		versions["DRAFT"] = &agentVersion{AgentVersionSummary: types.AgentVersionSummary{
			AgentName: a.AgentName, AgentStatus: a.AgentStatus, UpdatedAt: a.UpdatedAt, GuardrailConfiguration: a.GuardrailConfiguration,
		}}
	}
	for version, v := range versions {
		b.attach(v.GuardrailConfiguration, "agent/"+printable(id, 40)+" version "+printable(version, 20))
	}
	served := []string{"DRAFT"}
	for _, alias := range aliases {
		for _, r := range alias.RoutingConfiguration {
			served = append(served, aws.ToString(r.AgentVersion))
		}
	}
	slices.Sort(served)
	for _, version := range slices.Compact(served) {
		v := versions[version]
		if v == nil {
			continue
		}
		if err := b.agentVersion(ctx, a, version, v); err != nil {
			return err
		}
	}
	for _, alias := range aliases {
		if err := b.agentAlias(ctx, a, alias, versions); err != nil {
			return err
		}
	}
	return nil
}

func (b *bedrockRun) agentVersions(ctx context.Context, id string) (map[string]*agentVersion, error) {
	versions := map[string]*agentVersion{}
	if b.skip["bedrock:ListAgentVersions"] {
		return versions, nil
	}
	return versions, listing(ctx, "bedrock:ListAgentVersions", func() {}, func(token *string) ([]types.AgentVersionSummary, *string, error) {
		out, err := b.agents.ListAgentVersions(ctx, &bedrockagent.ListAgentVersionsInput{AgentId: &id, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.AgentVersionSummaries, out.NextToken, nil
	}, func(v types.AgentVersionSummary) error {
		versions[aws.ToString(v.AgentVersion)] = &agentVersion{AgentVersionSummary: v}
		return nil
	})
}

func (b *bedrockRun) agentAliases(ctx context.Context, id string) (aliases []types.AgentAliasSummary, err error) {
	if b.skip["bedrock:ListAgentAliases"] {
		return nil, nil
	}
	return aliases, listing(ctx, "bedrock:ListAgentAliases", func() {}, func(token *string) ([]types.AgentAliasSummary, *string, error) {
		out, err := b.agents.ListAgentAliases(ctx, &bedrockagent.ListAgentAliasesInput{AgentId: &id, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.AgentAliasSummaries, out.NextToken, nil
	}, func(a types.AgentAliasSummary) error {
		aliases = append(aliases, a)
		return nil
	})
}

// agentVersion emits a version that is in use, or the draft, with the model it
// asks, the actions it may take and the knowledge it reads.
func (b *bedrockRun) agentVersion(ctx context.Context, a types.AgentSummary, version string, v *agentVersion) error {
	id := aws.ToString(a.AgentId)
	kinds := b.wanted(records.KindAIResource, records.KindDeployment)
	if len(kinds) == 0 {
		return nil
	}
	what := "agent " + text(a.AgentName, 100) + " version " + printable(version, 20)
	arn, err := b.askVersion(ctx, id, version, v)
	if err := b.failed(ctx, kinds, what, err); err != nil || !b.req.Wants(records.KindAIResource) {
		return err
	}
	actions, err := b.actionGroups(ctx, id, version)
	if err := b.failed(ctx, []string{records.KindAIResource}, "action groups of "+what, err); err != nil {
		return err
	}
	bases, err := b.basesOf(ctx, id, version)
	if err := b.failed(ctx, []string{records.KindAIResource}, "knowledge bases of "+what, err); err != nil {
		return err
	}
	if arn == "" {
		arn = b.arn("agent/" + id)
	}
	return b.resource(ctx, records.AIResource{
		ResourceType: "agent-version", ResourceID: printable(arn, 300) + "#" + printable(version, 20), Name: text(a.AgentName, 200),
		CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt), Status: string(v.AgentStatus),
		Attributes: attributes("version", version, "model", v.model, "role", v.role, "guardrail", guardrailOf(v.GuardrailConfiguration),
			"instruction_sha256", v.instruction,
			"action_groups", joined(actions), "knowledge_bases", joined(bases)),
	}, &arn, "agents/"+printable(id, 40))
}

// askVersion asks what a version of an agent is made of, and returns the ARN
// of the agent.
func (b *bedrockRun) askVersion(ctx context.Context, id, version string, v *agentVersion) (arn string, err error) {
	if version == "DRAFT" { // only the agent itself tells its draft
		const op = "bedrock:GetAgent"
		if b.skip[op] {
			return "", nil
		}
		out, err := b.agents.GetAgent(ctx, &bedrockagent.GetAgentInput{AgentId: &id})
		if err == nil && out.Agent == nil {
			err = errNoAnswer
		}
		if err != nil {
			return "", &callError{op, err}
		}
		v.instruction = digestOfText(out.Agent.Instruction)
		v.model, v.role, v.asked = text(out.Agent.FoundationModel, 300), text(out.Agent.AgentResourceRoleArn, 300), true
		return aws.ToString(out.Agent.AgentArn), nil
	}
	const op = "bedrock:GetAgentVersion"
	if b.skip[op] {
		return "", nil
	}
	out, err := b.agents.GetAgentVersion(ctx, &bedrockagent.GetAgentVersionInput{AgentId: &id, AgentVersion: &version})
	if err == nil && out.AgentVersion == nil {
		err = errNoAnswer
	}
	if err != nil {
		return "", &callError{op, err}
	}
	v.instruction = digestOfText(out.AgentVersion.Instruction)
	v.model, v.role, v.asked = text(out.AgentVersion.FoundationModel, 300), text(out.AgentVersion.AgentResourceRoleArn, 300), true
	return aws.ToString(out.AgentVersion.AgentArn), nil
}

func (b *bedrockRun) actionGroups(ctx context.Context, id, version string) (names []string, err error) {
	if b.skip["bedrock:ListAgentActionGroups"] {
		return nil, nil
	}
	return names, listing(ctx, "bedrock:ListAgentActionGroups", func() {}, func(token *string) ([]types.ActionGroupSummary, *string, error) {
		out, err := b.agents.ListAgentActionGroups(ctx, &bedrockagent.ListAgentActionGroupsInput{AgentId: &id, AgentVersion: &version, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.ActionGroupSummaries, out.NextToken, nil
	}, func(g types.ActionGroupSummary) error {
		names = append(names, text(g.ActionGroupName, 200)+" ("+strings.ToLower(string(g.ActionGroupState))+")")
		return nil
	})
}

func (b *bedrockRun) basesOf(ctx context.Context, id, version string) (ids []string, err error) {
	if b.skip["bedrock:ListAgentKnowledgeBases"] {
		return nil, nil
	}
	return ids, listing(ctx, "bedrock:ListAgentKnowledgeBases", func() {}, func(token *string) ([]types.AgentKnowledgeBaseSummary, *string, error) {
		out, err := b.agents.ListAgentKnowledgeBases(ctx, &bedrockagent.ListAgentKnowledgeBasesInput{AgentId: &id, AgentVersion: &version, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.AgentKnowledgeBaseSummaries, out.NextToken, nil
	}, func(k types.AgentKnowledgeBaseSummary) error {
		ids = append(ids, text(k.KnowledgeBaseId, 40)+" ("+strings.ToLower(string(k.KnowledgeBaseState))+")")
		return nil
	})
}

// agentAlias emits an alias as what it is, an endpoint: it sends calls to
// versions of the agent, each of which asks a model.
func (b *bedrockRun) agentAlias(ctx context.Context, a types.AgentSummary, alias types.AgentAliasSummary, versions map[string]*agentVersion) error {
	if !b.req.Wants(records.KindDeployment) {
		return nil
	}
	id := "agent-alias/" + text(a.AgentId, 40) + "/" + text(alias.AgentAliasId, 40)
	arn := b.arn(id)
	d := records.Deployment{
		EndpointID: id, ConfigRef: text(a.AgentName, 100) + "/" + text(alias.AgentAliasName, 100), ARNOrURI: arn, Variants: []records.Variant{},
		CreatedAt: stamp(alias.CreatedAt), UpdatedAt: stamp(alias.UpdatedAt), Status: string(alias.AgentAliasStatus),
	}
	for _, r := range alias.RoutingConfiguration {
		version := text(r.AgentVersion, 20)
		if throughput := text(r.ProvisionedThroughput, 300); throughput != "" {
			d.Variants = append(d.Variants, records.Variant{Name: "version " + version, ModelRef: throughput, Weight: 1})
			continue
		}
		if v := versions[version]; v != nil && v.asked && v.model != "" {
			d.Variants = append(d.Variants, b.variantsOf("version "+version, v.model, 1)...)
			continue
		}
		d.Variants = append(d.Variants, records.Variant{Name: "version " + version, Weight: 1})
	}
	return b.deployment(ctx, d, &arn, "agents/"+text(a.AgentId, 40))
}

// digestOfText names a text that is not copied.
func digestOfText(s *string) string {
	if aws.ToString(s) == "" {
		return ""
	}
	return hex.EncodeToString(sha256Of([]byte(*s)))
}

// attach notes that something goes through a guardrail.
func (b *bedrockRun) attach(g *types.GuardrailConfiguration, to string) {
	if g != nil {
		b.attachTo(aws.ToString(g.GuardrailIdentifier), aws.ToString(g.GuardrailVersion), to)
	}
}

func guardrailOf(g *types.GuardrailConfiguration) string {
	if g == nil || aws.ToString(g.GuardrailIdentifier) == "" {
		return ""
	}
	return text(g.GuardrailIdentifier, 300) + " version " + text(g.GuardrailVersion, 20)
}

// resource fills in what all resources share and emits one. Tags are asked for
// if it has an ARN of its own.
func (b *bedrockRun) resource(ctx context.Context, a records.AIResource, arn *string, page string) error {
	tags, err := b.resourceTags(ctx, arn, records.KindAIResource)
	if err != nil {
		return err
	}
	a.Provider, a.Account, a.Region, a.Service, a.Tags, a.OwnerTag = "aws", b.id.account, b.region, "bedrock", tags, tagNamed(tags, b.cfg.OwnerTag)
	return b.record(ctx, connector.Record{
		Kind: records.KindAIResource, Subject: connector.Subject{Type: "organization", ID: b.id.account}, Key: a.ResourceID, URL: b.pageOf(page),
	}, a)
}
