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

// groups reads the model package groups.
func (r *regionRun) groups(ctx context.Context) error {
	return listing(ctx, "sagemaker:ListModelPackageGroups", func() { r.saw(records.KindModel) }, func(token *string) ([]types.ModelPackageGroupSummary, *string, error) {
		out, err := r.api.ListModelPackageGroups(ctx, &sagemaker.ListModelPackageGroupsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.ModelPackageGroupSortByCreationTime, SortOrder: types.SortOrderAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.ModelPackageGroupSummaryList, out.NextToken, nil
	}, func(g types.ModelPackageGroupSummary) error { return r.group(ctx, g) })
}

// group emits a model package group, or attests that it is as it was.
func (r *regionRun) group(ctx context.Context, g types.ModelPackageGroupSummary) error {
	name, arn := text(g.ModelPackageGroupName, 200), aws.ToString(g.ModelPackageGroupArn)
	t, err := r.tagState(ctx, arn)
	if err != nil {
		return err
	}
	key := r.registryName() + "|" + name
	it := r.thingOf(records.KindModel, key, g.CreationTime, g.ModelPackageGroupDescription, arn, t.state)
	if r.same(it) {
		return r.attest(it)
	}
	tags, err := r.of(ctx, arn, t)
	if err != nil {
		return err
	}
	m := records.Model{
		Registry: r.registryName(), Name: name, ID: printable(arn, 300), Visibility: "private",
		About: text(g.ModelPackageGroupDescription, 1000), CreatedAt: stamp(g.CreationTime), Tags: tags,
	}
	const describe = "sagemaker:DescribeModelPackageGroup"
	whole := !r.skip[describe] && !r.skip[listTags]
	if !r.skip[describe] {
		out, err := r.api.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: g.ModelPackageGroupName})
		if err == nil {
			m.Owner = who(out.CreatedBy)
		} else if err := r.failed(ctx, []string{records.KindModel}, "model package group "+name, &callError{describe, err}); err != nil {
			return err
		} else {
			whole = false
		}
	}
	if err := r.record(ctx, connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: name}, Key: key, Group: it.group, EventTime: utc(g.CreationTime),
		URL: r.consoleURL("model-packages"),
	}, m); err != nil {
		return err
	}
	return r.keepIf(whole, it)
}

// packages reads the packages of all groups, and those without one. The list
// does not say when a package was last changed: the event history does.
func (r *regionRun) packages(ctx context.Context) error {
	var log *approvalLog
	err := listing(ctx, "sagemaker:ListModelPackages", func() { r.saw(versionKinds()...) }, func(token *string) ([]types.ModelPackageSummary, *string, error) {
		out, err := r.api.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, ModelPackageType: types.ModelPackageTypeBoth,
			SortBy: types.ModelPackageSortByCreationTime, SortOrder: types.SortOrderAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.ModelPackageSummaryList, out.NextToken, nil
	}, func(p types.ModelPackageSummary) (err error) {
		if log == nil { // not before there is a package: most regions have none
			if log, err = r.approvalHistory(ctx); err != nil {
				return err
			}
		}
		return r.modelPackage(ctx, p, log)
	})
	if err != nil {
		return err
	}
	return r.storeMemory()
}

// versionKinds are what packages bear on; a package without versions is a
// model of its own.
func versionKinds() []string {
	return []string{records.KindModel, records.KindModelVersion, records.KindModelApproval, records.KindLineage}
}

// things are what a package gives besides events: a version, and a model if it
// is in no group.
func (r *regionRun) things(p types.ModelPackageSummary) (version, model thing, all []thing) {
	name, number := splitPackage(text(p.ModelPackageArn, 300))
	key := r.registryName() + "|" + name
	version = r.thingOf(records.KindModelVersion, key+"|"+number, p)
	model = r.thingOf(records.KindModel, key, p)
	if r.req.Wants(records.KindModelVersion) {
		all = append(all, version)
	}
	if r.req.Wants(records.KindModel) && number == unversioned {
		all = append(all, model)
	}
	return version, model, all
}

// modelPackage emits a package, its approval and what it was made from, or
// attests that it is as it was: the list says the same, the event history knows
// of no edit, and there is no approval or lineage to tell.
func (r *regionRun) modelPackage(ctx context.Context, p types.ModelPackageSummary, log *approvalLog) error {
	const op = "sagemaker:DescribeModelPackage"
	arn := aws.ToString(p.ModelPackageArn)
	_, version := splitPackage(arn)
	kinds := r.wanted(versionKinds()...)
	if len(kinds) == 0 || version != unversioned && len(kinds) == 1 && kinds[0] == records.KindModel {
		return nil
	}
	_, _, things := r.things(p)
	if log.read && !log.touched[printable(arn, 300)] && r.same(things...) && r.lineageTold(arn) &&
		(!r.req.Wants(records.KindModelApproval) || !r.approvalToTell(log, arn, string(p.ModelApprovalStatus))) {
		r.remember(arn, r.stateOf(log, arn, string(p.ModelApprovalStatus)))
		return r.attest(things...)
	}
	if r.skip[op] {
		return r.forget(things...)
	}
	out, err := r.api.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn})
	if err == nil && (aws.ToString(out.ModelPackageArn) == "" || out.CreationTime == nil) {
		err = errNoAnswer
	}
	if err != nil {
		if err := r.forget(things...); err != nil {
			return err
		}
		return r.failed(ctx, kinds, "model package "+arn, &callError{op, err})
	}
	return r.described(ctx, p, out, log)
}

// described emits what the description of a package says.
func (r *regionRun) described(ctx context.Context, p types.ModelPackageSummary, out *sagemaker.DescribeModelPackageOutput, log *approvalLog) error {
	versionThing, modelThing, things := r.things(p)
	v := r.version(out)
	id := v.Model + "/" + v.Version
	if v.Version == unversioned {
		id = v.Model
		if err := r.unversionedModel(ctx, v, modelThing.group); err != nil {
			return err
		}
	}
	if r.req.Wants(records.KindModelVersion) {
		if err := r.record(ctx, connector.Record{
			Kind: records.KindModelVersion, Subject: connector.Subject{Type: "model", ID: id}, Group: versionThing.group,
			Key: strings.Join([]string{v.Registry, v.Model, v.Version}, "|"), EventTime: utc(out.CreationTime), URL: r.consoleURL("model-packages"),
		}, v); err != nil {
			return err
		}
	}
	if err := r.keep(things...); err != nil {
		return err
	}
	if err := r.approval(ctx, out, v, log); err != nil {
		return err
	}
	return r.lineage(ctx, out, v)
}

// unversionedModel emits a package without a group as a model of its own.
func (r *regionRun) unversionedModel(ctx context.Context, v records.ModelVersion, group string) error {
	if !r.req.Wants(records.KindModel) {
		return nil
	}
	created, _ := time.Parse(time.RFC3339Nano, v.CreatedAt)
	m := records.Model{Registry: v.Registry, Name: v.Model, ID: v.ARNOrURI, Owner: v.CreatedBy, CreatedAt: v.CreatedAt, Visibility: "private", Tags: map[string]string{}}
	return r.record(ctx, connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: v.Model}, Key: v.Registry + "|" + v.Model, Group: group, EventTime: created,
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
