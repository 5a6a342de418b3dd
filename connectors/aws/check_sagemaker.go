package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
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

// lineageOf tries the actions on lineage and cards.
func (p *prober) lineageOf(ctx context.Context, action string) (bool, error) {
	api := p.sagemaker
	name, one := aws.String(probeName), aws.Int32(1)
	var err error
	switch action {
	case listArtifacts:
		_, err = api.ListArtifacts(ctx, &sagemaker.ListArtifactsInput{MaxResults: one})
	case queryLineage:
		_, err = api.QueryLineage(ctx, &sagemaker.QueryLineageInput{StartArns: []string{aws.ToString(p.arn("sagemaker", "artifact/"+probeName))}, MaxResults: one})
	case describeTrainingJob:
		_, err = api.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: name})
	case listModelCards:
		_, err = api.ListModelCards(ctx, &sagemaker.ListModelCardsInput{MaxResults: one})
	case listModelCardVersions:
		_, err = api.ListModelCardVersions(ctx, &sagemaker.ListModelCardVersionsInput{ModelCardName: name, MaxResults: one})
	case describeModelCard:
		_, err = api.DescribeModelCard(ctx, &sagemaker.DescribeModelCardInput{ModelCardName: name})
	default:
		return false, nil
	}
	return true, err
}

// monitorsOf tries the actions on monitors.
func (p *prober) monitorsOf(ctx context.Context, action string) (bool, error) {
	api := p.sagemaker
	name, one := aws.String(probeName), aws.Int32(1)
	var err error
	switch action {
	case listSchedules:
		_, err = api.ListMonitoringSchedules(ctx, &sagemaker.ListMonitoringSchedulesInput{MaxResults: one})
	case describeSchedule:
		_, err = api.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: name})
	case listExecutions:
		_, err = api.ListMonitoringExecutions(ctx, &sagemaker.ListMonitoringExecutionsInput{MaxResults: one})
	case describeProcessingJob:
		_, err = api.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: name})
	default:
		return false, nil
	}
	return true, err
}

// resourcesOf tries the actions that list resources.
func (p *prober) resourcesOf(ctx context.Context, action string) (bool, error) {
	api, one := p.sagemaker, aws.Int32(1)
	var err error
	switch action {
	case listDomains:
		_, err = api.ListDomains(ctx, &sagemaker.ListDomainsInput{MaxResults: one})
	case listNotebooks:
		_, err = api.ListNotebookInstances(ctx, &sagemaker.ListNotebookInstancesInput{MaxResults: one})
	case listModels:
		_, err = api.ListModels(ctx, &sagemaker.ListModelsInput{MaxResults: one})
	case listFeatureGroups:
		_, err = api.ListFeatureGroups(ctx, &sagemaker.ListFeatureGroupsInput{MaxResults: one})
	case listPipelines:
		_, err = api.ListPipelines(ctx, &sagemaker.ListPipelinesInput{MaxResults: one})
	default:
		return false, nil
	}
	return true, err
}

// trailsOf tries the actions on CloudTrail and on tags. CloudTrail says of a
// trail that nobody has that there is none, after it looked at access.
func (p *prober) trailsOf(ctx context.Context, action string) (bool, error) {
	api, err := p.s.cloudTrail(ctx, p.region)
	if err != nil {
		return true, err
	}
	trail := p.arn("cloudtrail", "trail/"+probeName)
	switch action {
	case lookupEvents:
		_, err = api.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1)})
	case describeTrails:
		_, err = api.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	case getTrailStatus:
		_, err = api.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: trail})
	case getEventSelectors:
		_, err = api.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: trail})
	case getResources:
		r := &regionRun{accountRun: &accountRun{session: p.s}, region: p.region, hints: &tagHints{}}
		err = r.readHints(ctx)
	default:
		return false, nil
	}
	return true, err
}
