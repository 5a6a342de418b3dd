package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// position is how far a list of jobs was read: up to the last one, or to the
// first that had not ended, whichever comes first.
type position struct {
	name  string
	after *time.Time // ask for jobs made after this
	last  time.Time
	open  time.Time
}

func (r *regionRun) position(list, kind string) *position {
	p := &position{name: list + "/" + r.id.account + "/" + r.region}
	if at, err := time.Parse(time.RFC3339Nano, r.req.Cursors[p.name]); err == nil && !at.After(r.now) {
		p.after = &at
	}
	if since := r.req.Since; !since.IsZero() {
		if p.after == nil || p.after.Before(since) {
			p.after = &since
		}
		if since.After(r.since[kind]) {
			r.since[kind] = since
		}
	}
	return p
}

// passed notes a job.
func (p *position) passed(created *time.Time, ended bool) {
	if created == nil {
		return
	}
	if created.After(p.last) {
		p.last = *created
	}
	if !ended && (p.open.IsZero() || created.Before(p.open)) {
		p.open = *created
	}
}

// store keeps the position. One second is taken off, so that a job made in the
// same moment is not missed.
func (r *regionRun) store(p *position) error {
	at := p.last
	if !p.open.IsZero() && p.open.Before(at) {
		at = p.open
	}
	if at.IsZero() {
		return nil
	}
	if err := r.emit.Cursor(p.name, at.Add(-time.Second).UTC().Format(time.RFC3339Nano)); err != nil {
		return &emitError{err}
	}
	return nil
}

// customizations reads which job made a custom model, from what. Jobs that
// have not ended are asked for again.
func (b *bedrockRun) customizations(ctx context.Context) error {
	return b.part(ctx, piece{controlPlane, "model customization jobs", []string{records.KindLineage}}, func(kinds []string) error {
		pos := b.position("bedrock-customizations", records.KindLineage)
		err := listing(ctx, "bedrock:ListModelCustomizationJobs", b.saw(kinds...), func(token *string) ([]types.ModelCustomizationJobSummary, *string, error) {
			out, err := b.api.ListModelCustomizationJobs(ctx, &bedrock.ListModelCustomizationJobsInput{
				MaxResults: aws.Int32(pageSize), NextToken: token, CreationTimeAfter: pos.after,
				SortBy: types.SortJobsByCreationTime, SortOrder: types.SortOrderAscending,
			})
			if err != nil {
				return nil, nil, err
			}
			return out.ModelCustomizationJobSummaries, out.NextToken, nil
		}, func(j types.ModelCustomizationJobSummary) error {
			done := j.Status == types.ModelCustomizationJobStatusCompleted
			ended := done || j.Status == types.ModelCustomizationJobStatusFailed || j.Status == types.ModelCustomizationJobStatusStopped
			if done {
				read, err := b.customization(ctx, j)
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

// customization emits the lineage of a custom model, and reports whether it
// could be read.
func (b *bedrockRun) customization(ctx context.Context, j types.ModelCustomizationJobSummary) (bool, error) {
	const op = "bedrock:GetModelCustomizationJob"
	if b.skip[op] {
		return false, nil
	}
	out, err := b.api.GetModelCustomizationJob(ctx, &bedrock.GetModelCustomizationJobInput{JobIdentifier: j.JobArn})
	if err == nil && (aws.ToString(out.JobArn) == "" || aws.ToString(out.OutputModelArn) == "") {
		err = errNoAnswer
	}
	if err != nil {
		return false, b.failed(ctx, []string{records.KindLineage}, "customization job "+text(j.JobName, 100), &callError{op, err})
	}
	t := target{arn: text(out.OutputModelArn, 300), model: text(out.OutputModelName, 200)}
	l := records.Lineage{
		RunID: text(out.JobArn, 300), Registry: b.catalogue(), Model: t.model, ModelVersion: lastOf(resourceOf(t.arn)), TrainingRun: text(out.JobName, 200),
		DatasetVersions: trainedOn(out), ParametersDigest: digestOf(out.HyperParameters, aws.ToString(out.BaseModelArn)),
		StartedAt: stamp(out.CreationTime), EndedAt: stamp(out.EndTime),
	}
	return true, b.record(ctx, connector.Record{
		Kind: records.KindLineage, Subject: connector.Subject{Type: "model", ID: t.model + "/" + l.ModelVersion}, Key: l.RunID,
		EventTime: utc(out.EndTime), URL: b.pageOf("custom-models"),
	}, l)
}

// trainedOn lists the data that a job was given, and the base model that it
// began with.
func trainedOn(out *bedrock.GetModelCustomizationJobOutput) []string {
	list := []string{}
	add := func(what string, uri *string) {
		if u := text(uri, 1000); u != "" {
			list = append(list, what+u)
		}
	}
	add("base model ", out.BaseModelArn)
	if c := out.TrainingDataConfig; c != nil {
		add("training data ", c.S3Uri)
		if c.InvocationLogsConfig != nil {
			if from, ok := c.InvocationLogsConfig.InvocationLogSource.(*types.InvocationLogSourceMemberS3Uri); ok {
				add("invocation logs ", &from.Value)
			}
		}
	}
	if c := out.ValidationDataConfig; c != nil {
		for _, v := range c.Validators {
			add("validation data ", v.S3Uri)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// digestOf is a digest of hyperparameters and base model: JSON with sorted
// names.
func digestOf(hyper map[string]string, base string) string {
	raw, err := json.Marshal(struct {
		Base  string            `json:"base_model"`
		Hyper map[string]string `json:"hyperparameters"`
	}{base, hyper})
	if err != nil {
		return ""
	}
	return fmt.Sprintf("sha256:%s", hex.EncodeToString(sha256Of(raw)))
}

func sha256Of(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}
