package gcp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// model is a model, or one version of it.
type model struct {
	Name             string            `json:"name"`
	DisplayName      string            `json:"displayName"`
	Description      string            `json:"description"`
	VersionID        string            `json:"versionId"`
	Aliases          []string          `json:"versionAliases"`
	CreateTime       string            `json:"createTime"`
	VersionCreated   string            `json:"versionCreateTime"`
	VersionUpdated   string            `json:"versionUpdateTime"`
	Labels           map[string]string `json:"labels"`
	ArtifactURI      string            `json:"artifactUri"`
	TrainingPipeline string            `json:"trainingPipeline"`
	PipelineJob      string            `json:"pipelineJob"`
	Container        struct {
		Image string `json:"imageUri"`
	} `json:"containerSpec"`
	Source struct {
		Type string `json:"sourceType"`
	} `json:"modelSourceInfo"`
	Base struct {
		Garden struct {
			Name string `json:"publicModelName"`
		} `json:"modelGardenSource"`
	} `json:"baseModelSource"`
}

// id is the model's id within its location, without a version.
func (m model) id() string {
	id, _, _ := strings.Cut(last(m.Name), "@")
	return id
}

// models reads the registry of a place.
func (p *place) models(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/models", "models", func(m model) error {
		created, err := records.Moment(m.CreateTime)
		if m.Name == "" || err != nil {
			return p.unfit(append([]string{records.KindModel}, versionKinds()...), "model "+m.Name, fmt.Errorf("it has no name, or no time that is one"))
		}
		err = p.book.Record(connector.Record{
			Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: m.id()}, Key: p.registry() + "/" + m.id(),
			EventTime: created, URL: p.console("models/" + m.id()),
		}, records.Model{
			Registry: p.registry(), Name: m.id(), ID: records.Line(m.Name, 500), About: describe(m), Owner: records.Line(m.Labels[p.cfg.OwnerLabel], 200),
			Tags: labels(m.Labels), CreatedAt: records.Stamp(created),
		})
		if err != nil {
			return err
		}
		return p.book.Missed(ctx, coverage.Part{Kinds: versionKinds(), Scope: p.scope("model " + m.id()), Permission: permModels}, p.versions(ctx, m))
	})
}

// versionKinds are those that are read of each version.
func versionKinds() []string {
	return []string{records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation}
}

func describe(m model) string {
	if m.Description == "" {
		return records.Line(m.DisplayName, 500)
	}
	return records.Line(m.DisplayName+": "+m.Description, 500)
}

func (p *place) console(path string) string {
	return "https://console.cloud.google.com/vertex-ai/locations/" + p.location + "/" + path + "?project=" + p.project
}

// versions reads the versions of a model.
func (p *place) versions(ctx context.Context, m model) error {
	if len(p.book.Wants(versionKinds()...)) == 0 {
		return nil
	}
	path := p.parent() + "/models/" + m.id()
	var all []model
	listed := list(ctx, p.api, path+":listVersions", "models", func(v model) error { all = append(all, v); return nil })
	for _, v := range all { // those of the pages before one that could not be read are kept
		if err := p.version(ctx, m, v); err != nil {
			return err
		}
	}
	if err := p.approvals(m, all, listed == nil); err != nil {
		return err
	}
	return listed
}

func (p *place) version(ctx context.Context, m, v model) error {
	created, err := records.Moment(v.VersionCreated)
	if v.VersionID == "" || err != nil {
		return p.unfit(versionKinds(), "model "+m.id(), fmt.Errorf("a version has no id, or no time that is one"))
	}
	aliases := slices.Sorted(slices.Values(v.Aliases))
	for i := range aliases {
		aliases[i] = records.Line(aliases[i], 128)
	}
	err = p.book.Record(connector.Record{
		Kind: records.KindModelVersion, Subject: connector.Subject{Type: "model", ID: m.id() + "/" + v.VersionID}, Key: p.registry() + "/" + m.id() + "/" + v.VersionID,
		EventTime: created, URL: p.console("models/" + m.id() + "/versions/" + v.VersionID),
	}, records.ModelVersion{
		Registry: p.registry(), Model: m.id(), Version: records.Line(v.VersionID, 100), ARNOrURI: p.versionName(m.id(), v.VersionID), CreatedAt: records.Stamp(created),
		SourceRun: records.Line(source(v), 500), ArtifactURI: records.Line(v.ArtifactURI, 500), StageOrAlias: strings.Join(aliases, ", "), Aliases: aliases,
		Tags: labels(v.Labels), Framework: records.Line(v.Container.Image, 300), BaseModel: records.Line(v.Base.Garden.Name, 200), Status: records.Line(v.Source.Type, 60),
	})
	if err != nil {
		return err
	}
	scope := p.scope("model " + m.id() + ", version " + v.VersionID)
	if err := p.book.Missed(ctx, coverage.Part{Kinds: []string{kindEvaluation}, Scope: scope, Permission: permEvaluations}, p.evaluations(ctx, m.id(), v.VersionID)); err != nil {
		return err
	}
	return p.book.Missed(ctx, coverage.Part{Kinds: []string{records.KindLineage}, Scope: scope, Permission: permPipelines}, p.pipeline(ctx, m.id(), v))
}

