package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// emitError is an error of the emitter, which ends the run.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }
func (e *emitError) Unwrap() error { return e.err }

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	emit connector.Emitter
	id   identity
	now  time.Time

	read map[string]bool // kinds of which at least one listing was read
	gaps map[string]bool // kinds with gaps

	since  map[string]time.Time         // how far back a kind was read, where that has a limit
	firsts map[string]map[string]string // by region, what is remembered of the lifecycle of models
	told   map[string]bool              // keys of lifecycles that another account's listing gave already
}

// regionRun reads one region.
type regionRun struct {
	*collection
	region string
	api    *sagemaker.Client

	skip    map[string]bool              // operations that are denied or not offered here: asked once, reported once
	configs map[string]*endpointConfig   // by name
	models  map[string][]packagedModel   // by name of the model
	broken  map[string]error             // by name of a model that could not be read
	tags    map[string]map[string]string // by ARN
}

// Collect reads every configured region in full: AWS has no conditional
// requests, and a summary does not say when a package was last changed.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	var count func(connector.Calls)
	if r, ok := emit.(connector.CallRecorder); ok {
		count = r.Calls
	}
	s, err := newSession(ctx, cfg, count)
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, emit: emit, now: time.Now(), read: map[string]bool{}, gaps: map[string]bool{},
		since: map[string]time.Time{}, firsts: map[string]map[string]string{}, told: map[string]bool{}}
	if c.id, err = s.identity(ctx); err != nil {
		return nil, fmt.Errorf("aws: %w; check the keys, their region and the machine's clock", err)
	}
	for i, region := range cfg.Regions {
		emit.Progress(connector.Progress{Message: "region " + region, Done: int64(i), Total: int64(len(cfg.Regions))})
		if err := c.region(ctx, s, region); err != nil {
			var own *emitError
			if errors.As(err, &own) {
				return nil, own.err
			}
			return nil, err
		}
	}
	return c.coverage(), nil
}

// region reads one region. Its errors end the run; whatever AWS answers ends
// in gaps.
func (c *collection) region(ctx context.Context, s *session, region string) error {
	api, err := s.sagemaker(ctx, region)
	if err != nil {
		return err
	}
	r := &regionRun{
		collection: c, region: region, api: api, skip: map[string]bool{},
		configs: map[string]*endpointConfig{}, models: map[string][]packagedModel{}, broken: map[string]error{}, tags: map[string]map[string]string{},
	}
	if kinds := r.wanted(records.KindModel, records.KindModelVersion, records.KindModelApproval); len(kinds) > 0 {
		if err := r.failed(ctx, kinds, "model packages", r.registry(ctx)); err != nil {
			return err
		}
	}
	if kinds := r.wanted(records.KindDeployment); len(kinds) > 0 {
		if err := r.failed(ctx, kinds, "endpoints", r.deployments(ctx)); err != nil {
			return err
		}
	}
	return r.bedrock(ctx, s)
}

func (c *collection) wanted(kinds ...string) []string {
	return slices.DeleteFunc(kinds, func(k string) bool { return !c.req.Wants(k) })
}

// failed turns an error into a gap, unless it ends the run. nil stays nil.
func (r *regionRun) failed(ctx context.Context, kinds []string, what string, err error) error {
	var own *emitError
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	reason := reasonOf(err)
	g := connector.Gap{
		Kinds: kinds, Reason: reason, Detail: printable(err.Error(), 900),
		Scope: printable("account "+r.id.account+", region "+r.region+", "+what, 250),
	}
	var call *callError
	if errors.As(err, &call) {
		if reason == connector.Denied && slices.ContainsFunc(permissions(), func(p connector.Permission) bool { return p.ID == call.op }) {
			g.Permission = call.op
		}
		if reason == connector.Denied || reason == connector.Unsupported {
			r.skip[call.op] = true
		}
	}
	for _, k := range kinds {
		r.gaps[k] = true
	}
	if err := r.emit.Gap(g); err != nil {
		return &emitError{err}
	}
	return nil
}

// record emits a record, unless its time cannot be.
func (r *regionRun) record(ctx context.Context, rec connector.Record, payload any) error {
	if rec.EventTime.After(r.now) {
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: its time, %s, has not come yet", errValue, rec.EventTime.Format(time.RFC3339)))
	}
	if len(rec.Subject.ID) > 900 || len(rec.Key) > 1000 || rec.Subject.ID == "" {
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: a name that is empty or too long", errValue))
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: %w", errValue, err))
	}
	rec.Major, rec.Payload = 1, b
	if err := r.emit.Record(rec); err != nil {
		return &emitError{err}
	}
	return nil
}

// coverage is the claim about every kind that was asked for.
func (c *collection) coverage() connector.Coverage {
	queries := map[string]string{
		records.KindModel:         "ListModelPackageGroups, ListModelPackages (unversioned)",
		records.KindModelVersion:  "ListModelPackages of each group, DescribeModelPackage",
		records.KindModelApproval: "DescribeModelPackage of each version; state as read, so changes between two runs may be missed",
		records.KindDeployment:    "ListEndpoints, DescribeEndpoint, DescribeEndpointConfig, DescribeModel",
	}
	for kind, q := range queries {
		queries[kind] = "sagemaker " + q
	}
	for kind, q := range bedrockQueries() {
		queries[kind] = strings.TrimPrefix(queries[kind]+"; "+q, "; ")
	}
	events := []string{records.KindModelApproval, records.KindLineage, records.KindModelLifecycle, kindEvaluationRun, records.KindVendorUsage, records.KindModelObservation}
	cov := connector.Coverage{}
	for kind, q := range queries {
		if !c.req.Wants(kind) {
			continue
		}
		k := connector.KindCoverage{
			Status: connector.Complete, Since: c.since[kind], Enumerated: !slices.Contains(events, kind), IndependentCount: -1,
			Query: fmt.Sprintf("%s; account %s, regions %s; no other region was looked at", q, c.id.account, strings.Join(c.cfg.Regions, ", ")),
		}
		switch {
		case c.gaps[kind] && !c.read[kind]:
			k.Status, k.Enumerated = connector.Refused, false
		case c.gaps[kind]:
			k.Status, k.Enumerated = connector.Partial, false
		}
		cov[kind] = k
	}
	return cov
}

// registryName is the registry's name in records.
func (r *regionRun) registryName() string { return "sagemaker/" + r.id.account + "/" + r.region }

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
			tags[printable(aws.ToString(t.Key), 128)] = printable(aws.ToString(t.Value), 256)
		}
		return out.NextToken, nil
	})
	return tags, err
}

// stamp writes a time as payloads have it; empty if there is none.
func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
