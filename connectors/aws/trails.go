package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	describeTrails    = "cloudtrail:DescribeTrails"
	getTrailStatus    = "cloudtrail:GetTrailStatus"
	getEventSelectors = "cloudtrail:GetEventSelectors"
)

// States of a region's audit trail.
const (
	trailLogging = "logging"
	trailStopped = "not_logging"
	trailNone    = "no_trail"
	trailUnknown = "unknown"
)

// trails tells whether the region's API calls are kept for longer than the
// event history keeps them, and which calls of models and endpoints are.
func (r *regionRun) trails(ctx context.Context) error {
	out, err := r.trail.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err == nil && out.TrailList == nil {
		err = errNoAnswer
	}
	if err != nil {
		return &callError{describeTrails, err}
	}
	r.sawResources()
	var names, stores, data, stopped []string
	status, validated, everywhere := trailNone, false, false
	for _, t := range out.TrailList {
		on, err := r.isLogging(ctx, t)
		if err != nil {
			return err
		}
		switch {
		case on == nil:
			if status != trailLogging {
				status = trailUnknown
			}
			continue
		case !*on:
			stopped = append(stopped, text(t.Name, 128))
			if status == trailNone {
				status = trailStopped
			}
			continue
		}
		status = trailLogging
		names = append(names, text(t.Name, 128))
		stores = append(stores, "s3://"+text(t.S3BucketName, 100)+"/"+text(t.S3KeyPrefix, 200))
		validated = validated || aws.ToBool(t.LogFileValidationEnabled)
		everywhere = everywhere || aws.ToBool(t.IsMultiRegionTrail)
		events, err := r.dataEvents(ctx, t)
		if err != nil {
			return err
		}
		data = append(data, events...)
	}
	return r.record(ctx, connector.Record{
		Kind: records.KindAIResource, Subject: connector.Subject{Type: "organization", ID: r.id.account}, Key: "cloudtrail/" + r.id.account + "/" + r.region,
		URL: "https://" + r.region + ".console.aws.amazon.com/cloudtrailv2/home?region=" + r.region + "#/trails",
	}, records.AIResource{
		Provider: "aws", Account: r.id.account, Region: r.region, Service: "cloudtrail", ResourceType: "audit-trail", Name: "audit trail of " + r.region,
		ResourceID: "cloudtrail/" + r.id.account + "/" + r.region, Tags: map[string]string{}, Status: status,
		Attributes: attributes("trails", joined(names), "stopped_trails", joined(stopped), "destinations", joined(stores), "data_events", joined(data),
			"log_file_validation", onlyIf(validated), "multi_region", onlyIf(everywhere)),
	})
}

// isLogging reports whether a trail is switched on; nil if that could not be
// read, which has been reported.
func (r *regionRun) isLogging(ctx context.Context, t types.Trail) (*bool, error) {
	if r.skip[getTrailStatus] {
		return nil, nil
	}
	out, err := r.trail.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN})
	if err == nil && out.IsLogging == nil {
		err = errNoAnswer
	}
	if err != nil {
		return nil, r.failed(ctx, []string{records.KindAIResource}, "trail "+text(t.Name, 128), &callError{getTrailStatus, err})
	}
	return out.IsLogging, nil
}

// dataEvents are the kinds of AI resources whose use a trail keeps: calls of
// endpoints, agents and guardrails are data events, and none is kept unless it
// is named. A trail of the organisation tells its selectors to its owner only.
func (r *regionRun) dataEvents(ctx context.Context, t types.Trail) ([]string, error) {
	if r.skip[getEventSelectors] || partOf(aws.ToString(t.TrailARN), 4) != r.id.account {
		return nil, nil
	}
	out, err := r.trail.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN})
	if err != nil {
		return nil, r.failed(ctx, []string{records.KindAIResource}, "event selectors of trail "+text(t.Name, 128), &callError{getEventSelectors, err})
	}
	var kinds []string
	for _, s := range out.AdvancedEventSelectors {
		for _, f := range s.FieldSelectors {
			if aws.ToString(f.Field) == "resources.type" {
				kinds = append(kinds, ofAI(f.Equals)...)
			}
		}
	}
	for _, s := range out.EventSelectors {
		for _, d := range s.DataResources {
			kinds = append(kinds, ofAI([]string{aws.ToString(d.Type)})...)
		}
	}
	return kinds, nil
}

// ofAI picks the types of resources that belong to AI.
func ofAI(types []string) []string {
	var out []string
	for _, t := range types {
		if strings.HasPrefix(t, "AWS::SageMaker::") || strings.HasPrefix(t, "AWS::Bedrock") {
			out = append(out, printable(t, 100))
		}
	}
	return out
}

// partOf returns a part of an ARN by its place: 4 is the account.
func partOf(arn string, n int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[n]
}
