package aws

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const pageSize = 100

// registry reads groups, their packages, and packages without a group.
func (r *regionRun) registry(ctx context.Context) error {
	const op = "sagemaker:ListModelPackageGroups"
	err := eachPage(ctx, op, func(token *string) (*string, error) {
		out, err := r.api.ListModelPackageGroups(ctx, &sagemaker.ListModelPackageGroupsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.ModelPackageGroupSortByCreationTime, SortOrder: types.SortOrderAscending,
		})
		if err != nil {
			return nil, &callError{op, err}
		}
		if out.ModelPackageGroupSummaryList == nil {
			return nil, &callError{op, errNoAnswer}
		}
		r.read[records.KindModel] = true
		for _, g := range out.ModelPackageGroupSummaryList {
			if err := r.group(ctx, g); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
	if err != nil {
		return err
	}
	kinds := r.wanted(records.KindModel, records.KindModelVersion, records.KindModelApproval)
	return r.failed(ctx, kinds, "packages without a group", r.packages(ctx, ""))
}

// group emits a model package group and reads its packages.
func (r *regionRun) group(ctx context.Context, g types.ModelPackageGroupSummary) error {
	name := printable(aws.ToString(g.ModelPackageGroupName), 200)
	kinds := r.wanted(records.KindModelVersion, records.KindModelApproval)
	if r.req.Wants(records.KindModel) {
		if err := r.model(ctx, name, g); err != nil {
			return err
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	return r.failed(ctx, kinds, "model package group "+name, r.packages(ctx, name))
}

func (r *regionRun) model(ctx context.Context, name string, g types.ModelPackageGroupSummary) error {
	m := records.Model{
		Registry: r.registryName(), Name: name, ID: printable(aws.ToString(g.ModelPackageGroupArn), 300), Visibility: "private",
		About: printable(aws.ToString(g.ModelPackageGroupDescription), 1000), CreatedAt: stamp(g.CreationTime), Tags: map[string]string{},
	}
	const describe = "sagemaker:DescribeModelPackageGroup"
	if !r.skip[describe] {
		out, err := r.api.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: g.ModelPackageGroupName})
		if err != nil {
			err = r.failed(ctx, []string{records.KindModel}, "model package group "+name, &callError{describe, err})
		} else {
			m.Owner = who(out.CreatedBy)
		}
		if err != nil {
			return err
		}
	}
	tags, err := r.tagsOf(ctx, aws.ToString(g.ModelPackageGroupArn))
	if err := r.failed(ctx, []string{records.KindModel}, "tags of "+name, err); err != nil {
		return err
	}
	m.Tags = tags
	return r.record(ctx, connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: name}, Key: m.Registry + "|" + name, EventTime: utc(g.CreationTime),
		URL: r.consoleURL("model-packages"),
	}, m)
}

// packages reads the packages of a group, or those without one.
func (r *regionRun) packages(ctx context.Context, group string) error {
	const op = "sagemaker:ListModelPackages"
	if r.skip[op] {
		return nil
	}
	in := &sagemaker.ListModelPackagesInput{MaxResults: aws.Int32(pageSize), SortBy: types.ModelPackageSortByCreationTime, SortOrder: types.SortOrderAscending}
	if group != "" {
		in.ModelPackageGroupName = &group
	} else {
		in.ModelPackageType = types.ModelPackageTypeUnversioned
	}
	return eachPage(ctx, op, func(token *string) (*string, error) {
		in.NextToken = token
		out, err := r.api.ListModelPackages(ctx, in)
		if err != nil {
			return nil, &callError{op, err}
		}
		if out.ModelPackageSummaryList == nil {
			return nil, &callError{op, errNoAnswer}
		}
		r.read[records.KindModelVersion], r.read[records.KindModelApproval] = true, true
		for _, p := range out.ModelPackageSummaryList {
			if group == "" && aws.ToString(p.ModelPackageGroupName) != "" {
				continue // read with its group
			}
			if err := r.modelPackage(ctx, aws.ToString(p.ModelPackageArn)); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
}

// modelPackage emits a package and its approval.
func (r *regionRun) modelPackage(ctx context.Context, arn string) error {
	const op = "sagemaker:DescribeModelPackage"
	kinds := r.wanted(records.KindModelVersion, records.KindModelApproval)
	if r.skip[op] || len(kinds) == 0 {
		return nil
	}
	out, err := r.api.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn})
	if err != nil {
		return r.failed(ctx, kinds, "model package "+arn, &callError{op, err})
	}
	if aws.ToString(out.ModelPackageArn) == "" || out.CreationTime == nil {
		return r.failed(ctx, kinds, "model package "+arn, &callError{op, errNoAnswer})
	}
	v := r.version(out)
	id := v.Model + "/" + v.Version
	if v.Version == unversioned {
		id = v.Model
		if err := r.unversionedModel(ctx, v); err != nil {
			return err
		}
	}
	if r.req.Wants(records.KindModelVersion) {
		if err := r.record(ctx, connector.Record{
			Kind: records.KindModelVersion, Subject: connector.Subject{Type: "model", ID: id},
			Key: strings.Join([]string{v.Registry, v.Model, v.Version}, "|"), EventTime: utc(out.CreationTime), URL: r.consoleURL("model-packages"),
		}, v); err != nil {
			return err
		}
	}
	if out.ModelApprovalStatus == "" || !r.req.Wants(records.KindModelApproval) {
		return nil
	}
	return r.approval(ctx, out, v, id)
}

// unversionedModel emits a package without a group as a model of its own.
func (r *regionRun) unversionedModel(ctx context.Context, v records.ModelVersion) error {
	if !r.req.Wants(records.KindModel) {
		return nil
	}
	created, _ := time.Parse(time.RFC3339Nano, v.CreatedAt)
	m := records.Model{Registry: v.Registry, Name: v.Model, ID: v.ARNOrURI, Owner: v.CreatedBy, CreatedAt: v.CreatedAt, Visibility: "private", Tags: map[string]string{}}
	return r.record(ctx, connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: v.Model}, Key: v.Registry + "|" + v.Model, EventTime: created,
	}, m)
}

