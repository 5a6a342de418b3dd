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

// inferenceProfiles reads the profiles that route calls to models, in one
// region or several. Those that the account made are deployments; AWS's own,
// which every account has, are listed as resources, so that the regions behind
// a profile can be looked up.
func (b *bedrockRun) inferenceProfiles(ctx context.Context) error {
	resolve := []string{kindEvaluationRun, records.KindModelObservation}
	for _, of := range []struct {
		kind  types.InferenceProfileType
		what  string
		kinds []string
		each  func(context.Context, types.InferenceProfileSummary) error
	}{
		{types.InferenceProfileTypeSystemDefined, "inference profiles of AWS's own", append([]string{records.KindAIResource, records.KindDeployment}, resolve...), b.systemProfile},
		{types.InferenceProfileTypeApplication, "application inference profiles", append([]string{records.KindDeployment}, resolve...), b.applicationProfile},
	} {
		if b.skip["bedrock:ListInferenceProfiles"] {
			return nil // denied for the first, which misses all that the second does
		}
		err := b.part(ctx, piece{controlPlane, of.what, of.kinds}, func([]string) error {
			return listing(ctx, "bedrock:ListInferenceProfiles", b.saw(b.wanted(of.kinds[0])...), func(token *string) ([]types.InferenceProfileSummary, *string, error) {
				out, err := b.api.ListInferenceProfiles(ctx, &bedrock.ListInferenceProfilesInput{MaxResults: aws.Int32(pageSize), NextToken: token, TypeEquals: of.kind})
				if err != nil {
					return nil, nil, err
				}
				return out.InferenceProfileSummaries, out.NextToken, nil
			}, func(p types.InferenceProfileSummary) error {
				var arns []string
				for _, m := range p.Models {
					arns = append(arns, text(m.ModelArn, 300))
				}
				slices.Sort(arns)
				arns = slices.Compact(arns)
				b.profiles[text(p.InferenceProfileArn, 300)], b.profiles[text(p.InferenceProfileId, 300)] = arns, arns
				return of.each(ctx, p)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// systemProfile emits one of AWS's own profiles as a resource.
func (b *bedrockRun) systemProfile(ctx context.Context, p types.InferenceProfileSummary) error {
	if !b.req.Wants(records.KindAIResource) {
		return nil
	}
	var models, regions []string
	for _, arn := range b.profiles[text(p.InferenceProfileArn, 300)] {
		models, regions = append(models, modelName(arn)), append(regions, regionOf(arn))
	}
	return b.resource(ctx, records.AIResource{
		ResourceType: "inference-profile", ResourceID: text(p.InferenceProfileArn, 300), Name: text(p.InferenceProfileId, 200),
		CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt), Status: string(p.Status),
		Attributes: attributes("type", string(p.Type), "models", joined(models), "regions", joined(regions)),
	}, nil, "inference-profiles")
}

// applicationProfile emits a profile that the account made as a deployment,
// with one variant for each region that may answer.
func (b *bedrockRun) applicationProfile(ctx context.Context, p types.InferenceProfileSummary) error {
	if !b.req.Wants(records.KindDeployment) {
		return nil
	}
	d := records.Deployment{
		EndpointID: "inference-profile/" + text(p.InferenceProfileId, 200), ConfigRef: text(p.InferenceProfileName, 200), Variants: []records.Variant{},
		CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt), Status: string(p.Status), ARNOrURI: text(p.InferenceProfileArn, 300),
	}
	for _, arn := range b.profiles[text(p.InferenceProfileArn, 300)] {
		d.Variants = append(d.Variants, records.Variant{Name: regionOf(arn), ModelRef: modelName(arn), ModelPackageARN: arn, Weight: 1, Resolved: true})
	}
	return b.deployment(ctx, d, p.InferenceProfileArn, "inference-profiles")
}

// deployment fills in what all deployments on Bedrock share and emits one.
func (b *bedrockRun) deployment(ctx context.Context, d records.Deployment, arn *string, page string) error {
	tags, err := b.tagsOfDeployment(ctx, arn)
	if err != nil {
		return err
	}
	d.Platform, d.Region, d.Tags, d.Environment = "bedrock", b.region, tags, tagNamed(tags, b.cfg.EnvironmentTag)
	at := parseStamp(d.UpdatedAt)
	if at.IsZero() {
		at = parseStamp(d.CreatedAt)
	}
	return b.record(ctx, connector.Record{
		Kind: records.KindDeployment, Subject: connector.Subject{Type: "deployment", ID: d.EndpointID + "@" + b.region},
		Key: b.catalogue() + "|" + d.EndpointID, EventTime: at, URL: b.pageOf(page),
	}, d)
}

// tagsOfDeployment lists the tags of a deployment; endpoints of the marketplace
// belong to SageMaker.
func (b *bedrockRun) tagsOfDeployment(ctx context.Context, arn *string) (map[string]string, error) {
	if strings.Contains(aws.ToString(arn), ":sagemaker:") {
		tags, err := b.tagsOf(ctx, *arn)
		return tags, b.failed(ctx, []string{records.KindDeployment}, "tags of "+text(arn, 150), err)
	}
	return b.resourceTags(ctx, arn, records.KindDeployment)
}

// variantsOf makes a variant of each model that ref stands for.
func (b *bedrockRun) variantsOf(name, ref string, weight float64) []records.Variant {
	models, ok := b.targets(ref)
	var out []records.Variant
	for _, t := range models {
		v := records.Variant{Name: name, ModelRef: t.ref, ModelPackageARN: t.arn, Model: t.model, Version: t.version, Weight: weight, Resolved: ok}
		if len(models) > 1 {
			v.Name += "/" + regionOf(t.arn)
		}
		out = append(out, v)
	}
	return out
}

// attributes makes a map of names and values that alternate, without those
// that are empty.
func attributes(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := printable(pairs[i+1], 2000); v != "" {
			out[pairs[i]] = v
		}
	}
	return out
}

// joined is a sorted list without doubles, as one text.
func joined(list []string) string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}
