package aws

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// logGroup reads the log group that invocations go to, and adds what it says
// to l.
func (b *bedrockRun) logGroup(ctx context.Context, l *records.InvocationLogging) error {
	const op = "logs:DescribeLogGroups"
	kinds := []string{records.KindInvocationLogging, records.KindLogRetention}
	return b.part(ctx, piece{"CloudWatch Logs", "log group " + l.LogGroup, kinds}, func([]string) error {
		api, err := b.session.cloudWatchLogs(ctx, b.region)
		if err != nil {
			return err
		}
		var found *logtypes.LogGroup
		err = listing(ctx, op, func() {}, func(token *string) ([]logtypes.LogGroup, *string, error) {
			out, err := api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &l.LogGroup, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.LogGroups, out.NextToken, nil
		}, func(g logtypes.LogGroup) error {
			if aws.ToString(g.LogGroupName) == l.LogGroup {
				found = &g
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case found == nil:
			return &callError{op, noStore()}
		}
		l.KMSKey = text(found.KmsKeyId, 300)
		if found.RetentionInDays != nil {
			l.RetentionDays = aws.Int64(int64(*found.RetentionInDays))
		}
		locked := aws.ToBool(found.DeletionProtectionEnabled)
		r := records.LogRetention{Store: groupARN(found), RetentionDays: l.RetentionDays, Immutability: &records.LogImmutability{Lock: locked}}
		if locked {
			r.Immutability.Mode = "deletion_protection"
		}
		return b.retention(ctx, r, "https://"+b.region+".console.aws.amazon.com/cloudwatch/home?region="+b.region+"#logsV2:log-groups")
	})
}

func groupARN(g *logtypes.LogGroup) string {
	arn := aws.ToString(g.LogGroupArn)
	if arn == "" {
		arn = strings.TrimSuffix(aws.ToString(g.Arn), ":*")
	}
	if arn == "" {
		arn = "log-group/" + aws.ToString(g.LogGroupName)
	}
	return printable(arn, 700)
}

// buckets reads the buckets that invocations go to.
func (b *bedrockRun) buckets(ctx context.Context, c *types.LoggingConfig) error {
	if c == nil {
		return nil
	}
	places := []*types.S3Config{c.S3Config}
	if c.CloudWatchConfig != nil {
		places = append(places, c.CloudWatchConfig.LargeDataDeliveryS3Config)
	}
	var seen []string
	for _, p := range places {
		if to := placeOf(p); to == "" || slices.Contains(seen, to) {
			continue
		}
		seen = append(seen, placeOf(p))
		err := b.part(ctx, piece{"Amazon S3", "bucket " + text(p.BucketName, 100), []string{records.KindLogRetention}}, func([]string) error {
			return b.bucket(ctx, p)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket reads how long a bucket keeps what lies under a prefix, and whether
// it can be removed before.
func (b *bedrockRun) bucket(ctx context.Context, p *types.S3Config) error {
	const expiry, lock = "s3:GetLifecycleConfiguration", "s3:GetBucketObjectLockConfiguration"
	api, err := b.session.buckets(ctx, b.region)
	if err != nil {
		return err
	}
	r := records.LogRetention{Store: placeOf(p), Immutability: &records.LogImmutability{}}
	var rules lifecycle
	switch err := api.ask(ctx, aws.ToString(p.BucketName), "lifecycle", &rules); {
	case isCode(err, "NoSuchLifecycleConfiguration"): // nothing is removed by itself
	case isCode(err, "NoSuchBucket"):
		return &callError{expiry, noStore()}
	case err != nil:
		return &callError{expiry, err}
	default:
		r.RetentionDays = rules.expiry(aws.ToString(p.KeyPrefix), b.now)
	}
	var locked objectLock
	switch err := api.ask(ctx, aws.ToString(p.BucketName), "object-lock", &locked); {
	case isCode(err, "ObjectLockConfigurationNotFoundError"):
	case err != nil:
		return &callError{lock, err}
	default:
		*r.Immutability = lockOf(locked)
	}
	return b.retention(ctx, r, "https://s3.console.aws.amazon.com/s3/buckets/"+text(p.BucketName, 100))
}

// lockOf: without a default an object is locked only if its writer says so,
// and Bedrock does not.
func lockOf(l objectLock) records.LogImmutability {
	switch {
	case l.Enabled != "Enabled":
		return records.LogImmutability{}
	case l.Default == nil:
		return records.LogImmutability{Mode: "enabled without a default"}
	}
	return records.LogImmutability{Lock: true, Mode: strings.ToLower(printable(l.Default.Mode, 40))}
}

// isCode reports whether AWS answered with an error of that code.
func isCode(err error, code string) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == code
}
