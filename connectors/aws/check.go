package aws

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// probeName is a resource that nobody has: whoever may describe it is told
// that there is none, whoever may not is told so.
const probeName = "exhibit-permission-probe"

// Check says who we are and tries each action in each region, on a name that
// does not exist or for a single row.
func (*Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	cfg.MaxAttempts = min(cfg.MaxAttempts, 2) // somebody waits for the answer, and an action that is not offered here fails each time
	s, err := newSession(ctx, cfg, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	var rep connector.CheckReport
	id, err := s.identity(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		for _, p := range permissions() {
			rep.Permissions = append(rep.Permissions, connector.PermissionState{Permission: p.ID})
		}
		rep.Problem = err.Error()
		rep.Remedy = "check the keys (aws sts get-caller-identity), the trust policy of role_arn, endpoint_url, and the machine's clock"
		return rep, nil
	}
	rep.Identity = id.arn
	states := map[string]*connector.PermissionState{}
	for _, region := range cfg.Regions {
		api, err := s.sagemaker(ctx, region)
		if err != nil {
			return connector.CheckReport{}, err
		}
		more, err := newProber(ctx, s, region, id)
		if err != nil {
			return connector.CheckReport{}, err
		}
		if probeRegion(ctx, api, more, states) {
			rep.Scope = append(rep.Scope, "account "+id.account+", region "+region)
		}
		if ctx.Err() != nil {
			return connector.CheckReport{}, ctx.Err()
		}
	}
	for _, p := range permissions() {
		rep.Permissions = append(rep.Permissions, *states[p.ID])
	}
	if len(rep.Scope) == 0 {
		rep.Problem = "nothing can be read in any of the regions"
		rep.Remedy = permissions()[0].Grant
	}
	return rep, nil
}

// probeRegion tries each action and reports whether any is granted.
func probeRegion(ctx context.Context, api *sagemaker.Client, more *prober, states map[string]*connector.PermissionState) bool {
	region, id := more.region, more.id
	reached := false
	for _, p := range permissions() {
		st := states[p.ID]
		if st == nil {
			st = &connector.PermissionState{Permission: p.ID}
			states[p.ID] = st
		}
		known, err := more.try(ctx, p.ID)
		if !known {
			err = probe(ctx, api, p.ID, region, id)
		}
		switch reason := reasonOf(&callError{p.ID, err}); {
		case err == nil, reason == connector.NotFound, reason == connector.Malformed && !known && isValidation(err):
			reached = true
			if st.Grant == connector.GrantUnknown && st.Detail == "" {
				st.Grant = connector.Granted
			}
		case reason == connector.Denied:
			st.Grant = connector.Missing
			note(st, region, err, p.ID)
		default:
			if st.Grant == connector.Granted {
				st.Grant = connector.GrantUnknown
			}
			note(st, region, err, p.ID)
		}
	}
	return reached
}

func note(st *connector.PermissionState, region string, err error, op string) {
	st.Detail = strings.TrimPrefix(st.Detail+"; "+region+": "+(&callError{op, err}).Error(), "; ")
}

// isValidation: SageMaker looked at the request, so it was allowed to be made.
func isValidation(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "Validation")
}

// probe makes the smallest call of an action.
func probe(ctx context.Context, api *sagemaker.Client, action, region string, id identity) error {
	name, one := aws.String(probeName), aws.Int32(1)
	partition := "aws"
	if parts := strings.Split(id.arn, ":"); len(parts) > 1 {
		partition = parts[1]
	}
	arn := aws.String("arn:" + partition + ":sagemaker:" + region + ":" + id.account + ":endpoint/" + probeName)
	var err error
	switch action {
	case "sagemaker:ListModelPackageGroups":
		_, err = api.ListModelPackageGroups(ctx, &sagemaker.ListModelPackageGroupsInput{MaxResults: one})
	case "sagemaker:DescribeModelPackageGroup":
		_, err = api.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: name})
	case "sagemaker:ListTags":
		_, err = api.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: arn})
	case "sagemaker:ListModelPackages":
		_, err = api.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{MaxResults: one})
	case "sagemaker:DescribeModelPackage":
		_, err = api.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: name})
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
		return errors.New("there is no probe for this action")
	}
	return err
}
