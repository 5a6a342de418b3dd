package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const kindEvaluationRun = "evaluation.run"

// evaluationRun is a test of one model. Passed and thresholds are left out:
// Bedrock sets no thresholds, and the results lie in a bucket.
type evaluationRun struct {
	RunID          string                     `json:"run_id"`
	SubjectRef     string                     `json:"subject_ref,omitempty"`
	DatasetVersion string                     `json:"dataset_version,omitempty"`
	Metrics        map[string]json.RawMessage `json:"metrics"`
	StartedAt      string                     `json:"started_at,omitempty"`
	FinishedAt     string                     `json:"finished_at,omitempty"`
	Executor       string                     `json:"executor,omitempty"`
}

// evaluations reads the evaluation jobs that were completed since the last
// run. A job that failed or was stopped tested nothing.
func (b *bedrockRun) evaluations(ctx context.Context) error {
	return b.part(ctx, piece{controlPlane, "evaluation jobs", []string{kindEvaluationRun}}, func(kinds []string) error {
		pos := b.position("bedrock-evaluations", kindEvaluationRun)
		err := listing(ctx, "bedrock:ListEvaluationJobs", b.saw(kinds...), func(token *string) ([]types.EvaluationSummary, *string, error) {
			out, err := b.api.ListEvaluationJobs(ctx, &bedrock.ListEvaluationJobsInput{
				MaxResults: aws.Int32(pageSize), NextToken: token, CreationTimeAfter: pos.after,
				SortBy: types.SortJobsByCreationTime, SortOrder: types.SortOrderAscending,
			})
			if err != nil {
				return nil, nil, err
			}
			return out.JobSummaries, out.NextToken, nil
		}, func(j types.EvaluationSummary) error {
			ended := j.Status != types.EvaluationJobStatusInProgress && j.Status != types.EvaluationJobStatusStopping
			if j.Status == types.EvaluationJobStatusCompleted {
				read, err := b.evaluation(ctx, j)
				if err != nil {
					return err
				}
				ended = read
			}
			pos.passed(j.CreationTime, ended)
			return nil
		})
		if err != nil {
			return err
		}
		return b.store(pos)
	})
}

// evaluation emits a completed job, once for each model that it tested, and
// reports whether it could be read.
func (b *bedrockRun) evaluation(ctx context.Context, j types.EvaluationSummary) (bool, error) {
	const op = "bedrock:GetEvaluationJob"
	if b.skip[op] {
		return false, nil
	}
	what := "evaluation job " + text(j.JobName, 100)
	out, err := b.api.GetEvaluationJob(ctx, &bedrock.GetEvaluationJobInput{JobIdentifier: j.JobArn})
	if err == nil && aws.ToString(out.JobArn) == "" {
		err = errNoAnswer
	}
	if err != nil {
		return false, b.failed(ctx, []string{kindEvaluationRun}, what, &callError{op, err})
	}
	e := evaluationRun{
		RunID: text(out.JobArn, 300), StartedAt: stamp(out.CreationTime), FinishedAt: stamp(out.LastModifiedTime),
		Executor: printable("bedrock "+strings.ToLower(string(out.JobType))+" evaluation by role "+aws.ToString(out.RoleArn), 300),
	}
	if e.DatasetVersion, e.Metrics, err = tested(out); err != nil {
		return true, b.failed(ctx, []string{kindEvaluationRun}, what, err)
	}
	subjects := b.subjectsOf(out, j)
	for _, subject := range subjects {
		one := e
		one.SubjectRef = subject
		if len(subjects) > 1 {
			one.RunID += "#" + subject
		}
		err := b.record(ctx, connector.Record{
			Kind: kindEvaluationRun, Subject: connector.Subject{Type: "release", ID: one.RunID}, Key: one.RunID, EventTime: utc(out.LastModifiedTime),
			URL: b.pageOf("model-evaluations"),
		}, one)
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// subjectsOf names what a job tested as deployments name it: a model's id,
// model and version of the account's own, a knowledge base, or where answers
// that were made elsewhere came from.
func (b *bedrockRun) subjectsOf(out *bedrock.GetEvaluationJobOutput, j types.EvaluationSummary) []string {
	var refs []string
	if c, ok := out.InferenceConfig.(*types.EvaluationInferenceConfigMemberModels); ok {
		for _, m := range c.Value {
			switch m := m.(type) {
			case *types.EvaluationModelConfigMemberBedrockModel:
				refs = append(refs, aws.ToString(m.Value.ModelIdentifier))
			case *types.EvaluationModelConfigMemberPrecomputedInferenceSource:
				refs = append(refs, aws.ToString(m.Value.InferenceSourceIdentifier))
			}
		}
	}
	if s := j.InferenceConfigSummary; len(refs) == 0 && s != nil && s.RagConfigSummary != nil {
		refs = append(refs, s.RagConfigSummary.BedrockKnowledgeBaseIdentifiers...)
		refs = append(refs, s.RagConfigSummary.PrecomputedRagSourceIdentifiers...)
	}
	var names []string
	for _, ref := range refs {
		models, _ := b.targets(ref)
		for _, t := range models {
			if t.version != "" {
				names = append(names, t.model+"/"+t.version)
			} else if t.ref != "" {
				names = append(names, t.ref)
			}
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return []string{""}
	}
	return names
}

// tested names the data of a job, and its metrics with the place of their
// results.
func tested(out *bedrock.GetEvaluationJobOutput) (string, map[string]json.RawMessage, error) {
	var sets []types.EvaluationDatasetMetricConfig
	switch c := out.EvaluationConfig.(type) {
	case *types.EvaluationConfigMemberAutomated:
		sets = c.Value.DatasetMetricConfigs
	case *types.EvaluationConfigMemberHuman:
		sets = c.Value.DatasetMetricConfigs
	}
	results := ""
	if out.OutputDataConfig != nil {
		results = text(out.OutputDataConfig.S3Uri, 1000)
	}
	var data []string
	metrics := map[string]json.RawMessage{}
	for _, s := range sets {
		name := ""
		if s.Dataset != nil {
			name = text(s.Dataset.Name, 200)
			if at, ok := s.Dataset.DatasetLocation.(*types.EvaluationDatasetLocationMemberS3Uri); ok {
				name = printable(at.Value, 1000)
			}
		}
		data = append(data, name)
		for _, m := range s.MetricNames {
			v, err := json.Marshal(map[string]string{"task": string(s.TaskType), "dataset": name, "results": results})
			if err != nil {
				return "", nil, fmt.Errorf("%w: %w", errValue, err)
			}
			key := printable(m, 100)
			if _, twice := metrics[key]; twice {
				key += " on " + name
			}
			metrics[key] = v
		}
	}
	return joined(data), metrics, nil
}