// unversioned stands for the version of a package that has none.
const unversioned = "unversioned"

// version turns a description into a payload.
func (r *regionRun) version(out *sagemaker.DescribeModelPackageOutput) records.ModelVersion {
	v := records.ModelVersion{
		Registry: r.registryName(), Model: printable(aws.ToString(out.ModelPackageGroupName), 200), Version: unversioned,
		ARNOrURI: printable(aws.ToString(out.ModelPackageArn), 300), CreatedAt: stamp(out.CreationTime), CreatedBy: who(out.CreatedBy),
		Status: string(out.ModelPackageStatus), Tags: map[string]string{},
	}
	if v.Model == "" {
		v.Model = printable(aws.ToString(out.ModelPackageName), 200)
	} else if out.ModelPackageVersion != nil {
		v.Version = strconv.Itoa(int(*out.ModelPackageVersion))
	}
	if p := out.MetadataProperties; p != nil {
		v.SourceRun, v.RevisionSHA = printable(aws.ToString(p.GeneratedBy), 300), printable(aws.ToString(p.CommitId), 100)
	}
	if spec := out.InferenceSpecification; spec != nil && len(spec.Containers) > 0 {
		c := spec.Containers[0]
		v.ArtifactDigest, v.ArtifactURI = printable(aws.ToString(c.ImageDigest), 100), printable(aws.ToString(c.ModelDataUrl), 1000)
		v.Framework = strings.TrimSpace(printable(aws.ToString(c.Framework)+" "+aws.ToString(c.FrameworkVersion), 100))
		if c.BaseModel != nil {
			v.BaseModel = printable(aws.ToString(c.BaseModel.HubContentName), 200)
		}
	}
	if m := out.ModelMetrics; m != nil && m.ModelQuality != nil && m.ModelQuality.Statistics != nil {
		v.MetricsURI = printable(aws.ToString(m.ModelQuality.Statistics.S3Uri), 1000)
	}
	if l := out.ModelLifeCycle; l != nil {
		v.StageOrAlias = printable(fmt.Sprintf("%s/%s", aws.ToString(l.Stage), aws.ToString(l.StageStatus)), 200)
	}
	for k, val := range out.CustomerMetadataProperties {
		v.Tags[printable(k, 128)] = printable(val, 256)
	}
	return v
}

// approval emits the approval state. Without a later change it dates from the
// package's creation.
func (r *regionRun) approval(ctx context.Context, out *sagemaker.DescribeModelPackageOutput, v records.ModelVersion, id string) error {
	at, by := out.LastModifiedTime, out.LastModifiedBy
	if at == nil {
		at, by = out.CreationTime, out.CreatedBy
	}
	a := records.ModelApproval{
		Registry: v.Registry, Model: v.Model, Version: v.Version, ARNOrURI: v.ARNOrURI,
		ApprovalStatus: string(out.ModelApprovalStatus), ApprovalDescription: printable(aws.ToString(out.ApprovalDescription), 2000),
		ChangedBy: who(by), ChangedAt: stamp(at),
	}
	switch out.ModelApprovalStatus {
	case types.ModelApprovalStatusApproved, types.ModelApprovalStatusRejected, types.ModelApprovalStatusPendingManualApproval:
	default:
		return r.failed(ctx, []string{records.KindModelApproval}, "model package "+id, fmt.Errorf("%w: approval status %q", errValue, printable(a.ApprovalStatus, 40)))
	}
	return r.record(ctx, connector.Record{
		Kind: records.KindModelApproval, Subject: connector.Subject{Type: "model", ID: id},
		Key: strings.Join([]string{v.Registry, v.Model, v.Version, a.ChangedAt}, "|"), EventTime: utc(at), URL: r.consoleURL("model-packages"),
	}, a)
}

// who names a person as well as AWS knows: the identity that the identity
// provider vouches for, else the Studio profile, else the role or user.
func who(u *types.UserContext) string {
	if u == nil {
		return ""
	}
	if u.IamIdentity != nil && aws.ToString(u.IamIdentity.SourceIdentity) != "" {
		return printable(*u.IamIdentity.SourceIdentity, 300)
	}
	if aws.ToString(u.UserProfileName) != "" {
		return printable(*u.UserProfileName, 300)
	}
	if u.IamIdentity != nil {
		return printable(aws.ToString(u.IamIdentity.Arn), 300)
	}
	return ""
}

// consoleURL is where a person finds a list in the console.
func (r *regionRun) consoleURL(page string) string {
	return "https://" + r.region + ".console.aws.amazon.com/sagemaker/home?region=" + r.region + "#/" + page
}
