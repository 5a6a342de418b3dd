package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// logging reads whether the region logs what models are asked and answer, and
// how long what is logged is kept.
func (b *bedrockRun) logging(ctx context.Context) error {
	kinds := []string{records.KindInvocationLogging, records.KindLogRetention}
	return b.part(ctx, piece{controlPlane, "invocation logging", kinds}, func(kinds []string) error {
		c, err := loggingConfig(ctx, b.api)
		if err != nil {
			return err
		}
		b.saw(kinds...)()
		l := loggingOf(c)
		l.Provider, l.Account, l.Region = "aws", b.id.account, b.region
		if l.LogGroup != "" {
			if err := b.logGroup(ctx, &l); err != nil {
				return err
			}
		}
		if err := b.buckets(ctx, c); err != nil {
			return err
		}
		if !b.req.Wants(records.KindInvocationLogging) {
			return nil
		}
		id := "bedrock/" + b.id.account + "/" + b.region
		return b.record(ctx, connector.Record{
			Kind: records.KindInvocationLogging, Subject: connector.Subject{Type: "deployment", ID: id},
			Key: "aws|" + b.id.account + "|" + b.region, URL: b.pageOf("settings"),
		}, l)
	})
}

// loggingConfig asks for the region's setting. AWS answers an object without
// a setting where logging is off; anything but an object is no answer.
func loggingConfig(ctx context.Context, api *bedrock.Client) (*types.LoggingConfig, error) {
	const op = "bedrock:GetModelInvocationLoggingConfiguration"
	out, err := api.GetModelInvocationLoggingConfiguration(ctx, &bedrock.GetModelInvocationLoggingConfigurationInput{},
		func(o *bedrock.Options) { o.APIOptions = append(o.APIOptions, wantObject) })
	if err != nil {
		return nil, &callError{op, err}
	}
	return out.LoggingConfig, nil
}

// wantObject makes a call fail whose answer is no JSON object: the client
// would take an empty body for an answer that says nothing.
func wantObject(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("wantObject",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, md, err := next.HandleDeserialize(ctx, in)
			resp, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok || resp.StatusCode/100 != 2 {
				return out, md, err
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return out, md, err
			}
			var object map[string]json.RawMessage
			if json.Unmarshal(body, &object) != nil || object == nil {
				return out, md, errNoAnswer
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return out, md, nil
		}), middleware.After)
}

// loggingOf gives a setting in our words. Without a destination nothing is
// logged.
func loggingOf(c *types.LoggingConfig) records.InvocationLogging {
	l := records.InvocationLogging{Destinations: []string{}, ContentTypes: []string{}}
	if c == nil {
		return l
	}
	if w := c.CloudWatchConfig; w != nil && aws.ToString(w.LogGroupName) != "" {
		l.LogGroup = text(w.LogGroupName, 512)
		l.Destinations = append(l.Destinations, "logs:"+l.LogGroup)
		if to := placeOf(w.LargeDataDeliveryS3Config); to != "" {
			l.Destinations = append(l.Destinations, to+" (large data)")
		}
	}
	if to := placeOf(c.S3Config); to != "" {
		l.Destinations = append(l.Destinations, to)
	}
	l.Enabled = len(l.Destinations) > 0
	for _, t := range []struct {
		name string
		on   *bool
	}{
		{"audio", c.AudioDataDeliveryEnabled}, {"embedding", c.EmbeddingDataDeliveryEnabled}, {"image", c.ImageDataDeliveryEnabled},
		{"text", c.TextDataDeliveryEnabled}, {"video", c.VideoDataDeliveryEnabled},
	} {
		if aws.ToBool(t.on) && l.Enabled {
			l.ContentTypes = append(l.ContentTypes, t.name)
		}
	}
	return l
}

// placeOf names a bucket and prefix as people write them.
func placeOf(c *types.S3Config) string {
	if c == nil || aws.ToString(c.BucketName) == "" {
		return ""
	}
	return "s3://" + text(c.BucketName, 100) + "/" + text(c.KeyPrefix, 800)
}

// retention emits how long a store keeps what it holds.
func (b *bedrockRun) retention(ctx context.Context, r records.LogRetention, url string) error {
	if !b.req.Wants(records.KindLogRetention) {
		return nil
	}
	r.Provider, r.Account, r.Region = "aws", b.id.account, b.region
	return b.record(ctx, connector.Record{
		Kind: records.KindLogRetention, Subject: connector.Subject{Type: "deployment", ID: r.Store}, Key: r.Store, URL: records.Link(url),
	}, r)
}

// noStore is a destination that is not there: what should be logged goes
// nowhere.
func noStore() error {
	return &smithy.GenericAPIError{Code: "NotFound", Message: "invocations are to be logged there, but it does not exist"}
}