func (p *place) versionName(id, version string) string {
	return "projects/" + p.project + "/locations/" + p.location + "/models/" + id + "@" + version
}

func source(v model) string {
	if v.TrainingPipeline != "" {
		return v.TrainingPipeline
	}
	return v.PipelineJob
}

// approved is what is remembered of a version that carries, or carried, an
// alias of approval: since when, and how that is known.
type approved struct {
	Since    time.Time `json:"since"`
	On       bool      `json:"on"`
	Previous string    `json:"previous,omitempty"`
	Basis    string    `json:"basis"`
}

// given is what is remembered of an alias of a model: when all its versions were
// last read, and which carry, or carried, it.
type given struct {
	Read     time.Time           `json:"read,omitzero"`
	Versions map[string]approved `json:"versions"`
}

// maxGiven bounds the versions of one model that are remembered for an alias: a
// cursor holds about so many.
const maxGiven = 450

// approvals tells when aliases that mean approval were given or taken.
// Aliases move without a trace in the registry: the time is that of the
// version's last change, or of the first reading that saw it.
func (p *place) approvals(m model, all []model, whole bool) error {
	if len(p.cfg.ApprovalAliases) == 0 || len(p.book.Wants(records.KindModelApproval)) == 0 {
		return nil
	}
	for _, alias := range p.cfg.ApprovalAliases {
		if err := p.alias(m, alias, all, whole); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) alias(m model, alias string, all []model, whole bool) error {
	name := coverage.Memory(p.registry(), m.id(), alias)
	var known given
	p.book.Position(name, &known)
	if known.Versions == nil {
		known.Versions = map[string]approved{}
	}
	for _, v := range all {
		on := slices.Contains(v.Aliases, alias)
		was := known.Versions[v.VersionID]
		if v.VersionID == "" || !on && !was.On {
			continue
		}
		if on != was.On {
			was = p.changed(v, on, was, known.Read)
			known.Versions[v.VersionID] = was
		}
		if err := p.approval(m, v, alias, was); err != nil {
			return err
		}
	}
	if whole {
		known.Read = p.now.Truncate(time.Millisecond)
	}
	known.forget()
	return p.book.Cursor(name, known)
}

// forget drops what matters least where it is more than is kept: versions that
// lost the alias longest ago, then those that have had it longest.
func (g *given) forget() {
	if len(g.Versions) <= maxGiven {
		return
	}
	names := slices.SortedFunc(maps.Keys(g.Versions), func(a, b string) int {
		x, y := g.Versions[a], g.Versions[b]
		switch {
		case x.On != y.On && y.On:
			return -1
		case x.On != y.On:
			return 1
		}
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(a, b))
	})
	for _, name := range names[:len(names)-maxGiven] {
		delete(g.Versions, name)
	}
}

// changed is what is remembered of a change of a version's alias. The
// version's last change is the best that is known of its time, if it lies after
// the reading that did not see it; else the reading itself is, since moving an
// alias need not count as a change of the version.
func (p *place) changed(v model, on bool, was approved, read time.Time) approved {
	a := approved{Since: p.now.Truncate(time.Millisecond), On: on, Basis: "first_seen"}
	if at, err := records.Moment(v.VersionUpdated); err == nil && on && at.After(read) && at.After(was.Since) && !at.After(p.now) {
		a.Since, a.Basis = at, "last_change"
	}
	switch {
	case !on:
		a.Previous = "Approved"
	case !was.Since.IsZero():
		a.Previous = "Rejected"
	}
	return a
}

func (p *place) approval(m, v model, alias string, a approved) error {
	payload := records.ModelApproval{
		Registry: p.registry(), Model: m.id(), Version: records.Line(v.VersionID, 100), ARNOrURI: p.versionName(m.id(), v.VersionID),
		ApprovalStatus: "Approved", ApprovalDescription: "alias " + records.Line(alias, 128), ChangedAt: records.Stamp(a.Since),
		PreviousStatus: a.Previous, Basis: a.Basis,
	}
	if !a.On {
		payload.ApprovalStatus = "Rejected"
		payload.ApprovalDescription += " taken away"
	}
	return p.book.Record(connector.Record{
		Kind: records.KindModelApproval, Subject: connector.Subject{Type: "model", ID: m.id() + "/" + v.VersionID},
		Key: p.registry() + "/" + m.id() + "/" + v.VersionID + "/" + alias + "/" + records.Stamp(a.Since), EventTime: a.Since,
		URL: p.console("models/" + m.id() + "/versions/" + v.VersionID),
	}, payload)
}

