package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	listArtifacts       = "sagemaker:ListArtifacts"
	queryLineage        = "sagemaker:QueryLineage"
	describeTrainingJob = "sagemaker:DescribeTrainingJob"
)

// maxJobs bounds the training jobs that are told of one package.
const maxJobs = 10

// lineageThing stands for what a package was made from, which does not change
// once the package is there.
func (r *regionRun) lineageThing(arn string) thing {
	return r.thingOf(records.KindLineage, printable(arn, 300))
}

// lineageTold reports whether an earlier run told what a package was made from.
func (r *regionRun) lineageTold(arn string) bool {
	return !r.req.Wants(records.KindLineage) || r.same(r.lineageThing(arn))
}

// lineage emits the training jobs behind a package, with their data, code and
// settings. The package may name its job; otherwise SageMaker's lineage does.
func (r *regionRun) lineage(ctx context.Context, out *sagemaker.DescribeModelPackageOutput, v records.ModelVersion) error {
	arn := aws.ToString(out.ModelPackageArn)
	if r.lineageTold(arn) {
		return nil
	}
	kinds, what := []string{records.KindLineage}, "lineage of "+arn
	jobs, err := r.trainingJobs(ctx, out)
	if err != nil {
		return r.failed(ctx, kinds, what, err)
	}
	whole := !r.skip[listArtifacts] && !r.skip[queryLineage]
	for _, job := range jobs[:min(len(jobs), maxJobs)] {
		ok, err := r.trainingJob(ctx, job, v)
		if err != nil {
			return err
		}
		whole = whole && ok
	}
	if len(jobs) > maxJobs {
		if err := r.failed(ctx, kinds, what, fmt.Errorf("%w: %d training jobs are behind it, of which %d were told", errBudget, len(jobs), maxJobs)); err != nil {
			return err
		}
	}
	return r.keepIf(whole, r.lineageThing(arn))
}

// trainingJobs names the jobs behind a package.
func (r *regionRun) trainingJobs(ctx context.Context, out *sagemaker.DescribeModelPackageOutput) ([]string, error) {
	var jobs []string
	if m := out.MetadataProperties; m != nil {
		if _, name, ok := strings.Cut(aws.ToString(m.GeneratedBy), ":training-job/"); ok {
			jobs = append(jobs, name)
		}
	}
	if len(jobs) > 0 || r.skip[listArtifacts] || r.skip[queryLineage] {
		return jobs, nil
	}
	starts, err := r.artifacts(ctx, out.ModelPackageArn)
	if err != nil || len(starts) == 0 {
		return nil, err
	}
	err = listing(ctx, queryLineage, func() {}, func(token *string) ([]types.Vertex, *string, error) {
		page, err := r.api.QueryLineage(ctx, &sagemaker.QueryLineageInput{
			StartArns: starts, Direction: types.DirectionAscendants, IncludeEdges: aws.Bool(false), MaxDepth: aws.Int32(10), MaxResults: aws.Int32(50), NextToken: token,
			Filters: &types.QueryFilters{LineageTypes: []types.LineageType{types.LineageTypeTrialComponent}},
		})
		if err != nil {
			return nil, nil, err
		}
		return page.Vertices, page.NextToken, nil
	}, func(v types.Vertex) error {
		_, name, _ := strings.Cut(aws.ToString(v.Arn), ":experiment-trial-component/")
		if job, ok := strings.CutSuffix(name, "-aws-training-job"); ok {
			jobs = append(jobs, job)
		}
		return nil
	})
	slices.Sort(jobs)
	return slices.Compact(jobs), err
}

// artifacts are what SageMaker's lineage calls a package.
func (r *regionRun) artifacts(ctx context.Context, arn *string) ([]string, error) {
	var found []string
	err := listing(ctx, listArtifacts, func() { r.saw(records.KindLineage) }, func(token *string) ([]types.ArtifactSummary, *string, error) {
		page, err := r.api.ListArtifacts(ctx, &sagemaker.ListArtifactsInput{SourceUri: arn, NextToken: token, MaxResults: aws.Int32(pageSize)})
		if err != nil {
			return nil, nil, err
		}
		return page.ArtifactSummaries, page.NextToken, nil
	}, func(a types.ArtifactSummary) error {
		if aws.ToString(a.ArtifactArn) != "" {
			found = append(found, *a.ArtifactArn)
		}
		return nil
	})
	return found[:min(len(found), 1)], err // one artefact stands for a source, by SageMaker's own rule
}

// trainingJob emits one job, and reports whether it could be read to its end.
func (r *regionRun) trainingJob(ctx context.Context, name string, v records.ModelVersion) (bool, error) {
	if r.skip[describeTrainingJob] {
		return false, nil
	}
	job, err := r.api.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	if err == nil && aws.ToString(job.TrainingJobArn) == "" {
		err = errNoAnswer
	}
	if err != nil {
		err = &callError{describeTrainingJob, err}
		return reasonOf(err) == connector.NotFound, r.failed(ctx, []string{records.KindLineage}, "training job "+name, err) // one that is gone stays gone
	}
	r.saw(records.KindLineage)
	l := records.Lineage{
		RunID: text(job.TrainingJobArn, 300), Registry: v.Registry, Model: v.Model, ModelVersion: v.Version, TrainingRun: text(job.TrainingJobName, 200),
		DatasetVersions: inputsOf(job.InputDataConfig), CodeCommit: v.RevisionSHA, ParametersDigest: digestOf(job.HyperParameters, ""),
		StartedAt: stamp(job.TrainingStartTime), EndedAt: stamp(job.TrainingEndTime),
	}
	if a := job.AlgorithmSpecification; a != nil {
		image := text(a.TrainingImage, 500)
		if _, sum, ok := strings.Cut(image, "@"); ok { // pinned by its digest
			image = sum
		}
		l.EnvironmentDigest = cmp.Or(image, text(a.AlgorithmName, 300))
	}
	id := v.Model
	if v.Version != unversioned {
		id += "/" + v.Version
	}
	return true, r.record(ctx, connector.Record{
		Kind: records.KindLineage, Subject: connector.Subject{Type: "model", ID: id}, Key: l.RunID + "|" + v.ARNOrURI, EventTime: utc(job.TrainingEndTime),
		URL: r.consoleURL("jobs/" + pathSafe(aws.ToString(job.TrainingJobName))),
	}, l)
}

// inputsOf lists a job's data: the channel, and where it came from. A place in
// S3 is no version; only a data set of the hub has one.
func inputsOf(channels []types.Channel) []string {
	list := []string{}
	for _, c := range channels {
		name := text(c.ChannelName, 100) + " "
		if c.DataSource == nil {
			continue
		}
		if s := c.DataSource.S3DataSource; s != nil && aws.ToString(s.S3Uri) != "" {
			list = append(list, name+text(s.S3Uri, 1000))
		}
		if f := c.DataSource.FileSystemDataSource; f != nil {
			list = append(list, name+text(f.FileSystemId, 100)+":"+text(f.DirectoryPath, 500))
		}
		if d := c.DataSource.DatasetSource; d != nil && aws.ToString(d.DatasetArn) != "" {
			list = append(list, name+text(d.DatasetArn, 300))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
