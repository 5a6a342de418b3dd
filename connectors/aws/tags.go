package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// tagsOf lists the tags of a resource.
func (r *regionRun) tagsOf(ctx context.Context, arn string) (map[string]string, error) {
	const op = "sagemaker:ListTags"
	tags := map[string]string{}
	if arn == "" || r.skip[op] {
		return tags, nil
	}
	err := eachPage(ctx, op, func(token *string) (*string, error) {
		out, err := r.api.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: &arn, NextToken: token})
		if err != nil {
			return nil, &callError{op, err}
		}
		if out.Tags == nil {
			return nil, &callError{op, errNoAnswer}
		}
		for _, t := range out.Tags {
			tags[text(t.Key, 128)] = text(t.Value, 256)
		}
		return out.NextToken, nil
	})
	return tags, err
}

// tagNamed returns a tag's value, its name in any case.
func tagNamed(tags map[string]string, name string) string {
	for k, v := range tags {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}
