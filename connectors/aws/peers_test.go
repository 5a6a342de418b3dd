//go:build peers && unix

package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func ok[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// sagemakerAt fills a server that imitates AWS: groups, packages with their
// approvals, what serves, a card, a notebook, a training job and a trail.
func sagemakerAt(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	api := sagemaker.New(sagemaker.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", fakeSecret, "")})
	for i := range 101 { // more than a page
		name := fmt.Sprintf("empty-%03d", i)
		ok(api.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: &name}))(t)
	}
	triage := sdk.String("triage")
	ok(api.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: triage, Tags: []types.Tag{{Key: sdk.String("system"), Value: sdk.String("bot")}}}))(t)
	image := &types.InferenceSpecification{
		Containers:            []types.ModelPackageContainerDefinition{{Image: sdk.String("img"), ModelDataUrl: sdk.String("s3://b/m")}},
		SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"},
	}
	ok(api.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: triage, InferenceSpecification: image, ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval}))(t)
	second := ok(api.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: triage, InferenceSpecification: image, ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval}))(t)
	ok(api.UpdateModelPackage(ctx, &sagemaker.UpdateModelPackageInput{ModelPackageArn: second.ModelPackageArn, ModelApprovalStatus: types.ModelApprovalStatusApproved, ApprovalDescription: sdk.String("evaluated")}))(t)
	ok(api.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: sdk.String("m2"), ExecutionRoleArn: sdk.String("arn:aws:iam::123456789012:role/x"), PrimaryContainer: &types.ContainerDefinition{ModelPackageName: second.ModelPackageArn}}))(t)
	ok(api.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: sdk.String("live-1"), ProductionVariants: []types.ProductionVariant{
		{VariantName: sdk.String("a"), ModelName: sdk.String("m2"), InitialInstanceCount: sdk.Int32(1), InitialVariantWeight: sdk.Float32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Large}}}))(t)
	ok(api.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: sdk.String("live"), EndpointConfigName: sdk.String("live-1"), Tags: []types.Tag{{Key: sdk.String("Environment"), Value: sdk.String("production")}}}))(t)

	ok(api.CreateModelCard(ctx, &sagemaker.CreateModelCardInput{ModelCardName: sdk.String("triage-card"), ModelCardStatus: types.ModelCardStatusDraft,
		Content: sdk.String(`{"model_overview":{"model_name":"triage","model_version":2},"intended_uses":{"risk_rating":"High"}}`)}))(t)
	ok(api.CreateNotebookInstance(ctx, &sagemaker.CreateNotebookInstanceInput{NotebookInstanceName: sdk.String("lab"), InstanceType: types.InstanceTypeMlT2Medium,
		RoleArn: sdk.String("arn:aws:iam::123456789012:role/x"), Tags: []types.Tag{{Key: sdk.String("Owner"), Value: sdk.String("mina")}}}))(t)
	trails := cloudtrail.New(cloudtrail.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", fakeSecret, "")})
	put(t, url+"/trail-logs", "", nil)
	ok(trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: sdk.String("main"), S3BucketName: sdk.String("trail-logs"), IsMultiRegionTrail: sdk.Bool(true)}))(t)
	ok(trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: sdk.String("main")}))(t)

	job := ok(api.CreateTrainingJob(ctx, &sagemaker.CreateTrainingJobInput{TrainingJobName: sdk.String("train-7"), RoleArn: sdk.String("arn:aws:iam::123456789012:role/x"),
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingInputMode: types.TrainingInputModeFile, TrainingImage: sdk.String("xgb@sha256:9f")},
		InputDataConfig:        []types.Channel{{ChannelName: sdk.String("train"), DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: sdk.String("s3://data/train")}}}},
		OutputDataConfig:       &types.OutputDataConfig{S3OutputPath: sdk.String("s3://data/out")}, HyperParameters: map[string]string{"eta": "0.1"},
		ResourceConfig: &types.ResourceConfig{InstanceCount: sdk.Int32(1), InstanceType: types.TrainingInstanceTypeMlM5Large, VolumeSizeInGB: sdk.Int32(1)}, StoppingCondition: &types.StoppingCondition{}}))(t)
	ok(api.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: triage, InferenceSpecification: image, ModelApprovalStatus: types.ModelApprovalStatusRejected,
		MetadataProperties: &types.MetadataProperties{GeneratedBy: job.TrainingJobArn, CommitId: sdk.String("abc123")}}))(t)
}

