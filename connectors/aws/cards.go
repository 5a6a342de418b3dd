package aws

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	listModelCards        = "sagemaker:ListModelCards"
	listModelCardVersions = "sagemaker:ListModelCardVersions"
	describeModelCard     = "sagemaker:DescribeModelCard"
)

const maxSection = 8 << 10 // bytes of one section of a card

// cards reads the model cards with all their versions. A card whose last
// change is known is not read again.
func (r *regionRun) cards(ctx context.Context) error {
	return listing(ctx, listModelCards, func() { r.saw(records.KindModelCard) }, func(token *string) ([]types.ModelCardSummary, *string, error) {
		out, err := r.api.ListModelCards(ctx, &sagemaker.ListModelCardsInput{
			MaxResults: aws.Int32(pageSize), NextToken: token, SortBy: types.ModelCardSortByCreationTime, SortOrder: types.ModelCardSortOrderAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.ModelCardSummaries, out.NextToken, nil
	}, func(c types.ModelCardSummary) error { return r.card(ctx, c) })
}

// card reads the versions of one card. They are one unit: what was attested is
// as many versions as were emitted.
func (r *regionRun) card(ctx context.Context, c types.ModelCardSummary) error {
	name, kinds := text(c.ModelCardName, 200), []string{records.KindModelCard}
	it := r.thingOf(records.KindModelCard, r.registryName()+"|"+name, c)
	if v, ok := r.req.Validators[it.group]; ok && r.same(it) {
		if n, err := strconv.Atoi(string(v.Memo)); err == nil && n > 0 {
			return r.unchanged(it.group, n)
		}
	}
	if r.skip[describeModelCard] {
		return r.forget(it)
	}
	versions, err := r.cardVersions(ctx, c)
	if err := r.failed(ctx, kinds, "versions of model card "+name, err); err != nil {
		return err
	}
	whole := err == nil && !r.skip[listModelCardVersions]
	for _, v := range versions {
		ok, err := r.cardVersion(ctx, c.ModelCardName, v, it.group)
		if err != nil {
			return err
		}
		whole = whole && ok
	}
	if !whole || r.dropped[it.group] {
		return r.forget(it)
	}
	if err := r.emit.Validator(it.group, connector.Validator{ETag: it.state, Memo: []byte(strconv.Itoa(len(versions)))}); err != nil {
		return &emitError{err}
	}
	return nil
}

// cardVersions lists the versions of a card; where that cannot be had, nil
// stands for the current one.
func (r *regionRun) cardVersions(ctx context.Context, c types.ModelCardSummary) ([]*int32, error) {
	if r.skip[listModelCardVersions] {
		return []*int32{nil}, nil
	}
	var versions []*int32
	err := listing(ctx, listModelCardVersions, func() {}, func(token *string) ([]types.ModelCardVersionSummary, *string, error) {
		out, err := r.api.ListModelCardVersions(ctx, &sagemaker.ListModelCardVersionsInput{ModelCardName: c.ModelCardName, MaxResults: aws.Int32(pageSize), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.ModelCardVersionSummaryList, out.NextToken, nil
	}, func(v types.ModelCardVersionSummary) error {
		if v.ModelCardVersion == nil {
			return &callError{listModelCardVersions, errNoAnswer}
		}
		if !slices.ContainsFunc(versions, func(known *int32) bool { return *known == *v.ModelCardVersion }) {
			versions = append(versions, v.ModelCardVersion)
		}
		return nil
	})
	if err != nil {
		return []*int32{nil}, err
	}
	return versions, nil
}

// cardVersion emits one version of a card, and reports whether it could be
// read.
func (r *regionRun) cardVersion(ctx context.Context, name *string, version *int32, group string) (bool, error) {
	what := "model card " + aws.ToString(name)
	if r.skip[describeModelCard] {
		return false, nil
	}
	out, err := r.api.DescribeModelCard(ctx, &sagemaker.DescribeModelCardInput{ModelCardName: name, ModelCardVersion: version})
	if err == nil && (aws.ToString(out.ModelCardArn) == "" || out.ModelCardVersion == nil || out.Content == nil ||
		version != nil && *version != *out.ModelCardVersion) {
		err = errNoAnswer
	}
	if err != nil {
		return false, r.failed(ctx, []string{records.KindModelCard}, what, &callError{describeModelCard, err})
	}
	card := records.ModelCard{
		Registry: r.registryName(), Name: text(out.ModelCardName, 200), Version: strconv.Itoa(int(*out.ModelCardVersion)), Status: string(out.ModelCardStatus),
		CreatedAt: stamp(out.CreationTime), UpdatedAt: stamp(out.LastModifiedTime), Sections: map[string]json.RawMessage{},
		ContentSHA256: hex.EncodeToString(sha256Of([]byte(*out.Content))), ModelVersion: unversioned,
	}
	if out.ModelCardStatus == types.ModelCardStatusApproved {
		card.ApprovedBy = who(out.LastModifiedBy)
	}
	ok := true
	if err := readCard(*out.Content, &card); err != nil {
		ok = false // emitted without sections, and read again next time
		if err := r.failed(ctx, []string{records.KindModelCard}, what, err); err != nil {
			return false, err
		}
	}
	subject := card.Name
	if card.Model != "" {
		subject = card.Model
		if card.ModelVersion != unversioned {
			subject += "/" + card.ModelVersion
		}
	}
	return ok, r.record(ctx, connector.Record{
		Kind: records.KindModelCard, Subject: connector.Subject{Type: "model", ID: subject}, Key: r.registryName() + "|" + card.Name + "|" + card.Version, Group: group,
		EventTime: utc(out.LastModifiedTime), URL: r.consoleURL("model-cards/" + card.Name),
	}, card)
}

// errHidden: a card whose content SageMaker did not give.
var errHidden = errors.New("the content is no JSON object, so its sections are not known")

// readCard takes the sections out of a card, and the model that it is about.
func readCard(content string, card *records.ModelCard) error {
	sections := fields(json.RawMessage(content))
	if sections == nil {
		return fmt.Errorf("%w: %w", errValue, errHidden)
	}
	for _, name := range sortedKeys(sections) {
		if len(card.Sections) == 30 {
			break
		}
		clean, ok := tidy(sections[name], 8, nil)
		if !ok || len(clean) > maxSection {
			clean, _ = json.Marshal(fmt.Sprintf("a section of %d bytes", len(sections[name])))
		}
		card.Sections[printable(name, 100)] = clean
	}
	overview, packaged := fields(sections["model_overview"]), fields(sections["model_package_details"])
	card.Model = printable(str(overview, "model_name"), 200)
	if v := strings.Trim(string(overview["model_version"]), `"`); v != "" && v != "null" {
		card.ModelVersion = printable(v, 60)
	}
	if arn := str(packaged, "model_package_arn"); strings.Contains(arn, ":model-package/") {
		card.Model, card.ModelVersion = splitPackage(printable(arn, 300))
	} else if arn := str(overview, "model_id"); strings.Contains(arn, ":model-package/") {
		card.Model, card.ModelVersion = splitPackage(printable(arn, 300))
	}
	return nil
}
