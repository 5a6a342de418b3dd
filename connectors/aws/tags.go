package aws

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	listTags     = "sagemaker:ListTags"
	getResources = "tag:GetResources"
)

// tagKinds are the kinds of which SageMaker's tags are a part.
func tagKinds() []string {
	return []string{records.KindModel, records.KindDeployment, records.KindAIResource}
}

// tagsOf lists the tags of a resource.
func (r *regionRun) tagsOf(ctx context.Context, arn string) (map[string]string, error) {
	tags := map[string]string{}
	if arn == "" || r.skip[listTags] {
		return tags, nil
	}
	err := eachPage(ctx, listTags, func(token *string) (*string, error) {
		out, err := r.api.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: &arn, NextToken: token})
		if err != nil {
			return nil, &callError{listTags, err}
		}
		if out.Tags == nil {
			return nil, &callError{listTags, errNoAnswer}
		}
		for _, t := range out.Tags {
			tags[text(t.Key, 128)] = text(t.Value, 256)
		}
		return out.NextToken, nil
	})
	return tags, err
}

// tagged is what is known of a resource's tags before they are needed.
type tagged struct {
	state string            // changes whenever the tags do
	tags  map[string]string // nil: not asked for yet
}

// tagState says whether tags have changed, for every resource of the region
// in a few calls. Where that is not to be had, the tags themselves are listed.
// A refusal is a gap of every kind that has tags.
func (r *regionRun) tagState(ctx context.Context, arn string) (tagged, error) {
	if r.hints == nil {
		r.hints = &tagHints{}
		if err := r.readHints(ctx); err != nil {
			r.hints.states = nil
			if ctx.Err() != nil {
				return tagged{}, ctx.Err()
			}
		}
	}
	if r.hints.states != nil {
		return tagged{state: r.hints.states[strings.ToLower(arn)]}, nil
	}
	tags, err := r.tagsOrGap(ctx, arn)
	return tagged{state: digest(tags), tags: tags}, err
}

// of returns the tags themselves.
func (r *regionRun) of(ctx context.Context, arn string, t tagged) (map[string]string, error) {
	if t.tags != nil {
		return t.tags, nil
	}
	return r.tagsOrGap(ctx, arn)
}

func (r *regionRun) tagsOrGap(ctx context.Context, arn string) (map[string]string, error) {
	tags, err := r.tagsOf(ctx, arn)
	return tags, r.failed(ctx, r.wanted(tagKinds()...), "tags of "+printable(arn, 150), err)
}

// tagHints are digests of tags by ARN, in lower case. They tell that tags have
// changed and are not taken for the tags: a resource that was never tagged, or
// whose type the tagging service does not know, is not among them.
type tagHints struct{ states map[string]string }

// readHints asks the tagging service for all of SageMaker's tags.
func (r *regionRun) readHints(ctx context.Context) error {
	ask, err := r.session.signed(ctx, "tagging", r.region)
	if err != nil {
		return err
	}
	states := map[string]string{}
	err = eachPage(ctx, getResources, func(token *string) (*string, error) {
		in := map[string]any{"ResourceTypeFilters": []string{"sagemaker"}, "ResourcesPerPage": 100}
		if token != nil {
			in["PaginationToken"] = *token
		}
		var out struct {
			Token *string `json:"PaginationToken"`
			List  []struct {
				ARN  string            `json:"ResourceARN"`
				Tags []json.RawMessage `json:"Tags"`
			} `json:"ResourceTagMappingList"`
		}
		if err := ask.json(ctx, "ResourceGroupsTaggingAPI_20170126.GetResources", in, &out); err != nil {
			return nil, &callError{getResources, err}
		}
		if out.List == nil {
			return nil, &callError{getResources, errNoAnswer}
		}
		for _, l := range out.List {
			states[strings.ToLower(l.ARN)] = digest(l.Tags)
		}
		return out.Token, nil
	})
	if err == nil {
		r.hints.states = states
	}
	return err
}

// digest names a value by a few digits.
func digest(v ...any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sha256Of(raw)[:16])
}

// tagNamed returns a tag's value, its name in any case. Of two that differ in
// case alone the first by name counts.
func tagNamed(tags map[string]string, name string) string {
	found, value := "", ""
	for k, v := range tags {
		if strings.EqualFold(k, name) && (found == "" || k < found) {
			found, value = k, v
		}
	}
	return value
}
