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

// target is a model that something points to. Model and version are set for
// the account's own models, which are in its registry.
type target struct{ ref, arn, model, version string }

// ownModels reads the custom and the imported models of the account, whose
// names are needed to tell what a deployment serves.
func (b *bedrockRun) ownModels(ctx context.Context) error {
	b.own = map[string]target{}
	kinds := []string{records.KindModel, records.KindModelVersion, records.KindDeployment}
	err := b.part(ctx, piece{controlPlane, "custom models", kinds}, func(kinds []string) error {
		return listing(ctx, "bedrock:ListCustomModels", b.saw(without(kinds, records.KindDeployment)...), func(token *string) ([]types.CustomModelSummary, *string, error) {
			out, err := b.api.ListCustomModels(ctx, &bedrock.ListCustomModelsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.ModelSummaries, out.NextToken, nil
		}, func(m types.CustomModelSummary) error { return b.custom(ctx, m) })
	})
	if err != nil {
		return err
	}
	return b.part(ctx, piece{controlPlane, "imported models", kinds}, func(kinds []string) error {
		return listing(ctx, "bedrock:ListImportedModels", b.saw(without(kinds, records.KindDeployment)...), func(token *string) ([]types.ImportedModelSummary, *string, error) {
			out, err := b.api.ListImportedModels(ctx, &bedrock.ListImportedModelsInput{MaxResults: aws.Int32(pageSize), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.ModelSummaries, out.NextToken, nil
		}, func(m types.ImportedModelSummary) error { return b.imported(ctx, m) })
	})
}

// without returns kinds without one of them.
func without(kinds []string, kind string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == kind })
}

// custom emits a model that was customised from a foundation model.
func (b *bedrockRun) custom(ctx context.Context, m types.CustomModelSummary) error {
	t := b.keep(m.ModelArn, m.ModelName)
	v := records.ModelVersion{
		ARNOrURI: t.arn, CreatedAt: stamp(m.CreationTime), BaseModel: modelName(aws.ToString(m.BaseModelArn)), Status: string(m.ModelStatus),
		Framework: strings.ToLower(string(m.CustomizationType)),
	}
	const op = "bedrock:GetCustomModel"
	if b.req.Wants(records.KindModelVersion) && !b.skip[op] {
		out, err := b.api.GetCustomModel(ctx, &bedrock.GetCustomModelInput{ModelIdentifier: m.ModelArn})
		if err == nil && aws.ToString(out.ModelArn) == "" {
			err = errNoAnswer
		}
		if err != nil {
			if err := b.failed(ctx, []string{records.KindModelVersion}, "custom model "+t.model, &callError{op, err}); err != nil {
				return err
			}
		} else {
			v.SourceRun = text(out.JobArn, 300)
			if out.OutputDataConfig != nil {
				v.MetricsURI = text(out.OutputDataConfig.S3Uri, 1000) // the job writes its training and validation metrics there
			}
		}
	}
	return b.registered(ctx, t, v, text(m.OwnerAccountId, 20))
}

// imported emits a model that was brought from elsewhere.
func (b *bedrockRun) imported(ctx context.Context, m types.ImportedModelSummary) error {
	t := b.keep(m.ModelArn, m.ModelName)
	v := records.ModelVersion{ARNOrURI: t.arn, CreatedAt: stamp(m.CreationTime), Framework: text(m.ModelArchitecture, 100)}
	const op = "bedrock:GetImportedModel"
	if b.req.Wants(records.KindModelVersion) && !b.skip[op] {
		out, err := b.api.GetImportedModel(ctx, &bedrock.GetImportedModelInput{ModelIdentifier: m.ModelArn})
		if err == nil && aws.ToString(out.ModelArn) == "" {
			err = errNoAnswer
		}
		if err != nil {
			if err := b.failed(ctx, []string{records.KindModelVersion}, "imported model "+t.model, &callError{op, err}); err != nil {
				return err
			}
		} else {
			v.SourceRun = text(out.JobArn, 300)
			if from, ok := out.ModelDataSource.(*types.ModelDataSourceMemberS3DataSource); ok {
				v.ArtifactURI = text(from.Value.S3Uri, 1000)
			}
		}
	}
	return b.registered(ctx, t, v, b.id.account)
}

// keep remembers a model of the account by its ARN. Bedrock has no versions of
// one model: each customisation is a model, whose id stands for the version.
func (b *bedrockRun) keep(arn, name *string) target {
	t := target{arn: text(arn, 300), model: text(name, 200)}
	t.ref, t.version = t.arn, lastOf(resourceOf(t.arn))
	b.own[t.arn] = t
	return t
}

// registered emits a model of the account and its version.
func (b *bedrockRun) registered(ctx context.Context, t target, v records.ModelVersion, owner string) error {
	tags := map[string]string{}
	if kinds := b.wanted(records.KindModel, records.KindModelVersion); len(kinds) > 0 {
		var err error
		if tags, err = b.resourceTags(ctx, &t.arn, kinds...); err != nil {
			return err
		}
	}
	created := parseStamp(v.CreatedAt)
	subject := connector.Subject{Type: "model", ID: t.model}
	if b.req.Wants(records.KindModel) {
		m := records.Model{Registry: b.catalogue(), Name: t.model, ID: t.arn, Owner: owner, Tags: tags, CreatedAt: v.CreatedAt, Visibility: "private"}
		if err := b.record(ctx, connector.Record{
			Kind: records.KindModel, Subject: subject, Key: m.Registry + "|" + t.model, EventTime: created, URL: b.pageOf("custom-models"),
		}, m); err != nil {
			return err
		}
	}
	if !b.req.Wants(records.KindModelVersion) {
		return nil
	}
	v.Registry, v.Model, v.Version, v.Tags = b.catalogue(), t.model, t.version, tags
	subject.ID += "/" + t.version
	return b.record(ctx, connector.Record{
		Kind: records.KindModelVersion, Subject: subject, Key: strings.Join([]string{v.Registry, v.Model, v.Version}, "|"),
		EventTime: created, URL: b.pageOf("custom-models"),
	}, v)
}

// modelName returns what requests call a model: of a foundation model its id,
// else the ARN.
func modelName(arn string) string {
	if name, ok := strings.CutPrefix(resourceOf(arn), "foundation-model/"); ok {
		return printable(name, 200)
	}
	return printable(arn, 300)
}

// targets returns the models that an ARN or id stands for: a foundation model,
// one of the account's own, or those behind an inference profile. false means
// that this could not be told.
func (b *bedrockRun) targets(ref string) ([]target, bool) {
	ref = printable(ref, 300)
	if own, ok := b.own[ref]; ok {
		return []target{own}, true
	}
	if models, ok := b.profiles[ref]; ok {
		var out []target
		for _, m := range models {
			out = append(out, target{ref: modelName(m), arn: m})
		}
		return out, len(out) > 0
	}
	if strings.HasPrefix(resourceOf(ref), "foundation-model/") {
		return []target{{ref: modelName(ref), arn: ref}}, true
	}
	if !strings.HasPrefix(ref, "arn:") && strings.Contains(ref, ".") && !strings.Contains(ref, "/") {
		return []target{{ref: ref, arn: "arn:" + b.id.partition() + ":bedrock:" + b.region + "::foundation-model/" + ref}}, true
	}
	return []target{{ref: ref}}, false
}

// partition is the part of AWS that the account is in: aws, aws-cn, aws-us-gov.
func (id identity) partition() string {
	if parts := strings.Split(id.arn, ":"); len(parts) > 1 && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}
