//go:build peers && unix

package aws

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
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

func TestAgainstMoto(t *testing.T) {
	url := peertest.Moto(t)
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

	settings := ok(json.Marshal(obj{"regions": []string{"eu-west-1"}, "endpoint_url": url, "requests_per_second": 100, "lookups_per_second": 100, "max_attempts": 1}))(t)
	cfg := connector.Config{Settings: settings, Secrets: map[string]string{"access_key_id": "AKIATEST", "secret_access_key": fakeSecret}}
	rep, err := New().Check(ctx, cfg)
	if err != nil || rep.Problem != "" || !strings.Contains(rep.Identity, "123456789012") {
		t.Errorf("check: %+v, %v", rep, err)
	}
	for _, p := range rep.Permissions {
		t.Logf("%s %s %s", p.Permission, p.Grant, p.Detail)
	}
	rec, cov, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rec.gaps {
		t.Logf("gap %+v", g)
	}
	for _, r := range rec.records {
		t.Logf("%s %s %s", r.Kind, r.Key, r.Payload)
	}
	_ = cov
}
