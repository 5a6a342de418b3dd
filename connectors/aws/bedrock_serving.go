package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// serving reads what the account set up to serve models from, each kind of it
// on its own.
func (b *bedrockRun) serving(ctx context.Context) error {
	for _, of := range []struct {
		what string
		read func(context.Context, func()) error
	}{
		{"provisioned throughput", b.provisioned},
		{"deployments of custom models", b.customDeployments},
		{"marketplace endpoints", b.marketplace},
		{"prompt routers", b.promptRouters},
	} {
		err := b.part(ctx, piece{controlPlane, of.what, []string{records.KindDeployment}}, func(kinds []string) error {
			return of.read(ctx, b.saw(kinds...))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bedrockRun) provisioned(ctx context.Context, answered func()) error {
	return listing(ctx, "bedrock:ListProvisionedModelThroughputs", answered, func(token *string) ([]types.ProvisionedModelSummary, *string, error) {
		out, err := b.api.ListProvisionedModelThroughputs(ctx, &bedrock.ListProvisionedModelThroughputsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.ProvisionedModelSummaries, out.NextToken, nil
	}, func(p types.ProvisionedModelSummary) error {
		d := records.Deployment{
			EndpointID: resourceID(p.ProvisionedModelArn), ConfigRef: text(p.ProvisionedModelName, 200), ARNOrURI: text(p.ProvisionedModelArn, 300),
			CreatedAt: stamp(p.CreationTime), UpdatedAt: stamp(p.LastModifiedTime), Status: string(p.Status),
			Variants: b.variantsOf("current", aws.ToString(p.ModelArn), 1),
		}
		for i := range d.Variants {
			d.Variants[i].InstanceCount = int64(aws.ToInt32(p.ModelUnits))
		}
		if next := aws.ToString(p.DesiredModelArn); next != "" && next != aws.ToString(p.ModelArn) {
			d.Variants = append(d.Variants, b.variantsOf("desired", next, 0)...)
		}
		return b.deployment(ctx, d, p.ProvisionedModelArn, "provisioned-throughput")
	})
}

func (b *bedrockRun) customDeployments(ctx context.Context, answered func()) error {
	return listing(ctx, "bedrock:ListCustomModelDeployments", answered, func(token *string) ([]types.CustomModelDeploymentSummary, *string, error) {
		out, err := b.api.ListCustomModelDeployments(ctx, &bedrock.ListCustomModelDeploymentsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.ModelDeploymentSummaries, out.NextToken, nil
	}, func(c types.CustomModelDeploymentSummary) error {
		return b.deployment(ctx, records.Deployment{
			EndpointID: resourceID(c.CustomModelDeploymentArn), ConfigRef: text(c.CustomModelDeploymentName, 200), ARNOrURI: text(c.CustomModelDeploymentArn, 300),
			CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.LastUpdatedAt), Status: string(c.Status),
			Variants: b.variantsOf("current", aws.ToString(c.ModelArn), 1),
		}, c.CustomModelDeploymentArn, "custom-models")
	})
}

// marketplace reads endpoints of models from the marketplace. They run on
// SageMaker, which lists them too, under their own name.
func (b *bedrockRun) marketplace(ctx context.Context, answered func()) error {
	return listing(ctx, "bedrock:ListMarketplaceModelEndpoints", answered, func(token *string) ([]types.MarketplaceModelEndpointSummary, *string, error) {
		out, err := b.api.ListMarketplaceModelEndpoints(ctx, &bedrock.ListMarketplaceModelEndpointsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.MarketplaceModelEndpoints, out.NextToken, nil
	}, func(e types.MarketplaceModelEndpointSummary) error {
		source := text(e.ModelSourceIdentifier, 300)
		d := records.Deployment{
			EndpointID: "marketplace-" + resourceID(e.EndpointArn), ARNOrURI: text(e.EndpointArn, 300), ConfigRef: source,
			CreatedAt: stamp(e.CreatedAt), UpdatedAt: stamp(e.UpdatedAt), Status: string(e.Status),
			Variants: []records.Variant{{Name: "current", ModelRef: source, ModelPackageARN: source, Weight: 1, Resolved: source != ""}},
		}
		var err error
		if d.Variants[0].InstanceCount, err = b.instances(ctx, e.EndpointArn); err != nil {
			return err
		}
		return b.deployment(ctx, d, e.EndpointArn, "marketplace-deployments")
	})
}

// instances asks how many machines a marketplace endpoint began with.
func (b *bedrockRun) instances(ctx context.Context, arn *string) (int64, error) {
	const op = "bedrock:GetMarketplaceModelEndpoint"
	if b.skip[op] {
		return 0, nil
	}
	out, err := b.api.GetMarketplaceModelEndpoint(ctx, &bedrock.GetMarketplaceModelEndpointInput{EndpointArn: arn})
	if err == nil && out.MarketplaceModelEndpoint == nil {
		err = errNoAnswer
	}
	if err != nil {
		return 0, b.failed(ctx, []string{records.KindDeployment}, "marketplace endpoint "+text(arn, 150), &callError{op, err})
	}
	if c, ok := out.MarketplaceModelEndpoint.EndpointConfig.(*types.EndpointConfigMemberSageMaker); ok {
		return int64(aws.ToInt32(c.Value.InitialInstanceCount)), nil
	}
	return 0, nil
}

// promptRouters reads what picks a model for each prompt. The share of each is
// not told: all that may answer weigh the same.
func (b *bedrockRun) promptRouters(ctx context.Context, answered func()) error {
	return listing(ctx, "bedrock:ListPromptRouters", answered, func(token *string) ([]types.PromptRouterSummary, *string, error) {
		out, err := b.api.ListPromptRouters(ctx, &bedrock.ListPromptRoutersInput{MaxResults: aws.Int32(pageSize), NextToken: token, Type: types.PromptRouterTypeCustom})
		if err != nil {
			return nil, nil, err
		}
		return out.PromptRouterSummaries, out.NextToken, nil
	}, func(p types.PromptRouterSummary) error {
		d := records.Deployment{
			EndpointID: resourceID(p.PromptRouterArn), ConfigRef: text(p.PromptRouterName, 200), ARNOrURI: text(p.PromptRouterArn, 300),
			CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt), Status: string(p.Status), Variants: []records.Variant{},
		}
		for _, m := range p.Models {
			d.Variants = append(d.Variants, b.variantsOf("route", aws.ToString(m.ModelArn), 1)...)
		}
		if p.FallbackModel != nil {
			d.Variants = append(d.Variants, b.variantsOf("fallback", aws.ToString(p.FallbackModel.ModelArn), 1)...)
		}
		return b.deployment(ctx, d, p.PromptRouterArn, "prompt-routers")
	})
}

// resourceID returns what an ARN names: provisioned-model/abc.
func resourceID(arn *string) string { return printable(resourceOf(aws.ToString(arn)), 200) }

// parseStamp reads a time that stamp wrote.
func parseStamp(s string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return at
}
