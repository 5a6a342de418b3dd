package aws

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	day = 24 * time.Hour
	// listedFor is how long CloudWatch lists a metric after its last value.
	listedFor = 14 * day
	// settled is how long after midnight the figures of a day are asked for.
	settled = 3 * time.Hour
	// perCall is how many models are asked about at once: three metrics each,
	// and a call takes 500.
	perCall = 150
)

// usage reads how often each model was called on each day, up to yesterday.
func (b *bedrockRun) usage(ctx context.Context) error {
	kinds := []string{records.KindVendorUsage, records.KindModelObservation}
	return b.part(ctx, piece{"Amazon CloudWatch", "use of models", kinds}, func(kinds []string) error {
		api, err := b.session.cloudWatch(ctx, b.region)
		if err != nil {
			return err
		}
		d, err := b.days(ctx, kinds)
		if err != nil {
			return err
		}
		models, err := b.calledModels(ctx, api, kinds)
		if err != nil {
			return err
		}
		if d.from.Before(d.to) {
			for chunk := range slices.Chunk(models, perCall) {
				if err := b.figures(ctx, api, chunk, d); err != nil {
					return err
				}
			}
		}
		for _, k := range kinds { // the latest counts: earlier days were not read everywhere
			if d.first.After(b.since[k]) {
				b.since[k] = d.first
			}
		}
		if err := b.emit.Cursor(b.usageCursor(), d.first.Format(time.DateOnly)+"/"+d.to.Format(time.DateOnly)); err != nil {
			return &emitError{err}
		}
		return nil
	})
}

// span is the days to read, from one midnight to another; first is the day
// from which on all were read, in earlier runs too.
type span struct{ first, from, to time.Time }

func (b *bedrockRun) usageCursor() string { return "bedrock-usage/" + b.id.account + "/" + b.region }

// days returns the days to read: from the first that no run has read to
// midnight. CloudWatch lists models that were called within two weeks, so what
// happened before cannot be read completely; a run that is later than that says
// so.
func (b *bedrockRun) days(ctx context.Context, kinds []string) (span, error) {
	d := span{to: b.now.UTC().Add(-settled).Truncate(day)}
	oldest := d.to.Add(-listedFor + day)
	d.first, d.from = oldest, oldest
	first, read, _ := strings.Cut(b.req.Cursors[b.usageCursor()], "/")
	since, err1 := time.Parse(time.DateOnly, first)
	at, err2 := time.Parse(time.DateOnly, read)
	switch {
	case err1 != nil || err2 != nil || at.After(d.to):
		if s := b.req.Since.UTC().Truncate(day); s.After(d.from) && s.Before(d.to) {
			d.first, d.from = s, s
		}
	case at.Before(oldest):
		return d, b.failed(ctx, kinds, "use of models before "+oldest.Format(time.DateOnly),
			fmt.Errorf("%w: CloudWatch does not list models that were last called before, and nothing was read since %s", errTruncated, read))
	default:
		d.first, d.from = since, at
	}
	return d, nil
}

