package mlflow

import (
	"context"
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

// listModels reads the registered models with their aliases. What is not read
// of them is missed of everything: a version without its aliases would look as
// if it had lost them.
func (c *collection) listModels(ctx context.Context) error {
	part := coverage.Part{Kinds: allKinds(), Scope: "the list of registered models", Permission: readModels}
	rows, err := c.api.list(ctx, rest.Call{Path: pathModels}, "registered_models", func(raw json.RawMessage) error {
		return c.modelRow(ctx, raw)
	})
	shown := byDefault
	if err == nil && (rows == 0 || c.cfg.credential()) {
		var odd error
		if shown, odd = c.api.sees(ctx); odd != nil && (rows == 0 || coverage.Fatal(ctx, odd) != nil) {
			err = odd
		}
	}
	if rows > 0 || err == nil {
		c.book.Read(records.KindModel)
	}
	if err != nil {
		return c.book.Missed(ctx, part, err)
	}
	c.whole = true
	c.book.Progress("models are listed", rows, rows)
	hidden := connector.Gap{Kinds: allKinds(), Scope: "registered models", Reason: connector.Hidden, Permission: readModels}
	switch {
	case c.cfg.Canary != "" && c.models[c.cfg.Canary] == nil:
		hidden.Detail = fmt.Sprintf("the model %q, which must be there, is not in the list: the identity does not see every model, or it was removed", c.cfg.Canary)
	case c.cfg.Canary == "" && shown == byGrant:
		hidden.Detail = "the identity sees only models that are granted to it by name, and the list leaves out the others; make READ its default permission, or name a canary"
	default:
		return nil
	}
	return c.book.Gap(hidden)
}

// modelRow keeps and emits one model. A row that is not as documented costs
// that row.
func (c *collection) modelRow(ctx context.Context, raw json.RawMessage) error {
	var m registeredModel
	if err := decode(pathModels, raw, &m); err != nil {
		return c.book.Missed(ctx, coverage.Part{Kinds: allKinds(), Scope: "a registered model"}, err)
	}
	if m.Name == "" {
		return c.gapOf(allKinds(), "a registered model", connector.Malformed, "a row of the list has no name")
	}
	if isPrompt(m.Tags) {
		return nil
	}
	c.keep(m)
	return c.emitModel(m)
}

// isPrompt reports whether a row is of MLflow's prompt registry, which keeps
// its rows among the models.
func isPrompt(tags []tag) bool {
	value, _ := lookup(tags, "mlflow.prompt.is_prompt")
	return strings.EqualFold(value, "true")
}

func (c *collection) keep(m registeredModel) {
	kept := &model{tags: tagMap(m.Tags), aliases: map[string][]string{}, latest: map[string]bool{}}
	for _, a := range m.Aliases {
		if alias := records.Line(a.Alias, 250); alias != "" {
			kept.aliases[string(a.Version)] = append(kept.aliases[string(a.Version)], alias)
		}
	}
	for _, list := range kept.aliases {
		slices.Sort(list)
	}
	for _, v := range m.Latest {
		kept.latest[string(v.Version)] = true
	}
	c.models[m.Name] = kept
}

func (c *collection) emitModel(m registeredModel) error {
	return c.book.Record(connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: m.Name}, Key: key(c.cfg.Registry, m.Name),
		EventTime: m.Created.time(), URL: c.cfg.link("models", m.Name),
	}, records.Model{
		Registry: c.cfg.Registry, Name: m.Name, ID: "models:/" + m.Name, Owner: records.Line(m.User, 250),
		About: line(m.Description, 2000), Tags: c.models[m.Name].tags, CreatedAt: records.Stamp(m.Created.time()),
	})
}

// maxStrangers bounds how many models that the list lacks are asked for.
const maxStrangers = 20

// stranger asks for a model that has versions but is not in the list. One that
// was made while we read is as good as listed; any other shows that the list
// leaves models out.
func (c *collection) stranger(ctx context.Context, name string) (found bool, err error) {
	var m registeredModel
	err = c.api.get(ctx, pathModel, url.Values{"name": {name}}, "registered_model", &m)
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return false, err
	}
	if err != nil || m.Name != name {
		return false, nil //nolint:nilerr // a gap says that the model is hidden
	}
	c.keep(m)
	return m.Created.time().After(c.now.Add(-clockSkew)), c.emitModel(m)
}

// hiddenModels reports models of which there are only versions.
func (c *collection) hiddenModels(names map[string]bool) error {
	if len(names) == 0 {
		return nil
	}
	return c.gapOf(allKinds(), "registered models", connector.Hidden,
		"%d models have versions but are not in the list of models: %s", len(names), some(names))
}

// some names a few of a set.
func some(set map[string]bool) string {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, records.Line(n, 60))
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	return strings.Join(names, ", ")
}
