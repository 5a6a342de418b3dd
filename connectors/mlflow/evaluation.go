package mlflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// evaluation is the payload of evaluation.run.
type evaluation struct {
	RunID          string         `json:"run_id"`
	SystemID       string         `json:"system_id,omitempty"`
	SubjectRef     string         `json:"subject_ref,omitempty"`
	DatasetVersion string         `json:"dataset_version,omitempty"`
	Metrics        map[string]any `json:"metrics"`
	Passed         *bool          `json:"passed,omitempty"`
	StartedAt      string         `json:"started_at,omitempty"`
	FinishedAt     string         `json:"finished_at"`
	Executor       string         `json:"executor,omitempty"`
}

// evaluations reads the finished runs of the experiments that hold tests.
func (c *collection) evaluations(ctx context.Context) error {
	for _, name := range c.cfg.Evaluation.Experiments {
		part := coverage.Part{Kinds: []string{kindEvaluation}, Scope: "experiment " + name, Permission: readExperiments}
		if err := c.book.Part(ctx, part, func() error { return c.experiment(ctx, name) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) experiment(ctx context.Context, name string) error {
	var e struct {
		ID textual `json:"experiment_id"`
	}
	if err := c.api.get(ctx, pathExperiment, url.Values{"experiment_name": {name}}, "experiment", &e); err != nil {
		return err
	}
	if e.ID == "" {
		return &rest.MalformedError{Path: pathExperiment, Why: "the experiment has no id"}
	}
	cursor := "experiment:" + string(e.ID)
	if len(cursor) > 200 {
		return &rest.MalformedError{Path: pathExperiment, Why: "the experiment's id is too long"}
	}
	var pos position
	if !c.book.Position(cursor, &pos) || pos.Settings != c.cfg.digest() {
		pos = position{Settings: c.cfg.digest()}
	}
	filter := "attributes.status = 'FINISHED'"
	if from := max(pos.Until-overlap, millis(c.req.Since.UnixMilli())); from > 0 {
		filter += fmt.Sprintf(" and attributes.end_time >= %d", from)
	}
	call := rest.Call{Method: "POST", Path: pathRuns, Body: map[string]any{
		"experiment_ids": []string{string(e.ID)}, "filter": filter, "order_by": []string{"attributes.end_time ASC", "attributes.run_id ASC"},
	}}
	rows, err := c.api.list(ctx, call, "runs", func(raw json.RawMessage) error { return c.runRow(ctx, raw, &pos) })
	if err == nil && rows == 0 {
		_, err = c.api.sees(ctx)
	}
	if err != nil {
		return err
	}
	if !c.req.Since.IsZero() {
		c.book.Since(c.req.Since, kindEvaluation)
	}
	return c.book.Cursor(cursor, pos)
}

func (c *collection) runRow(ctx context.Context, raw json.RawMessage, pos *position) error {
	run := &mlRun{}
	if err := decode(pathRuns, raw, run); err != nil {
		return c.book.Missed(ctx, coverage.Part{Kinds: []string{kindEvaluation}, Scope: "a run"}, err)
	}
	if ended := run.Info.Ended.time(); !ended.After(c.now.Add(clockSkew)) {
		pos.Until = max(pos.Until, run.Info.Ended)
	}
	return c.emitEvaluation(run, nil)
}

// emitEvaluation emits a finished run with metrics. of is the version that the
// run made; without one the run's tag says what was tested.
func (c *collection) emitEvaluation(run *mlRun, of *queued) error {
	ended := run.Info.Ended.time()
	if run.Info.Status != "FINISHED" || ended.IsZero() || len(run.Data.Metrics) == 0 || c.tooOld(run) {
		return nil
	}
	ref, _ := lookup(run.Data.Tags, c.cfg.Evaluation.SubjectTag)
	ref = strings.TrimPrefix(line(ref, 500), "models:/")
	var version []tag
	model := map[string]string{}
	if of != nil {
		ref, version, model = of.version.ref(), of.version.Tags, of.model.tags
	}
	subject := ref
	if subject == "" {
		subject = "run/" + run.Info.RunID
	}
	e := evaluation{
		RunID: run.Info.RunID, SubjectRef: ref, DatasetVersion: run.tested(), Metrics: run.metrics(), Passed: c.passed(run.Data.Tags, version),
		StartedAt: records.Stamp(run.Info.Started.time()), FinishedAt: records.Stamp(ended), Executor: run.executor(),
	}
	for _, tags := range []map[string]string{tagMap(run.Data.Tags), tagMap(version), model} {
		if e.SystemID == "" && c.cfg.SystemTag != "" {
			e.SystemID = tags[c.cfg.SystemTag]
		}
	}
	rec := connector.Record{
		Kind: kindEvaluation, Subject: connector.Subject{Type: "release", ID: subject},
		Key: key(c.cfg.Registry, run.Info.RunID, ref), EventTime: ended, URL: c.runLink(run),
	}
	if c.tested[rec.Key] {
		return nil // a version's own run that is in an experiment of tests too
	}
	c.tested[rec.Key] = true
	return c.book.Record(rec, e)
}

// passed reads the configured tag; nil where nobody says.
func (c *collection) passed(run, version []tag) *bool {
	for _, tags := range [][]tag{run, version} {
		value, there := lookup(tags, c.cfg.Evaluation.PassedTag)
		if !there {
			continue
		}
		yes := among(c.cfg.Evaluation.Passed, value)
		if yes || among(c.cfg.Evaluation.Failed, value) {
			return &yes
		}
	}
	return nil
}

// metrics are the last values, by name.
func (r *mlRun) metrics() map[string]any {
	out := map[string]any{}
	for _, m := range r.Data.Metrics {
		if k := records.Line(m.Key, 250); k != "" {
			out[k] = m.Value.value
		}
	}
	return out
}

// executor is who ran it.
func (r *mlRun) executor() string {
	if user, there := lookup(r.Data.Tags, "mlflow.user"); there {
		return records.Line(user, 250)
	}
	return records.Line(r.Info.User, 250)
}

// datasets are the inputs, as name@digest.
func (r *mlRun) datasets() []string {
	out := []string{}
	for i := range r.Inputs.Datasets {
		out = append(out, r.dataset(i))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *mlRun) dataset(i int) string {
	d := r.Inputs.Datasets[i].Dataset
	return line(d.Name, 500) + "@" + records.Line(d.Digest, 100)
}

// tested names the data that the metrics are of: the inputs marked so, or else
// the only one.
func (r *mlRun) tested() string {
	var marked []string
	for i, in := range r.Inputs.Datasets {
		context, _ := lookup(in.Tags, "mlflow.data.context")
		if slices.Contains([]string{"eval", "evaluation", "test", "testing", "validation"}, strings.ToLower(context)) {
			marked = append(marked, r.dataset(i))
		}
	}
	if all := r.datasets(); len(marked) == 0 && len(all) == 1 {
		marked = all
	}
	slices.Sort(marked)
	return strings.Join(slices.Compact(marked), ", ")
}

// parameters is a digest of the parameters in the order of their names; empty
// if there are none.
func (r *mlRun) parameters() string {
	if len(r.Data.Params) == 0 {
		return ""
	}
	params := slices.Clone(r.Data.Params)
	slices.SortFunc(params, func(a, b tag) int { return strings.Compare(a.Key+"\x00"+a.Value, b.Key+"\x00"+b.Value) })
	raw, err := json.Marshal(params)
	if err != nil {
		return "" // texts only: cannot be
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