// calledModels lists the models that were called lately, as the metrics name
// them.
func (b *bedrockRun) calledModels(ctx context.Context, api *cloudwatch.Client, kinds []string) ([]string, error) {
	models := map[string]bool{}
	err := listing(ctx, "cloudwatch:ListMetrics", b.saw(kinds...), func(token *string) ([]types.Metric, *string, error) {
		out, err := api.ListMetrics(ctx, &cloudwatch.ListMetricsInput{
			Namespace: aws.String("AWS/Bedrock"), MetricName: aws.String("Invocations"), NextToken: token,
			Dimensions: []types.DimensionFilter{{Name: aws.String("ModelId")}},
		})
		if err != nil {
			return nil, nil, err
		}
		return out.Metrics, out.NextToken, nil
	}, func(m types.Metric) error {
		if len(m.Dimensions) == 1 && aws.ToString(m.Dimensions[0].Name) == "ModelId" { // not the finer ones, which count the same calls again
			models[aws.ToString(m.Dimensions[0].Value)] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(models)), err
}

// figure is what one model did on one day.
type figure struct {
	calls, tokens float64
	counted       bool // there are figures of tokens: models of images have none
}

// figures reads and emits the days of some models.
func (b *bedrockRun) figures(ctx context.Context, api *cloudwatch.Client, models []string, s span) error {
	var queries []types.MetricDataQuery
	for i, model := range models {
		for k, metric := range []string{"Invocations", "InputTokenCount", "OutputTokenCount"} {
			queries = append(queries, types.MetricDataQuery{
				Id: aws.String(fmt.Sprintf("m%d_%d", i, k)), ReturnData: aws.Bool(true),
				MetricStat: &types.MetricStat{
					Period: aws.Int32(int32(day / time.Second)), Stat: aws.String("Sum"),
					Metric: &types.Metric{Namespace: aws.String("AWS/Bedrock"), MetricName: &metric,
						Dimensions: []types.Dimension{{Name: aws.String("ModelId"), Value: &model}}},
				},
			})
		}
	}
	by := map[string]map[time.Time]*figure{}
	err := listing(ctx, "cloudwatch:GetMetricData", func() {}, func(token *string) ([]types.MetricDataResult, *string, error) {
		out, err := api.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			StartTime: &s.from, EndTime: &s.to, MetricDataQueries: queries, NextToken: token, ScanBy: types.ScanByTimestampAscending,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.MetricDataResults, out.NextToken, nil
	}, func(r types.MetricDataResult) error { return add(by, r, models, s) })
	if err != nil {
		return err
	}
	for _, model := range slices.Sorted(maps.Keys(by)) {
		for _, at := range slices.SortedFunc(maps.Keys(by[model]), time.Time.Compare) {
			if err := b.used(ctx, model, at, *by[model][at]); err != nil {
				return err
			}
		}
	}
	return nil
}

// add books one metric's values. A value that cannot be ends the reading: a
// sum without it would be a wrong one.
func add(by map[string]map[time.Time]*figure, r types.MetricDataResult, models []string, s span) error {
	var i, k int
	if n, err := fmt.Sscanf(aws.ToString(r.Id), "m%d_%d", &i, &k); n != 2 || err != nil || i < 0 || i >= len(models) {
		return &callError{"cloudwatch:GetMetricData", fmt.Errorf("%w: a metric that was not asked for", errValue)}
	}
	if r.StatusCode == types.StatusCodeForbidden || r.StatusCode == types.StatusCodeInternalError || len(r.Timestamps) != len(r.Values) {
		code := map[bool]string{true: "AccessDenied", false: "InternalFailure"}[r.StatusCode == types.StatusCodeForbidden]
		return &callError{"cloudwatch:GetMetricData", &smithy.GenericAPIError{Code: code, Message: "figures of a model are missing: " + string(r.StatusCode)}}
	}
	for n, at := range r.Timestamps {
		v, at := r.Values[n], at.UTC().Truncate(day)
		if math.IsNaN(v) || v < 0 || v > 1<<53 || at.Before(s.from) || !at.Before(s.to) {
			return &callError{"cloudwatch:GetMetricData", fmt.Errorf("%w: %v on %s", errValue, v, at.Format(time.DateOnly))}
		}
		days := by[models[i]]
		if days == nil {
			days = map[time.Time]*figure{}
			by[models[i]] = days
		}
		if days[at] == nil {
			days[at] = &figure{}
		}
		if k == 0 {
			days[at].calls += v
		} else {
			days[at].tokens, days[at].counted = days[at].tokens+v, true
		}
	}
	return nil
}

// used emits a model's use on a day, and that it answered. The metrics name
// what was called; where that is an inference profile, the model behind it
// answered.
func (b *bedrockRun) used(ctx context.Context, model string, at time.Time, f figure) error {
	if f.calls == 0 {
		return nil
	}
	id := printable(model, 300)
	u := records.VendorUsage{Vendor: b.cfg.Vendor, Project: b.id.account + "/" + b.region, Model: id, Day: at.Format(time.DateOnly),
		Requests: aws.Int64(int64(f.calls))}
	if f.counted {
		u.Tokens = aws.Int64(int64(f.tokens))
	}
	if b.req.Wants(records.KindVendorUsage) {
		err := b.record(ctx, connector.Record{
			Kind: records.KindVendorUsage, Subject: connector.Subject{Type: "vendor", ID: u.Vendor}, EventTime: at, URL: b.metricsPage(),
			Key: strings.Join([]string{u.Vendor, u.Project, "", u.Model, u.Day}, "|"),
		}, u)
		if err != nil {
			return err
		}
	}
	if !b.req.Wants(records.KindModelObservation) {
		return nil
	}
	served := map[string]bool{}
	models, _ := b.targets(id)
	for _, t := range models {
		served[t.ref] = true
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		o := records.ModelObservation{Vendor: b.cfg.Vendor, ServedModel: name, ObservedAt: stamp(&at), Source: "usage_report", Project: u.Project}
		if name != id {
			o.Deployment = id
		}
		err := b.record(ctx, connector.Record{
			Kind: records.KindModelObservation, Subject: connector.Subject{Type: "model", ID: name}, EventTime: at, URL: b.metricsPage(),
			Key: strings.Join([]string{o.Vendor, o.Project, o.ServedModel, o.Deployment, u.Day}, "|"),
		}, o)
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bedrockRun) metricsPage() string {
	return "https://" + b.region + ".console.aws.amazon.com/cloudwatch/home?region=" + b.region + "#metricsV2"
}
