package sandbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

func awsConfig(org *sandbox.Org, key, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(org.AWSURL),
		Credentials: credentials.NewStaticCredentialsProvider(key, org.AWSSecretAccessKey, ""),
	}
}

// packageStates reads every package of a group, two a page.
func packageStates(ctx context.Context, t *testing.T, c *sagemaker.Client, group string) map[int32]types.ModelApprovalStatus {
	t.Helper()
	out := map[int32]types.ModelApprovalStatus{}
	pages := sagemaker.NewListModelPackagesPaginator(c, &sagemaker.ListModelPackagesInput{
		ModelPackageGroupName: aws.String(group), MaxResults: aws.Int32(2),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.ModelPackageSummaryList {
			if _, twice := out[*p.ModelPackageVersion]; twice {
				t.Errorf("%s/%d came twice", group, *p.ModelPackageVersion)
			}
			out[*p.ModelPackageVersion] = p.ModelApprovalStatus
		}
	}
	return out
}

func TestSageMakerPackages(t *testing.T) {
	ctx, org := start(t)
	c := sagemaker.NewFromConfig(awsConfig(org, org.AWSAccessKeyID, org.AWSRegion))
	var groups []string
	pages := sagemaker.NewListModelPackageGroupsPaginator(c, &sagemaker.ListModelPackageGroupsInput{MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.ModelPackageGroupSummaryList {
			groups = append(groups, *g.ModelPackageGroupName)
		}
	}
	if diff := cmp.Diff([]string{"pricing-experiments", "fraud-score-gbm", "claims-triage-docs", "claims-triage-severity"}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	want := map[int32]types.ModelApprovalStatus{
		9: types.ModelApprovalStatusApproved, 10: types.ModelApprovalStatusApproved, 11: types.ModelApprovalStatusRejected,
		12: types.ModelApprovalStatusRejected, 13: types.ModelApprovalStatusPendingManualApproval,
	}
	if diff := cmp.Diff(want, packageStates(ctx, t, c, "fraud-score-gbm")); diff != "" {
		t.Errorf("fraud-score-gbm (-want +got):\n%s", diff)
	}
	p, err := c.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{
		ModelPackageName: aws.String("arn:aws:sagemaker:" + org.AWSRegion + ":" + org.AWSAccount + ":model-package/claims-triage-severity/7"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.ModelApprovalStatus != types.ModelApprovalStatusApproved || p.LastModifiedTime == nil ||
		!p.LastModifiedTime.Before(testNow()) || aws.ToString(p.LastModifiedBy.IamIdentity.SourceIdentity) != "nhakimi" ||
		aws.ToString(p.MetadataProperties.CommitId) == "" {
		t.Errorf("package 7: %+v", p)
	}
}

// TestSageMakerEndpoints follows each endpoint to the packages that serve.
func TestSageMakerEndpoints(t *testing.T) {
	ctx, org := start(t)
	c := sagemaker.NewFromConfig(awsConfig(org, org.AWSAccessKeyID, org.AWSRegion))
	list, err := c.ListEndpoints(ctx, &sagemaker.ListEndpointsInput{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]float32{}
	for _, e := range list.Endpoints {
		d, err := c.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: e.EndpointName})
		if err != nil {
			t.Fatal(err) // the SDK retries the throttled first call
		}
		weights := map[string]float32{}
		for _, v := range d.ProductionVariants {
			weights[*v.VariantName] = *v.CurrentWeight
		}
		config, err := c.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: d.EndpointConfigName})
		if err != nil {
			t.Fatal(err)
		}
		serves := map[string]float32{}
		for _, v := range config.ProductionVariants {
			m, err := c.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: v.ModelName})
			if err != nil {
				t.Fatal(err)
			}
			state := "unregistered"
			if arn := m.PrimaryContainer.ModelPackageName; arn != nil {
				p, err := c.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: arn})
				if err != nil {
					t.Fatal(err)
				}
				state = string(p.ModelApprovalStatus)
			}
			serves[state] += weights[*v.VariantName]
		}
		got[*e.EndpointName] = serves
	}
	want := map[string]map[string]float32{
		"claims-triage-prod": {"Approved": 1},
		"claims-docs-prod":   {"Approved": 1, "Rejected": 0},
		"fraud-score-prod":   {"Rejected": 1},
		"notes-summariser":   {"unregistered": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what serves (-want +got):\n%s", diff)
	}
}

func TestSageMakerRefusals(t *testing.T) {
	ctx, org := start(t)
	good := awsConfig(org, org.AWSAccessKeyID, org.AWSRegion)
	list := func(c aws.Config, in *sagemaker.ListModelPackagesInput) error {
		_, err := sagemaker.NewFromConfig(c).ListModelPackages(ctx, in)
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		code string
	}{
		{"wrong key", list(awsConfig(org, "AKIAWRONG", org.AWSRegion), nil), "UnrecognizedClientException"},
		{"another region", list(awsConfig(org, org.AWSAccessKeyID, "us-east-1"), nil), "AccessDeniedException"},
		{"no such group", list(good, &sagemaker.ListModelPackagesInput{ModelPackageGroupName: aws.String("nobody")}), "ValidationException"},
		{"bad token", list(good, &sagemaker.ListModelPackagesInput{NextToken: aws.String("x")}), "ValidationException"},
	} {
		var e smithy.APIError
		if !errors.As(c.err, &e) || e.ErrorCode() != c.code {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.code)
		}
	}
	_, err := sagemaker.NewFromConfig(good).ListHubs(ctx, nil)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "UnknownOperationException" {
		t.Errorf("an operation that is not offered: %v", err)
	}
}

func TestSTSIdentity(t *testing.T) {
	ctx, org := start(t)
	who, err := sts.NewFromConfig(awsConfig(org, org.AWSAccessKeyID, org.AWSRegion)).GetCallerIdentity(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Account != org.AWSAccount || *who.Arn != "arn:aws:sts::"+org.AWSAccount+":assumed-role/exhibit-reader/exhibit" {
		t.Errorf("identity %s %s", *who.Account, *who.Arn)
	}
	_, err = sts.NewFromConfig(awsConfig(org, "AKIAWRONG", org.AWSRegion)).GetCallerIdentity(ctx, nil)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "InvalidClientTokenId" {
		t.Errorf("wrong key: %v", err)
	}
}
