//go:build peers

package real

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// account seeds SageMaker through Amazon's own client.
type account struct {
	t   *testing.T
	api *sagemaker.Client
}

func (a account) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("moto_server: %v", err)
	}
}

func (a account) group(name string) {
	a.t.Helper()
	_, err := a.api.CreateModelPackageGroup(a.t.Context(), &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: &name})
	a.must(err)
}

// version registers the next version of a group and decides about it.
func (a account) version(group string, status types.ModelApprovalStatus, why string) string {
	a.t.Helper()
	out, err := a.api.CreateModelPackage(a.t.Context(), &sagemaker.CreateModelPackageInput{
		ModelPackageGroupName: &group, ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval,
		InferenceSpecification: &types.InferenceSpecification{
			Containers: []types.ModelPackageContainerDefinition{{
				Image: aws.String("111122223333.dkr.ecr.eu-central-1.amazonaws.com/" + group + ":1"), ModelDataUrl: aws.String("s3://models/" + group + ".tar.gz"),
			}},
			SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"},
		},
	})
	a.must(err)
	if status == types.ModelApprovalStatusPendingManualApproval {
		return *out.ModelPackageArn
	}
	_, err = a.api.UpdateModelPackage(a.t.Context(), &sagemaker.UpdateModelPackageInput{
		ModelPackageArn: out.ModelPackageArn, ModelApprovalStatus: status, ApprovalDescription: &why,
	})
	a.must(err)
	return *out.ModelPackageArn
}

// endpoint serves a package, or bare files if there is none.
func (a account) endpoint(name, environment, pkg string) {
	a.t.Helper()
	ctx, c := a.t.Context(), types.ContainerDefinition{}
	if pkg != "" {
		c.ModelPackageName = &pkg
	} else {
		c.Image, c.ModelDataUrl = aws.String("111122223333.dkr.ecr.eu-central-1.amazonaws.com/"+name+":1"), aws.String("s3://scratch/"+name+".tar.gz")
	}
	_, err := a.api.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: &name, PrimaryContainer: &c,
		ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/serve")})
	a.must(err)
	_, err = a.api.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{{
		VariantName: aws.String("all"), ModelName: &name, InitialInstanceCount: aws.Int32(1), InitialVariantWeight: aws.Float32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Large,
	}}})
	a.must(err)
	_, err = a.api.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name,
		Tags: []types.Tag{{Key: aws.String("environment"), Value: &environment}}})
	a.must(err)
}

// seedAWS makes two models with five versions and five endpoints.
func seedAWS(t *testing.T, base string) {
	t.Helper()
	a := account{t, sagemaker.New(sagemaker.Options{Region: "eu-central-1", BaseEndpoint: &base,
		Credentials: credentials.NewStaticCredentialsProvider("AKIASEED", "seed", "")})}
	a.group("credit-scoring")
	a.group("support-intent")
	a.version("credit-scoring", types.ModelApprovalStatusRejected, "unfair to one branch")
	approved := a.version("credit-scoring", types.ModelApprovalStatusApproved, "evaluated in run 7")
	pending := a.version("credit-scoring", types.ModelApprovalStatusPendingManualApproval, "")
	rejected := a.version("support-intent", types.ModelApprovalStatusRejected, "leaks names")
	a.version("support-intent", types.ModelApprovalStatusApproved, "names removed")
	a.endpoint("credit-scoring-prod", "production", approved)
	a.endpoint("support-assistant-prod", "production", rejected)
	a.endpoint("fraud-monitor-prod", "production", "")
	a.endpoint("credit-scoring-staging", "staging", pending)
	a.endpoint("leftover-prod", "production", pending) // no registered system names it
}
