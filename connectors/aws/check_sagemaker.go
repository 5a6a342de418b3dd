package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// registryOf tries the actions on the model registry.
func (p *prober) registryOf(ctx context.Context, action string) (bool, error) {
	api := p.sagemaker
	name, one := aws.String(probeName), aws.Int32(1)
	var err error
	switch action {
	case "sagemaker:ListModelPackageGroups":
		_, err = api.ListModelPackageGroups(ctx, &sagemaker.ListModelPackageGroupsInput{MaxResults: one})
	case "sagemaker:DescribeModelPackageGroup":
		_, err = api.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: name})
	case "sagemaker:ListTags":
		_, err = api.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: p.arn("sagemaker", "endpoint/"+probeName)})
	case "sagemaker:ListModelPackages":
		_, err = api.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{MaxResults: one})
	case "sagemaker:DescribeModelPackage":
		_, err = api.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: name})
	default:
		return false, nil
	}
	return true, err
}

// endpointsOf tries the actions on what is served.
func (p *prober) endpointsOf(ctx context.Context, action string) (bool, error) {
	api := p.sagemaker
	name, one := aws.String(probeName), aws.Int32(1)
	var err error
	switch action {
	case "sagemaker:ListEndpoints":
		_, err = api.ListEndpoints(ctx, &sagemaker.ListEndpointsInput{MaxResults: one})
	case "sagemaker:DescribeEndpoint":
		_, err = api.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: name})
	case "sagemaker:DescribeEndpointConfig":
		_, err = api.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: name})
	case "sagemaker:DescribeModel":
		_, err = api.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: name})
	case "sagemaker:ListInferenceComponents":
		_, err = api.ListInferenceComponents(ctx, &sagemaker.ListInferenceComponentsInput{MaxResults: one})
	case "sagemaker:DescribeInferenceComponent":
		_, err = api.DescribeInferenceComponent(ctx, &sagemaker.DescribeInferenceComponentInput{InferenceComponentName: name})
	default:
		return false, nil
	}
	return true, err
}
