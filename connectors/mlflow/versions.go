package mlflow

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// clockSkew is how far the server's clock may be from ours.
const clockSkew = 10 * time.Minute

func versionKinds() []string {
	return []string{records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation}
}

// listing is what of the versions is needed once all were seen.
type listing struct {
	seen   map[string]bool // name/version
	asked  map[string]bool // models that the list lacks, once asked for
	hidden map[string]bool // those of them that it leaves out
}

// listVersions reads the versions of all models in one listing, and reports
// whether it saw them all.
func (c *collection) listVersions(ctx context.Context) (whole bool, err error) {
	l := &listing{seen: map[string]bool{}, asked: map[string]bool{}, hidden: map[string]bool{}}
	part := coverage.Part{Kinds: versionKinds(), Scope: "the list of model versions", Permission: readModels}
	_, err = c.api.list(ctx, rest.Call{Path: pathVersions}, "model_versions", func(raw json.RawMessage) error {
		return c.versionRow(ctx, raw, l)
	})
	if err == nil || len(l.seen) > 0 {
		c.book.Read(records.KindModelVersion)
		if c.cfg.Approval != nil { // else nobody looked
			c.book.Read(records.KindModelApproval)
		}
	}
	if err != nil {
		return false, c.book.Missed(ctx, part, err)
	}
	if !c.whole {
		return false, nil // the gap is written down
	}
	if err := c.hiddenModels(l.hidden); err != nil {
		return false, err
	}
	return len(l.hidden) == 0, c.hiddenVersions(l)
}

func (c *collection) versionRow(ctx context.Context, raw json.RawMessage, l *listing) error {
	var v modelVersion
	if err := decode(pathVersions, raw, &v); err != nil {
		return c.book.Missed(ctx, coverage.Part{Kinds: versionKinds(), Scope: "a model version"}, err)
	}
	if v.Name == "" || v.Version == "" {
		return c.gapOf(versionKinds(), "a model version", connector.Malformed, "a row of the list has no name or no version")
	}
	if isPrompt(v.Tags) {
		return nil
	}
	m := c.models[v.Name]
	if m == nil && c.whole && !l.asked[v.Name] {
		l.asked[v.Name], l.hidden[v.Name] = true, true
		if len(l.asked) <= maxStrangers {
			fresh, err := c.stranger(ctx, v.Name)
			if err != nil {
				return err
			}
			if fresh {
				delete(l.hidden, v.Name)
			}
		}
		m = c.models[v.Name]
	}
	if m == nil {
		return nil // its aliases are not known; a gap says that the model is missing
	}
	l.seen[v.ref()] = true
	if v.RunID != "" {
		c.queue = append(c.queue, queued{version: v, model: m})
	}
	if err := c.emitVersion(v, m); err != nil {
		return err
	}
	return c.approval(v, m)
}

// hiddenVersions reports versions that a model names and the list lacks.
func (c *collection) hiddenVersions(l *listing) error {
	missing := map[string]bool{}
	for name, m := range c.models {
		for version := range m.latest {
			if ref := name + "/" + version; !l.seen[ref] {
				missing[ref] = true
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return c.gapOf(versionKinds(), "model versions", connector.Hidden,
		"%d versions that their models name are not in the list of versions: %s", len(missing), some(missing))
}

// ref is a version as other records name it.
func (v modelVersion) ref() string { return v.Name + "/" + string(v.Version) }

// stage is empty where there is none.
func (v modelVersion) stage() string {
	if v.Stage == nil || *v.Stage == "None" {
		return ""
	}
	return records.Line(*v.Stage, 60)
}

func (c *collection) emitVersion(v modelVersion, m *model) error {
	aliases := m.aliases[string(v.Version)]
	at := v.stage()
	if at == "" {
		at = strings.Join(aliases, ", ")
	}
	return c.book.Record(connector.Record{
		Kind: records.KindModelVersion, Subject: connector.Subject{Type: "model", ID: v.ref()},
		Key: key(c.cfg.Registry, v.Name, string(v.Version)), EventTime: v.Created.time(), URL: c.versionLink(v),
	}, records.ModelVersion{
		Registry: c.cfg.Registry, Model: v.Name, Version: string(v.Version), ARNOrURI: v.uri(), CreatedAt: records.Stamp(v.Created.time()),
		CreatedBy: records.Line(v.User, 250), SourceRun: records.Line(v.RunID, 100), ArtifactURI: line(v.Source, 1000),
		StageOrAlias: at, Aliases: aliases, Tags: tagMap(v.Tags), Status: records.Line(v.Status, 60),
	})
}

// uri is how MLflow itself names a version.
func (v modelVersion) uri() string { return "models:/" + v.ref() }

func (c *collection) versionLink(v modelVersion) string {
	return c.cfg.link("models", v.Name, "versions", string(v.Version))
}
