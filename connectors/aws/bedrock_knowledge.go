package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// knowledge reads the knowledge bases and where their content comes from.
func (b *bedrockRun) knowledge(ctx context.Context) error {
	return b.part(ctx, piece{agentPlane, "knowledge bases", []string{records.KindAIResource}}, func(kinds []string) error {
		return listing(ctx, "bedrock:ListKnowledgeBases", b.saw(kinds...), func(token *string) ([]types.KnowledgeBaseSummary, *string, error) {
			out, err := b.agents.ListKnowledgeBases(ctx, &bedrockagent.ListKnowledgeBasesInput{MaxResults: aws.Int32(pageSize), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.KnowledgeBaseSummaries, out.NextToken, nil
		}, func(k types.KnowledgeBaseSummary) error {
			if err := b.knowledgeBase(ctx, k); err != nil {
				return err
			}
			return b.failed(ctx, kinds, "data sources of knowledge base "+text(k.Name, 100), b.dataSources(ctx, k))
		})
	})
}

func (b *bedrockRun) knowledgeBase(ctx context.Context, k types.KnowledgeBaseSummary) error {
	const op = "bedrock:GetKnowledgeBase"
	a := records.AIResource{ResourceType: "knowledge-base", ResourceID: b.arn("knowledge-base/" + text(k.KnowledgeBaseId, 40)),
		Name: text(k.Name, 200), Status: string(k.Status), UpdatedAt: stamp(k.UpdatedAt)}
	var arn *string
	if !b.skip[op] {
		out, err := b.agents.GetKnowledgeBase(ctx, &bedrockagent.GetKnowledgeBaseInput{KnowledgeBaseId: k.KnowledgeBaseId})
		if err == nil && out.KnowledgeBase == nil {
			err = errNoAnswer
		}
		if err != nil {
			if err := b.failed(ctx, []string{records.KindAIResource}, "knowledge base "+a.Name, &callError{op, err}); err != nil {
				return err
			}
		} else {
			base := out.KnowledgeBase
			kind, model, store := "", "", ""
			if c := base.KnowledgeBaseConfiguration; c != nil {
				kind = string(c.Type)
				if c.VectorKnowledgeBaseConfiguration != nil {
					model = modelName(aws.ToString(c.VectorKnowledgeBaseConfiguration.EmbeddingModelArn))
				}
			}
			if base.StorageConfiguration != nil {
				store = string(base.StorageConfiguration.Type)
			}
			arn, a.CreatedAt = base.KnowledgeBaseArn, stamp(base.CreatedAt)
			a.Attributes = attributes("type", kind, "model", model, "storage", store, "role", aws.ToString(base.RoleArn))
		}
	}
	return b.resource(ctx, a, arn, "knowledge-bases/"+text(k.KnowledgeBaseId, 40))
}

// dataSources reads where the content of a knowledge base comes from.
func (b *bedrockRun) dataSources(ctx context.Context, k types.KnowledgeBaseSummary) error {
	if b.skip["bedrock:ListDataSources"] {
		return nil
	}
	return listing(ctx, "bedrock:ListDataSources", func() {}, func(token *string) ([]types.DataSourceSummary, *string, error) {
		out, err := b.agents.ListDataSources(ctx, &bedrockagent.ListDataSourcesInput{KnowledgeBaseId: k.KnowledgeBaseId, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.DataSourceSummaries, out.NextToken, nil
	}, func(d types.DataSourceSummary) error { return b.dataSource(ctx, k, d) })
}

func (b *bedrockRun) dataSource(ctx context.Context, k types.KnowledgeBaseSummary, d types.DataSourceSummary) error {
	const op = "bedrock:GetDataSource"
	base := text(k.KnowledgeBaseId, 40)
	a := records.AIResource{ResourceType: "data-source", ResourceID: b.arn("knowledge-base/" + base + "/data-source/" + text(d.DataSourceId, 40)),
		Name: text(d.Name, 200), Status: string(d.Status), UpdatedAt: stamp(d.UpdatedAt), Attributes: attributes("knowledge_base", base)}
	if !b.skip[op] {
		out, err := b.agents.GetDataSource(ctx, &bedrockagent.GetDataSourceInput{KnowledgeBaseId: k.KnowledgeBaseId, DataSourceId: d.DataSourceId})
		if err == nil && out.DataSource == nil {
			err = errNoAnswer
		}
		if err != nil {
			if err := b.failed(ctx, []string{records.KindAIResource}, "data source "+a.Name, &callError{op, err}); err != nil {
				return err
			}
		} else {
			kind, bucket := "", ""
			if c := out.DataSource.DataSourceConfiguration; c != nil {
				kind = string(c.Type)
				if c.S3Configuration != nil {
					bucket = aws.ToString(c.S3Configuration.BucketArn)
				}
			}
			a.CreatedAt = stamp(out.DataSource.CreatedAt)
			a.Attributes = attributes("knowledge_base", base, "type", kind, "bucket", bucket, "data_deletion_policy", string(out.DataSource.DataDeletionPolicy))
		}
	}
	return b.resource(ctx, a, nil, "knowledge-bases/"+base)
}

// arn names a resource of this account and region.
func (b *bedrockRun) arn(resource string) string {
	return "arn:" + b.id.partition() + ":bedrock:" + b.region + ":" + b.id.account + ":" + resource
}
