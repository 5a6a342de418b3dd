package openai

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// job made, or was to make, a model.
type job struct {
	ID           string          `json:"id"`
	Organisation string          `json:"organization_id"`
	CreatedAt    int64           `json:"created_at"`
	FinishedAt   int64           `json:"finished_at"`
	Base         string          `json:"model"`
	Made         string          `json:"fine_tuned_model"`
	Status       string          `json:"status"`
	Training     string          `json:"training_file"`
	Validation   string          `json:"validation_file"`
	Method       json.RawMessage `json:"method"`
	Parameters   json.RawMessage `json:"hyperparameters"`
}

// fineTuned reads the models that jobs of the key's project made. A job that
// made none is no version of anything.
func (r *run) fineTuned(ctx context.Context) error {
	kinds := []string{records.KindModelVersion, records.KindLineage}
	part := coverage.Part{Kinds: kinds, Scope: "fine-tuning jobs", Permission: permFineTuning}
	return r.withKey(ctx, part, func() error {
		r.book.Query("fine-tuning jobs of the project of the secret "+secretKey+" that made a model; those of other projects are not seen", kinds...)
		return list(ctx, r.key, "fine_tuning/jobs", nil, rest.Into(r.book, "fine-tuning jobs", func(j job) error {
			if j.Made == "" {
				return nil
			}
			if !records.Fit(j.ID) || !records.Fit(j.Made) || len(j.Made) > 400 {
				return r.book.Malformed("fine-tuning jobs", "a job or its model has no id that can be one", kinds...)
			}
			return r.version(j)
		}, kinds...))
	})
}

func (r *run) version(j job) error {
	model, version := versionOf(j.Made, j.ID)
	registry := "openai/" + records.Line(j.Organisation, 100)
	subject, key := connector.Subject{Type: "model", ID: model + "/" + version}, registry+"/"+j.Made
	ended := records.Unix(max(j.FinishedAt, j.CreatedAt))
	page := "https://platform.openai.com/finetune/" + url.PathEscape(j.ID)
	err := r.book.Record(connector.Record{Kind: records.KindModelVersion, Subject: subject, Key: key, EventTime: ended, URL: page}, records.ModelVersion{
		Registry: registry, Model: model, Version: version, ARNOrURI: j.Made, CreatedAt: records.Stamp(ended), SourceRun: j.ID,
		BaseModel: records.Line(j.Base, 200), Status: records.Line(j.Status, 60), Tags: map[string]string{},
	})
	if err != nil {
		return err
	}
	l := records.Lineage{
		RunID: j.ID, Registry: registry, Model: model, ModelVersion: model + "/" + version, TrainingRun: j.ID, DatasetVersions: []string{},
		ParametersDigest: digest(j.Method, j.Parameters), StartedAt: records.Stamp(records.Unix(j.CreatedAt)), EndedAt: records.Stamp(records.Unix(j.FinishedAt)),
	}
	for _, file := range []string{j.Training, j.Validation} {
		if file != "" {
			l.DatasetVersions = append(l.DatasetVersions, records.Line(file, 200))
		}
	}
	return r.book.Record(connector.Record{Kind: records.KindLineage, Subject: subject, Key: registry + "/" + j.ID, EventTime: ended, URL: page}, l)
}

// versionOf takes the name of a fine-tuned model apart: ft:base:organisation:
// suffix:id is version id of the rest. One of another form is the one version
// of itself.
func versionOf(made, job string) (model, version string) {
	if i := strings.LastIndexByte(made, ':'); strings.Count(made, ":") >= 4 && i < len(made)-1 {
		return made[:i], made[i+1:]
	}
	return made, job
}

// digest is that of how a model was tuned, however it is written; empty if
// nothing is said.
func digest(parts ...json.RawMessage) string {
	var b bytes.Buffer
	for _, raw := range parts {
		var v any
		if len(raw) == 0 || json.Unmarshal(raw, &v) != nil || v == nil {
			continue
		}
		canonical, err := json.Marshal(v)
		if err != nil {
			continue
		}
		b.Write(append(canonical, '\n'))
	}
	if b.Len() == 0 {
		return ""
	}
	sum := sha256.Sum256(b.Bytes())
	return "sha256:" + hex.EncodeToString(sum[:])
}