// evaluations reads those of a version.
func (p *place) evaluations(ctx context.Context, id, version string) error {
	if len(p.book.Wants(kindEvaluation)) == 0 {
		return nil
	}
	return list(ctx, p.api, p.parent()+"/models/"+id+"@"+version+"/evaluations", "modelEvaluations", func(e struct {
		Name    string          `json:"name"`
		Display string          `json:"displayName"`
		Metrics json.RawMessage `json:"metrics"`
		Schema  string          `json:"metricsSchemaUri"`
		Created string          `json:"createTime"`
		Slices  []string        `json:"sliceDimensions"`
	}) error {
		at, err := records.Moment(e.Created)
		if e.Name == "" || err != nil {
			return p.unfit([]string{kindEvaluation}, "evaluation of "+id, fmt.Errorf("it has no name, or no time that is one"))
		}
		metrics := map[string]json.RawMessage{}
		if json.Unmarshal(e.Metrics, &metrics) != nil {
			metrics = map[string]json.RawMessage{}
		}
		return p.book.Record(connector.Record{
			Kind: kindEvaluation, Subject: connector.Subject{Type: "release", ID: p.versionName(id, version)}, Key: e.Name, EventTime: at,
			URL: p.console("models/" + id + "/versions/" + version + "/evaluations"),
		}, map[string]any{
			"run_id": records.Line(e.Name, 500), "subject_ref": p.versionName(id, version), "metrics": scalars(metrics), "finished_at": records.Stamp(at),
			"executor": "vertex",
		})
	})
}

// scalars keeps the metrics that are one number or text each; curves and
// matrices stay in the registry.
func scalars(in map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for name, raw := range in {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			continue
		}
		switch v := v.(type) {
		case float64, bool:
			out[records.Line(name, 100)] = v
		case string:
			out[records.Line(name, 100)] = records.Line(v, 200)
		}
	}
	return out
}

// pipeline reads what trained a version.
func (p *place) pipeline(ctx context.Context, id string, v model) error {
	if v.TrainingPipeline == "" || len(p.book.Wants(records.KindLineage)) == 0 {
		return nil
	}
	var job struct {
		Name   string          `json:"name"`
		Inputs json.RawMessage `json:"trainingTaskInputs"`
		Start  string          `json:"startTime"`
		End    string          `json:"endTime"`
		Data   struct {
			Dataset string `json:"datasetId"`
		} `json:"inputDataConfig"`
	}
	path := p.parent() + "/trainingPipelines/" + last(v.TrainingPipeline)
	if _, err := p.api.Get(ctx, rest.Call{Path: path}, &job); err != nil {
		return err
	}
	l := records.Lineage{TrainingRun: records.Line(v.TrainingPipeline, 500), DatasetVersions: []string{}, ParametersDigest: hash(job.Inputs)}
	if job.Data.Dataset != "" {
		l.DatasetVersions = append(l.DatasetVersions, records.Line(job.Data.Dataset, 200))
	}
	return p.lineage(l, id, v.VersionID, job.Start, job.End)
}

// lineage emits what a version was made from.
func (p *place) lineage(l records.Lineage, id, version, start, end string) error {
	began, err := records.Moment(start)
	ended, err2 := records.Moment(end)
	if err != nil || err2 != nil {
		return p.unfit([]string{records.KindLineage}, l.TrainingRun, fmt.Errorf("a time is none"))
	}
	l.RunID, l.Registry, l.Model, l.ModelVersion = l.TrainingRun, p.registry(), id, id+"/"+version
	l.StartedAt, l.EndedAt = records.Stamp(began), records.Stamp(ended)
	return p.book.Record(connector.Record{
		Kind: records.KindLineage, Subject: connector.Subject{Type: "model", ID: l.ModelVersion}, Key: l.RunID, EventTime: ended, URL: p.console("training"),
	}, l)
}

// hash is over parameters in canonical form, so that their order is none.
func hash(raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return ""
	}
	canonical, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// tuningJobs reads how publishers' models were tuned.
func (p *place) tuningJobs(ctx context.Context) error {
	return list(ctx, p.api, p.parent()+"/tuningJobs", "tuningJobs", func(j struct {
		Name  string `json:"name"`
		Start string `json:"startTime"`
		End   string `json:"endTime"`
		Tuned struct {
			Model string `json:"model"`
		} `json:"tunedModel"`
		Supervised struct {
			Data       string          `json:"trainingDatasetUri"`
			Validation string          `json:"validationDatasetUri"`
			Parameters json.RawMessage `json:"hyperParameters"`
		} `json:"supervisedTuningSpec"`
	}) error {
		id, version, _ := strings.Cut(last(j.Tuned.Model), "@")
		if j.Name == "" {
			return p.unfit([]string{records.KindLineage}, "tuning job", fmt.Errorf("it has no name"))
		}
		if id == "" {
			return nil // it has not made a model
		}
		l := records.Lineage{TrainingRun: records.Line(j.Name, 500), DatasetVersions: []string{}, ParametersDigest: hash(j.Supervised.Parameters)}
		for _, uri := range []string{j.Supervised.Data, j.Supervised.Validation} {
			if uri != "" {
				l.DatasetVersions = append(l.DatasetVersions, records.Line(uri, 500))
			}
		}
		if version == "" {
			version = "1"
		}
		return p.lineage(l, id, version, j.Start, j.End)
	})
}
