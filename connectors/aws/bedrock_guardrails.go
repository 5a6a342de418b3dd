package aws

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// guardrails reads each version of each guardrail. What is being edited is the
// version DRAFT; it is in force only where it is attached as such.
func (b *bedrockRun) guardrails(ctx context.Context) error {
	p := piece{controlPlane, "guardrails that the account enforces", []string{records.KindGuardrail}}
	if err := b.part(ctx, p, func([]string) error { return b.enforced(ctx) }); err != nil {
		return err
	}
	p.what = "guardrails"
	return b.part(ctx, p, func(kinds []string) error {
		return b.listGuardrails(ctx, nil, b.saw(kinds...), func(g types.GuardrailSummary) error {
			err := b.listGuardrails(ctx, g.Arn, func() {}, func(v types.GuardrailSummary) error { return b.guardrail(ctx, v) })
			return b.failed(ctx, kinds, "versions of guardrail "+text(g.Name, 100), err)
		})
	})
}

// listGuardrails lists the drafts of all guardrails, or all versions of one.
func (b *bedrockRun) listGuardrails(ctx context.Context, arn *string, answered func(), each func(types.GuardrailSummary) error) error {
	return listing(ctx, "bedrock:ListGuardrails", answered, func(token *string) ([]types.GuardrailSummary, *string, error) {
		out, err := b.api.ListGuardrails(ctx, &bedrock.ListGuardrailsInput{GuardrailIdentifier: arn, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Guardrails, out.NextToken, nil
	}, each)
}

// enforced notes guardrails that every call of the account goes through.
func (b *bedrockRun) enforced(ctx context.Context) error {
	return listing(ctx, "bedrock:ListEnforcedGuardrailsConfiguration", func() {}, func(token *string) ([]types.AccountEnforcedGuardrailOutputConfiguration, *string, error) {
		out, err := b.api.ListEnforcedGuardrailsConfiguration(ctx, &bedrock.ListEnforcedGuardrailsConfigurationInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.GuardrailsConfig, out.NextToken, nil
	}, func(c types.AccountEnforcedGuardrailOutputConfiguration) error {
		id := aws.ToString(c.GuardrailArn)
		if id == "" {
			id = aws.ToString(c.GuardrailId)
		}
		to := "all calls of account " + b.id.account + " (enforced by " + strings.ToLower(printable(string(c.Owner), 40)) + ")"
		if m := c.ModelEnforcement; m != nil && (len(m.IncludedModels) > 0 || len(m.ExcludedModels) > 0) {
			to += ", models " + joined(m.IncludedModels)
			if len(m.ExcludedModels) > 0 {
				to += " without " + joined(m.ExcludedModels)
			}
		}
		b.attachTo(id, aws.ToString(c.GuardrailVersion), printable(to, 300))
		return nil
	})
}

// attachTo notes that something goes through a version of a guardrail, which
// is named by its id or its ARN.
func (b *bedrockRun) attachTo(guardrail, version, to string) {
	if guardrail == "" {
		return
	}
	if version == "" {
		version = "DRAFT"
	}
	key := guardKey(guardrail, version)
	b.guards[key] = append(b.guards[key], to)
}

func guardKey(guardrail, version string) string { return lastOf(resourceOf(guardrail)) + "|" + version }

// guardrail emits one version.
func (b *bedrockRun) guardrail(ctx context.Context, v types.GuardrailSummary) error {
	id, version := text(v.Id, 100), text(v.Version, 20)
	g := records.Guardrail{
		Provider: "aws", GuardrailID: id, Name: text(v.Name, 200), Version: version, Status: string(v.Status), CreatedAt: stamp(v.CreatedAt),
		UpdatedAt: stamp(v.UpdatedAt), Region: b.region, Account: b.id.account, AttachedTo: []string{}, Policies: map[string]raw{},
	}
	if to := slices.Sorted(slices.Values(b.guards[guardKey(id, version)])); len(to) > 0 {
		g.AttachedTo = slices.Compact(to)
	}
	const op = "bedrock:GetGuardrail"
	if b.skip[op] {
		return b.emitGuardrail(ctx, g, v)
	}
	out, err := b.api.GetGuardrail(ctx, &bedrock.GetGuardrailInput{GuardrailIdentifier: v.Id, GuardrailVersion: v.Version})
	if err == nil && aws.ToString(out.GuardrailId) == "" {
		err = errNoAnswer
	}
	if err != nil {
		if err := b.failed(ctx, []string{records.KindGuardrail}, "guardrail "+g.Name+" version "+version, &callError{op, err}); err != nil {
			return err
		}
		return b.emitGuardrail(ctx, g, v)
	}
	if g.Policies, err = policiesOf(out); err != nil {
		return b.failed(ctx, []string{records.KindGuardrail}, "guardrail "+g.Name+" version "+version, err)
	}
	return b.emitGuardrail(ctx, g, v)
}

func (b *bedrockRun) emitGuardrail(ctx context.Context, g records.Guardrail, v types.GuardrailSummary) error {
	return b.record(ctx, connector.Record{
		Kind: records.KindGuardrail, Subject: connector.Subject{Type: "deployment", ID: g.GuardrailID + "@" + b.region},
		Key: text(v.Arn, 300) + "|" + g.Version, EventTime: utc(v.UpdatedAt), URL: b.pageOf("guardrails/" + g.GuardrailID),
	}, g)
}