// motoConfig reads one region of a server that imitates AWS.
func motoConfig(t *testing.T, url string, more obj) connector.Config {
	settings := obj{"regions": []string{"eu-west-1"}, "endpoint_url": url, "requests_per_second": 1000, "lookups_per_second": 1000, "max_attempts": 1}
	maps.Copy(settings, more)
	return configOf(ok(json.Marshal(settings))(t))
}

// What the server has of SageMaker and CloudTrail is read; what it lacks, it
// answers with status 500 and a page, and that is a gap.
func TestAgainstMoto(t *testing.T) {
	url := peertest.Moto(t)
	sagemakerAt(t, url)
	cfg := motoConfig(t, url, obj{"services": []string{"sagemaker", "cloudtrail"}})
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Problem != "" || !strings.Contains(rep.Identity, "123456789012") {
		t.Errorf("check: %+v, %v", rep, err)
	}
	rec, cov, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range rec.gaps {
		for _, kind := range g.Kinds {
			got = append(got, strings.TrimPrefix(g.Scope, "account 123456789012, region eu-west-1, ")+": "+kind+" "+string(g.Reason))
		}
	}
	const pkg = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/triage/"
	want := []string{
		"event history of model packages; approvals carry the time of a package's last change instead: model_registry.approval unavailable",
		"lineage of " + pkg + "1: model_registry.lineage unavailable", // its package names no job, and lineage cannot be asked
		"lineage of " + pkg + "2: model_registry.lineage unavailable",
		"monitors: cloud.model_monitor unavailable",
		"feature groups: cloud.ai_resource_inventory unavailable",
		"monitoring schedules as resources: cloud.ai_resource_inventory unavailable",
		"event history of sagemaker.amazonaws.com: cloud.audit_event unavailable",
		"event history of bedrock.amazonaws.com: cloud.audit_event unavailable",
		"event history of bedrock-agent.amazonaws.com: cloud.audit_event unavailable",
		"event history of bedrock-agentcore.amazonaws.com: cloud.audit_event unavailable",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	complete := []string{records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindModelCard}
	for kind, c := range cov {
		if c.Enumerated != slices.Contains(complete, kind) || c.Enumerated != (c.Status == connector.Complete) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	motoRecords(t, rec)
	connectortest.Peer(t, peertest.MotoName+", SageMaker and CloudTrail", rec.kinds())

	// What the lists show to be unchanged is attested. Without an event history
	// nobody knows of edits of packages, so those are described again.
	rec2, _ := again(t, cfg, rec)
	for _, kind := range []string{records.KindModel, records.KindDeployment, records.KindModelCard} {
		if n := len(rec2.byKind(kind)); n != 0 {
			t.Errorf("%d records of %s though nothing changed", n, kind)
		}
	}
	if n := len(rec2.byKind(records.KindModelVersion)); n != 3 || len(rec2.unchanged) != 102+1+1+3 { // groups, endpoint, card, resources
		t.Errorf("%d versions, %d attested", n, len(rec2.unchanged))
	}
}

// motoRecords holds what was read against what was put there.
func motoRecords(t *testing.T, rec *recorder) {
	t.Helper()
	const arn, reg = "arn:aws:sagemaker:eu-west-1:123456789012:", "sagemaker/123456789012/eu-west-1|"
	if n := len(rec.byKind(records.KindModel)); n != 102 {
		t.Errorf("%d groups", n)
	}
	p := payloadOf(t, rec, records.KindModel, reg+"triage")
	if d := cmp.Diff(map[string]any{"system": "bot"}, p["tags"]); d != "" {
		t.Error(d)
	}
	var states []any
	for _, r := range rec.byKind(records.KindModelApproval) {
		p := payload(t, r)
		states = append(states, p["version"], p["approval_status"], p["basis"])
	}
	if d := cmp.Diff([]any{"1", "PendingManualApproval", "last_change", "2", "Approved", "last_change", "3", "Rejected", "last_change"}, states); d != "" {
		t.Error(d)
	}
	p = payloadOf(t, rec, records.KindDeployment, reg+"live")
	if d := cmp.Diff([]any{map[string]any{"name": "a", "model_ref": "m2", "model_package_arn": arn + "model-package/triage/2", "model": "triage", "version": "2", "weight": 1.0,
		"instance_count": 1.0, "shadow": false, "resolved": true}}, p["variants"]); d != "" || p["environment"] != "production" {
		t.Error(d, p["environment"])
	}
	p = payloadOf(t, rec, records.KindLineage, arn+"model-package/triage/3")
	if d := cmp.Diff([]any{"train-7", "abc123", "sha256:9f", []any{"train s3://data/train"}}, []any{p["training_run"], p["code_commit"], p["environment_digest"], p["dataset_versions"]}); d != "" {
		t.Error(d)
	}
	p = payloadOf(t, rec, records.KindModelCard, "triage-card|1")
	if p["status"] != "Draft" || p["model"] != "triage" || p["model_version"] != "2" || p["approved_by"] != nil {
		t.Errorf("%v", p)
	}
	if p = payloadOf(t, rec, records.KindAIResource, "notebook-instance/lab"); p["owner_tag"] != "mina" {
		t.Errorf("%v", p)
	}
	p = payloadOf(t, rec, records.KindAIResource, "cloudtrail/123456789012/eu-west-1")
	if d := cmp.Diff(map[string]any{"destinations": "s3://trail-logs/", "multi_region": "true", "trails": "main"}, p["attributes"]); d != "" || p["status"] != "logging" {
		t.Error(d, p["status"])
	}
}

// An organisation is listed, its accounts are entered by a role, and all of
// their regions are read.
func TestOrganizationAgainstMoto(t *testing.T) {
	url, ctx := peertest.Moto(t), t.Context()
	creds := credentials.NewStaticCredentialsProvider("AKIATEST", fakeSecret, "")
	org := organizations.New(organizations.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: creds})
	ok(org.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: orgtypes.OrganizationFeatureSetAll}))(t)
	var members []string
	for _, name := range []string{"claims", "sandbox"} {
		made := ok(org.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: &name, Email: sdk.String(name + "@example.org")}))(t)
		members = append(members, *made.CreateAccountStatus.AccountId)
	}
	role := "arn:aws:iam::" + members[0] + ":role/exhibit/reader"
	in := ok(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: creds}).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: sdk.String("fill")}))(t)
	for region, keys := range map[string]sdk.CredentialsProvider{"us-east-1": creds,
		"ap-south-1": credentials.NewStaticCredentialsProvider(*in.Credentials.AccessKeyId, *in.Credentials.SecretAccessKey, *in.Credentials.SessionToken)} {
		api := sagemaker.New(sagemaker.Options{Region: region, BaseEndpoint: &url, Credentials: keys})
		ok(api.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: sdk.String("triage")}))(t)
	}
	cfg := motoConfig(t, url, obj{"regions": []string{"all"}, "services": []string{"sagemaker"},
		"organization": obj{"role_name": "exhibit/reader", "exclude": members[1:]}})
	rec, cov := runWith(t, cfg, nil, records.KindModel)
	var got []string
	for _, r := range rec.records {
		got = append(got, r.Key)
	}
	want := []string{"sagemaker/123456789012/us-east-1|triage", "sagemaker/" + members[0] + "/ap-south-1|triage"}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" || len(rec.gaps) != 0 || !cov[records.KindModel].Enumerated {
		t.Error(d, rec.gaps, cov)
	}
	if scope := cov[records.KindModel].Query; !strings.Contains(scope, "left out by the settings: account "+members[1]) || !strings.Contains(scope, members[0]) {
		t.Error(scope)
	}
	connectortest.Peer(t, peertest.MotoName+", an organisation", rec.kinds())
}

// kinds are the kinds of the records, sorted.
func (r *recorder) kinds() []string {
	set := map[string]bool{}
	for _, rec := range r.records {
		set[rec.Kind] = true
	}
	return slices.Sorted(maps.Keys(set))
}
